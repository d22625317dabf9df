import type { Message } from '@kiel/codec';
import { messageByName } from '@kiel/codec/apis';
import { describe, expect, test } from 'vitest';
import { checkVectors } from './check-vectors.ts';
import { knownFailures } from './ledger.ts';
import { readVectors, vectorNames } from './vectors.ts';

const names = vectorNames('messages');

describe('every version of every message reads and writes the bytes of the Java classes', () => {
  test.each(names)('%s', (name) => {
    checkVectors(messageByName(name) as Message, name, readVectors('messages', name));
  });
});

test('the vectors cover all 761 pairs of message and version that a Java class knows', () => {
  const pairs = names.flatMap((name) => [...new Set(readVectors('messages', name).map(({ version }) => version))]);
  expect(pairs.length).toBe(761);
});

test('each version has its empty, null, full and random cases, and unknown tags where it is flexible', () => {
  const lacking = names.flatMap((name) => {
    const { firstFlexible } = messageByName(name);
    const vectors = readVectors('messages', name);
    return [...new Set(vectors.map(({ version }) => version))].flatMap((version) => {
      const cases = vectors.filter((vector) => vector.version === version).map((vector) => vector.case);
      const wanted = ['defaults', 'nulls', 'full', 'random 1', 'random 2', 'random 3'];
      if (version >= firstFlexible) wanted.push('tags');
      return wanted.filter((kind) => !cases.includes(kind)).map((kind) => `${name} v${version} ${kind}`);
    });
  });
  expect(lacking).toEqual([]);
});

test('the ledger names only vectors that exist', () => {
  const messages = knownFailures.map((failure) => failure.split(' ')[0]);
  expect(messages.filter((name) => name === undefined || !names.includes(name))).toEqual([]);
});
