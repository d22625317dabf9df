import { CodecError, type Message, Reader } from '@kiel/codec';
import { messages } from '@kiel/codec/apis';
import * as internal from '@kiel/codec/internal-topics';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pathOfOffset } from '../../src/messages/layout.ts';
import { arbitraryOf } from './arbitrary.ts';

const internalMessages = Object.values(internal).filter(isMessage);
const all = [...messages, ...internalMessages] as Message<unknown, never>[];

function isMessage(value: unknown): value is Message<unknown, never> {
  return typeof value === 'object' && value !== null && 'layout' in value;
}

function versionsOf(message: Message<unknown, never>): number[] {
  return Array.from({ length: message.maxVersion - message.minVersion + 1 }, (_, i) => message.minVersion + i);
}

/** Everything set in `part` stands in `whole` as well; what a version lacks is not in `part`. */
function expectCovered(whole: unknown, part: unknown): void {
  if (Array.isArray(part)) {
    expect(whole).toHaveLength(part.length);
    part.forEach((item, i) => {
      expectCovered((whole as unknown[])[i], item);
    });
  } else if (part instanceof Uint8Array) {
    expect(Buffer.compare(whole as Uint8Array, part)).toBe(0);
  } else if (typeof part === 'object' && part !== null) {
    for (const [key, value] of Object.entries(part)) expectCovered((whole as Record<string, unknown>)[key], value);
  } else {
    expect(whole).toBe(part);
  }
}

test('the definitions of Kafka 0.8 to 4.4 are all there', () => {
  expect(messages).toHaveLength(203);
  expect(internalMessages).toHaveLength(83);
});

describe.each(all.map((message) => [message.name, message] as const))('%s', { timeout: 60_000 }, (_name, message) => {
  test('reads back what it wrote, in every version', () => {
    for (const version of versionsOf(message)) {
      fc.assert(
        fc.property(arbitraryOf(message, version), (value) => {
          const encoded = message.encode(value as never, version);
          const decoded = message.decode(encoded, version);
          expectCovered(decoded, value);
          expect(Buffer.compare(message.encode(decoded as never, version), encoded)).toBe(0);
        }),
        { numRuns: 5 },
      );
    }
  });

  test('has a layout that covers its bytes exactly, in every version', () => {
    for (const version of versionsOf(message)) {
      for (const value of fc.sample(arbitraryOf(message, version), 2)) {
        const r = new Reader(message.encode(value as never, version));
        expect(pathOfOffset(message as Message, version, r)).toBe('');
        expect(r.remaining).toBe(0);
      }
    }
  });

  test('refuses every truncation, saying where', () => {
    for (const version of versionsOf(message)) {
      for (const value of fc.sample(arbitraryOf(message, version), 2)) {
        const encoded = message.encode(value as never, version);
        const step = Math.max(1, Math.floor(encoded.length / 24));
        for (let length = 0; length < encoded.length; length += step) {
          const error = errorOf(() => message.decode(encoded.subarray(0, length), version));
          // Plain comparisons: this runs tens of thousands of times.
          const isGood =
            error.code === 'TRUNCATED' &&
            error.messageName === message.name &&
            error.version === version &&
            error.path !== '' &&
            error.offset! <= length;
          if (!isGood) expect.unreachable(`${length} of ${encoded.length} bytes: ${error.code} ${error.message}`);
        }
      }
    }
  });

  test('answers any bytes with a value or a CodecError', () => {
    const bytes = fc.uint8Array({ maxLength: 120 });
    for (const version of versionsOf(message)) {
      fc.assert(
        fc.property(bytes, (input) => {
          try {
            message.decode(input, version);
          } catch (error) {
            expect(error).toBeInstanceOf(CodecError);
          }
        }),
        { numRuns: 10 },
      );
    }
  });
});

function errorOf(attempt: () => unknown): CodecError {
  try {
    attempt();
  } catch (error) {
    if (error instanceof CodecError) return error;
    throw error;
  }
  throw new Error('no error');
}
