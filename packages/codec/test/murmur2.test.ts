import { readFileSync } from 'node:fs';
import { murmur2, murmur2OfText, partitionForKey, toPositive } from '@kiel/codec';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

/** Hex bytes, Utils.murmur2 and the partition of 12, as kafka-clients 4.4.0 gave them (see tools/golden/records). */
const vectors: [hex: string, hash: number, partitionOf12: number][] = JSON.parse(
  readFileSync(new URL('murmur2-vectors.json', import.meta.url), 'utf8'),
);

describe('murmur2', () => {
  test('hashes every key of the vectors as the Java client does', () => {
    expect(vectors.length).toBeGreaterThan(150);
    for (const [hex, hash, partition] of vectors) {
      const key = Uint8Array.from(Buffer.from(hex, 'hex'));
      expect([murmur2(key), partitionForKey(key, 12)], hex).toEqual([hash, partition]);
    }
  });

  test('has vectors whose hash is negative, where clearing the sign and casting to unsigned differ', () => {
    const differing = vectors.filter(([, hash]) => toPositive(hash) % 12 !== (hash >>> 0) % 12);
    expect(differing.length).toBeGreaterThan(20);
  });

  test('U03: published and computed samples land where Java puts them', () => {
    const samples: [key: string, partitions: number, expected: number][] = [
      ['100:48069', 12, 9],
      ['wu', 10, 0],
      ['a', 12, 4],
      ['b', 12, 8],
      ['a', 3, 1],
    ];
    for (const [key, partitions, expected] of samples) {
      expect(partitionForKey(key, partitions), key).toBe(expected);
      expect(partitionForKey(new TextEncoder().encode(key), partitions), key).toBe(expected);
    }
  });

  test('hashes text as its UTF-8 bytes, and a range as a copy of it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(5), fc.nat(5), (text, before, after) => {
        const bytes = new TextEncoder().encode(text);
        const wider = new Uint8Array(before + bytes.length + after).fill(0xaa);
        wider.set(bytes, before);
        expect(murmur2OfText(text)).toBe(murmur2(bytes));
        expect(murmur2(wider, before, before + bytes.length)).toBe(murmur2(bytes));
      }),
    );
  });

  test('refuses a lone surrogate, and a count of partitions that is none', () => {
    expect(() => murmur2OfText('a\ud800')).toThrow(expect.objectContaining({ code: 'LONE_SURROGATE' }));
    for (const partitions of [0, -1, 1.5, Number.NaN])
      expect(() => partitionForKey('a', partitions)).toThrow(RangeError);
  });
});
