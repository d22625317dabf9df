import type { RecordBytes, RecordHeaders } from '@kiel/codec/client';
import { toError } from './errors.ts';
import { kindOf } from './kind-of.ts';
import type { Serializer } from './options.ts';

/** Pairs in order, or a plain object. */
export type HeadersInput =
  | readonly (readonly [name: string, value: Uint8Array | string | null])[]
  | Readonly<Record<string, Uint8Array | string | null>>;

/** Milliseconds since 1970 as a whole number or bigint, or a Date. */
export type TimestampInput = number | bigint | Date;

/**
 * The value as it goes into the record.
 *
 * @throws TypeError for `undefined`, and for what JSON cannot hold.
 */
export function readValue(topic: string, value: unknown, serializer: Serializer | null): RecordBytes {
  if (value === null) return null;
  if (isBytes(value)) return value;
  if (value === undefined) {
    throw new TypeError(`produce to "${topic}": the value is undefined; null is a tombstone`);
  }
  if (serializer !== null) {
    const made = serializer(value, topic);
    if (made === null || typeof made === 'string' || isBytes(made)) return made;
    throw new TypeError(`produce to "${topic}": the serializer must return bytes, text or null, got ${kindOf(made)}`);
  }
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (cause) {
    const [why] = toError(cause).message.split('\n');
    throw new TypeError(
      `produce to "${topic}": the value (${kindOf(value)}) cannot be written as JSON: ${why}. Produce what JSON has, ` +
        'bytes, or give createProducer() a serializer of your own',
      { cause },
    );
  }
  if (json === undefined) {
    throw new TypeError(`produce to "${topic}": the value is of type ${kindOf(value)}, which JSON does not have`);
  }
  return json;
}

/** @throws TypeError for anything but bytes, text and null. */
export function readKey(topic: string, key: unknown): RecordBytes {
  if (key === null || typeof key === 'string' || isBytes(key)) return key;
  throw new TypeError(`produce to "${topic}": the key must be text, bytes or null, got ${kindOf(key)}`);
}

/** @throws TypeError that names the header. */
export function readHeaders(topic: string, headers: HeadersInput | undefined): RecordHeaders | undefined {
  if (headers === undefined) return undefined;
  if (typeof headers !== 'object' || headers === null || isBytes(headers)) {
    throw new TypeError(`produce to "${topic}": headers must be a list of pairs or an object, got ${kindOf(headers)}`);
  }
  const pairs: readonly unknown[] = Array.isArray(headers) ? headers : Object.entries(headers);
  return pairs.map((pair, index) => {
    const [name, value] = Array.isArray(pair) ? (pair as unknown[]) : [];
    if (typeof name !== 'string') {
      throw new TypeError(`produce to "${topic}": headers[${index}] must be a pair of a name and a value`);
    }
    if (value === null || typeof value === 'string' || isBytes(value)) return [name, value] as const;
    throw new TypeError(
      `produce to "${topic}": the value of header "${name}" must be text, bytes or null, got ${kindOf(value)}`,
    );
  });
}

/**
 * Negative timestamps are before 1970, and allowed.
 *
 * @throws TypeError for anything that is no whole number of milliseconds.
 */
export function readTimestamp(topic: string, timestamp: unknown): number {
  const ms =
    typeof timestamp === 'bigint' ? Number(timestamp) : timestamp instanceof Date ? timestamp.getTime() : timestamp;
  if (typeof ms === 'number' && Number.isSafeInteger(ms)) return ms;
  const got =
    timestamp instanceof Date ? 'an invalid Date' : typeof timestamp === 'number' ? timestamp : kindOf(timestamp);
  throw new TypeError(
    `produce to "${topic}": timestampMs must be a whole number of milliseconds, a bigint or a Date, got ${got}`,
  );
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array || (ArrayBuffer.isView(value) && isForeignBytes(value));
}

/** A test runner's sandbox, or another window, has a Uint8Array of its own. */
function isForeignBytes(value: ArrayBufferView): boolean {
  return Object.prototype.toString.call(value) === '[object Uint8Array]';
}
