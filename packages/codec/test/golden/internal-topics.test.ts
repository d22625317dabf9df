import type { Message } from '@kiel/codec';
import * as internalTopics from '@kiel/codec/internal-topics';
import { describe, expect, test } from 'vitest';
import { checkVectors } from './check-vectors.ts';
import { readVectors, vectorNames } from './vectors.ts';

const names = vectorNames('internal');
const messages = internalTopics as unknown as Record<string, Message | undefined>;

describe("every version of every record of Kafka's own topics reads and writes the bytes of the Java classes", () => {
  test.each(names)('%s', (name) => {
    const message = messages[name];
    expect(message, `${name} is exported`).toBeDefined();
    if (message !== undefined) checkVectors(message, name, readVectors('internal', name));
  });
});

test('the vectors cover all 83 messages', () => {
  expect(names.length).toBe(83);
});
