import { putUtf8 } from './wire/utf8.ts';

const seed = 0x9747b28c;
const multiplier = 0x5bd1e995;

/** MurmurHash2 as Kafka's Java client computes it over the bytes from `start` to `end`: 32 bits with sign. */
export function murmur2(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  let hash = (seed ^ (end - start)) | 0;
  let at = start;
  for (const last = end - 4; at <= last; at += 4) {
    hash = mix(hash, bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
  }
  const rest = end - at;
  if (rest > 2) hash ^= bytes[at + 2]! << 16;
  if (rest > 1) hash ^= bytes[at + 1]! << 8;
  if (rest > 0) hash = Math.imul(hash ^ bytes[at]!, multiplier);
  return finish(hash);
}

/** The same over the UTF-8 bytes of a text, which it does not make when all of it is ASCII. */
export function murmur2OfText(text: string): number {
  const end = text.length;
  let hash = (seed ^ end) | 0;
  let seen = 0;
  let at = 0;
  for (const last = end - 4; at <= last; at += 4) {
    const a = text.charCodeAt(at);
    const b = text.charCodeAt(at + 1);
    const c = text.charCodeAt(at + 2);
    const d = text.charCodeAt(at + 3);
    seen |= a | b | c | d;
    hash = mix(hash, a | (b << 8) | (c << 16) | (d << 24));
  }
  const rest = end - at;
  for (let i = rest - 1; i >= 0; i--) {
    const code = text.charCodeAt(at + i);
    seen |= code;
    hash ^= code << (8 * i);
  }
  if (seen > 0x7f) return murmur2OfWideText(text);
  if (rest > 0) hash = Math.imul(hash, multiplier);
  return finish(hash);
}

function murmur2OfWideText(text: string): number {
  const bytes = new Uint8Array(text.length * 3);
  return murmur2(bytes, 0, putUtf8(bytes, 0, text));
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(word, multiplier);
  return Math.imul(hash, multiplier) ^ Math.imul(mixed ^ (mixed >>> 24), multiplier);
}

function finish(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 13), multiplier);
  return mixed ^ (mixed >>> 15);
}

/** Clears the sign bit, as Java's partitioner does: not the absolute value, and not a cast to unsigned. */
export function toPositive(hash: number): number {
  return hash & 0x7fffffff;
}

/**
 * The partition that Java's default partitioner gives to a key. Text counts as its UTF-8 bytes; an empty key is
 * a key like any other.
 *
 * @param partitions - how many the topic has, leaderless ones included; at least 1.
 */
export function partitionForKey(key: Uint8Array | string, partitions: number): number {
  if (!Number.isInteger(partitions) || partitions < 1) {
    throw new RangeError(`partitions must be a whole number of at least 1, got ${partitions}`);
  }
  return toPositive(typeof key === 'string' ? murmur2OfText(key) : murmur2(key)) % partitions;
}
