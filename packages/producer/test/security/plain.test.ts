import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { plain } from '../../src/security/plain.ts';
import { Secret } from '../../src/security/secret.ts';
import { talk } from './run-mechanism.ts';

test('PLAIN sends authorization id, user and password between zero bytes, in UTF-8', async () => {
  expect(await talk(plain({ username: 'ürsel', password: 'päss' }), [''])).toEqual(['\0ürsel\0päss']);
  const actingAs = plain({ username: 'u', password: 'p', authorizationId: 'boss' });
  expect(await talk(actingAs, [''])).toEqual(['boss\0u\0p']);
});

test('a secret shows itself only when asked', () => {
  const secret = new Secret('hunter2');
  const shown = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }, { showHidden: true, depth: 9 }),
    Object.values(secret).join(),
    JSON.stringify(Object.getOwnPropertyDescriptors(secret)),
  ].join('\n');
  expect(shown).not.toContain('hunter2');
  expect(secret.reveal()).toBe('hunter2');
});

test('a password is not to be seen on the mechanism', () => {
  const mechanism = plain({ username: 'u', password: 'hunter2' });
  expect(inspect(mechanism, { showHidden: true, depth: 9 }) + JSON.stringify(mechanism)).not.toContain('hunter2');
});
