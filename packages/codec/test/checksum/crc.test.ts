import { createRequire } from 'node:module';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { type Checksum, crc32, crc32c } from '@kiel/codec';
import { nodeCrc32 } from '@kiel/codec/node';
import ieee from 'crc-32';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const castagnoli: typeof ieee = createRequire(import.meta.url)('crc-32/crc32c.js');

const bytes = fc.uint8Array({ maxLength: 200 });
const cases: { name: string; checksum: Checksum; oracle: Checksum; check: number }[] = [
  { name: 'crc32', checksum: crc32, oracle: (b, seed = 0) => ieee.buf(b, seed | 0) >>> 0, check: 0xcbf43926 },
  { name: 'crc32 against zlib', checksum: crc32, oracle: (b, seed) => zlibCrc32(b, seed), check: 0xcbf43926 },
  { name: 'nodeCrc32', checksum: nodeCrc32, oracle: (b, seed = 0) => ieee.buf(b, seed | 0) >>> 0, check: 0xcbf43926 },
  { name: 'crc32c', checksum: crc32c, oracle: (b, seed = 0) => castagnoli.buf(b, seed | 0) >>> 0, check: 0xe3069283 },
];

describe.each(cases)('$name', ({ checksum, oracle, check }) => {
  test('gives the check value that the polynomial is known by', () => {
    expect(checksum(new TextEncoder().encode('123456789'))).toBe(check);
    expect(checksum(new Uint8Array(0))).toBe(0);
  });

  test('agrees with another implementation on any bytes, seeds and places in memory', () => {
    fc.assert(
      fc.property(bytes, fc.nat(17), fc.integer({ min: 0, max: 0xffffffff }), (content, offset, seed) => {
        const memory = new Uint8Array(content.length + offset + 3).fill(0x55);
        memory.set(content, offset);
        const view = memory.subarray(offset, offset + content.length);
        expect(checksum(view)).toBe(oracle(content));
        expect(checksum(view, seed)).toBe(oracle(content, seed));
      }),
    );
  });

  test('goes on where it stopped when the checksum so far is the seed', () => {
    fc.assert(
      fc.property(bytes, bytes, (first, second) => {
        expect(checksum(second, checksum(first))).toBe(checksum(Uint8Array.of(...first, ...second)));
      }),
    );
  });
});
