import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quoteServerText } from '../../src/security/server-text.ts';

const sent = [Buffer.from('\0alice\0open sesame+7')];

describe('text of a server in an error message', () => {
  test('ordinary words come through', () => {
    expect(quoteServerText('Authentication failed: Invalid username or password', sent)).toBe(
      'Authentication failed: Invalid username or password',
    );
    expect(quoteServerText(null)).toBe('');
  });

  test('a password it echoes is blanked, plain or encoded', () => {
    const password = 'open sesame+7';
    const forms = [
      password,
      'sesame+7',
      Buffer.from(password).toString('base64'),
      Buffer.from('sesame+7').toString('hex'),
      encodeURIComponent('sesame+7'),
    ];
    for (const form of forms) {
      const shown = quoteServerText(`wrong password <${form}> for you`, sent);
      expect(shown).not.toContain(form);
      expect(shown).toContain('[redacted]');
    }
  });

  test('what looks like a token is blanked even if we did not send it', () => {
    const jwt = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2lnbmF0dXJl';
    expect(quoteServerText(`bad token ${jwt} here`)).toBe('bad token [redacted] here');
  });

  test('control characters cannot forge a log line or move the cursor', () => {
    expect(quoteServerText('no\r\nERROR all is lost\u001b[2J\u2028x')).toBe('no  ERROR all is lost [2J x');
  });

  test('it is short, whatever was sent', () => {
    expect(quoteServerText('word '.repeat(100_000)).length).toBeLessThanOrEqual(301);
  });

  test('whatever password is echoed anywhere, it is not shown', () => {
    // No brackets, so that no password is a part of the blank itself.
    const unit = fc.constantFrom(...'abcXYZ019 ,.=+/\\"\'$^*(){}|?%&é½');
    const word = fc.string({ unit, minLength: 5, maxLength: 30 }).filter((text) => text.trim().length === text.length);
    fc.assert(
      fc.property(word, fc.string({ maxLength: 50 }), fc.string({ maxLength: 50 }), (password, before, after) => {
        const shown = quoteServerText(`${before} ${password} ${after}`, [Buffer.from(`\0user\0${password}`)]);
        expect(shown.includes(password)).toBe(false);
      }),
    );
  });
});
