import * as fc from 'fast-check';
import lz4Napi from 'lz4-napi';
import { expect, test } from 'vitest';
import { crc32c } from '../../src/checksum/crc.ts';
import { createLz4 } from '../../src/compression/lz4.ts';
import { createSnappy } from '../../src/compression/snappy.ts';
import { createWasmCodecs } from '../../src/wasm/wasm-codecs.ts';

const wasm = createWasmCodecs()!;
const block = 1 << 16;

/** Bytes that no compressor can shrink, the same for the same seed. */
function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Stretches of noise, repeats from near and far, and runs: what makes an encoder take each of its ways. */
const mixedBytes = fc
  .array(
    fc.oneof(
      fc.record({ kind: fc.constant('noise'), length: fc.integer({ min: 1, max: 400 }), from: fc.nat(1000) }),
      fc.record({ kind: fc.constant('run'), length: fc.integer({ min: 1, max: 700 }), from: fc.nat(255) }),
      fc.record({ kind: fc.constant('copy'), length: fc.integer({ min: 1, max: 300 }), from: fc.nat(1 << 20) }),
    ),
    { maxLength: 60 },
  )
  .map((parts) => {
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const { kind, length, from } of parts) {
      if (kind === 'noise') bytes.set(noise(length, from), at);
      else if (kind === 'run') bytes.fill(from, at, at + length);
      else
        for (let i = 0; i < length; i++) bytes[at + i] = at === 0 ? 0 : bytes[(from % at) + (i % (at - (from % at)))]!;
      at += length;
    }
    return bytes;
  });

test('the checksum of "123456789" is the one of the catalogue', () => {
  expect(wasm.crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
});

test('the checksum agrees with the tables at every length around which it changes its way', () => {
  const bytes = noise(3 * block + 9000);
  const edges = [
    0,
    1,
    255,
    256,
    257,
    1023,
    1024,
    1025,
    1233,
    8192,
    8256,
    8401,
    8448,
    8512,
    16384 + 209,
    block,
    2 * block,
  ];
  for (const edge of edges) {
    for (let length = Math.max(0, edge - 3); length <= edge + 130; length++) {
      const part = bytes.subarray(edge % 7, (edge % 7) + length);
      expect(wasm.crc32c(part), `${length} bytes`).toBe(crc32c(part));
    }
  }
});

test('the checksum goes on from a seed wherever the bytes are cut', () => {
  const bytes = noise(20_000);
  const whole = crc32c(bytes);
  fc.assert(
    fc.property(fc.nat(bytes.length), (cut) => {
      expect(wasm.crc32c(bytes.subarray(cut), wasm.crc32c(bytes.subarray(0, cut)))).toBe(whole);
    }),
  );
});

test('a changed bit anywhere changes the checksum', () => {
  const bytes = noise(5000);
  const whole = wasm.crc32c(bytes);
  for (let at = 0; at < bytes.length; at++) {
    bytes[at]! ^= 1 << (at & 7);
    expect(wasm.crc32c(bytes)).not.toBe(whole);
    bytes[at]! ^= 1 << (at & 7);
  }
});

test('an LZ4 frame comes back whole through an independent reader', () => {
  fc.assert(
    fc.property(mixedBytes, (bytes) => {
      const frame = wasm.lz4.compress(bytes);
      expect(Buffer.compare(lz4Napi.decompressFrameSync(Buffer.from(frame)), bytes)).toBe(0);
      expect(Buffer.compare(createLz4().decompress(frame, bytes.length), bytes)).toBe(0);
    }),
    { numRuns: 300 },
  );
});

test('a snappy frame comes back whole', () => {
  fc.assert(
    fc.property(mixedBytes, (bytes) => {
      const frame = wasm.snappy.compress(bytes);
      expect(Buffer.compare(createSnappy().decompress(frame, bytes.length), bytes)).toBe(0);
    }),
    { numRuns: 300 },
  );
});

test('blocks at their limits come back whole, compressible or not', () => {
  const lengths = [0, 1, 4, 12, 13, 14, 15, 16, 17, 100, block - 1, block, block + 1, block + 5, 2 * block, 300_000];
  for (const length of lengths) {
    for (const bytes of [noise(length), new Uint8Array(length).fill(7), noise(length).map((byte) => byte & 3)]) {
      const lz4 = wasm.lz4.compress(bytes);
      expect(Buffer.compare(lz4Napi.decompressFrameSync(Buffer.from(lz4)), bytes), `lz4, ${length}`).toBe(0);
      const snappy = wasm.snappy.compress(bytes);
      expect(Buffer.compare(createSnappy().decompress(snappy, length), bytes), `snappy, ${length}`).toBe(0);
    }
  }
});

test('what does not compress grows by its frame alone', () => {
  const bytes = noise(5 * block);
  expect(wasm.lz4.compress(bytes).length).toBe(bytes.length + 7 + 5 * 4 + 4);
  expect(wasm.snappy.compress(bytes).length).toBeLessThan(bytes.length + 16 + 5 * 16);
});

test('text compresses about as well as with the encoders in TypeScript', () => {
  const words = 'order invoice customer paid shipped cancelled region warehouse total currency EUR USD'.split(' ');
  const choice = noise(24_000, 3);
  const text = Array.from(choice, (byte, i) => `${words[byte % words.length]}:${(i * 7919) % 10007}`).join(' ');
  const bytes = new TextEncoder().encode(text);
  expect(wasm.lz4.compress(bytes).length).toBeLessThan(createLz4().compress(bytes).length * 1.1);
  expect(wasm.snappy.compress(bytes).length).toBeLessThan(createSnappy().compress(bytes).length * 1.1);
});

test('where WebAssembly is missing or forbidden there are no codecs, and no error', () => {
  const global = globalThis as { WebAssembly?: unknown };
  const real = global.WebAssembly;
  try {
    for (const stand of [
      undefined,
      {
        Module: function refused() {
          throw new Error('policy');
        },
      },
    ]) {
      global.WebAssembly = stand;
      expect(createWasmCodecs()).toBeNull();
    }
  } finally {
    global.WebAssembly = real;
  }
});
