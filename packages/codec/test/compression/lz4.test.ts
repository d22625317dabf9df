import { type Compressor, createLz4 } from '@kiel/codec';
import { createWasmCodecs } from '@kiel/codec/wasm';
import fc from 'fast-check';
import lz4 from 'lz4-napi';
import { describe, expect, test } from 'vitest';
import { xxhash32 } from '../../src/checksum/xxhash32.ts';

const maxBytes = 1 << 26;
const own = createLz4();
const wasm = createWasmCodecs()!.lz4;

/** Decompresses in TypeScript and in WebAssembly, which must agree in the bytes, or in what is wrong with them. */
function decompress(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const [first, second] = [own, wasm].map((port) => outcome(() => port.decompress(bytes, maxBytes)));
  expect(second!.error).toEqual(first!.error);
  if (first!.error !== undefined) throw first!.error;
  expect(Buffer.compare(first!.bytes!, second!.bytes!)).toBe(0);
  return first!.bytes!;
}

function outcome(run: () => Uint8Array): { bytes?: Uint8Array; error?: unknown } {
  try {
    return { bytes: run() };
  } catch (error) {
    return { error };
  }
}
const levels = [undefined, 1, 2, 5, 9, 12];

/** Bytes with repetitions near and far, and stretches without any. */
const bytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 12 }), fc.nat(200)).map(([unit, times]) => repeat(unit, times)),
    ),
    { maxLength: 8 },
  )
  .map((parts) => Uint8Array.from(Buffer.concat(parts)));

function repeat(unit: Uint8Array, times: number): Uint8Array {
  const whole = new Uint8Array(unit.length * times);
  for (let i = 0; i < times; i++) whole.set(unit, i * unit.length);
  return whole;
}

function jsonLines(bytes: number): Uint8Array {
  let text = '';
  for (let i = 0; text.length < bytes; i++)
    text += JSON.stringify({ id: i, user: `user-${(i * 7919) % 500}`, n: i * i });
  return new TextEncoder().encode(text.slice(0, bytes));
}

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

/** A frame around one block, to try blocks by themselves. */
function frameOf(block: number[], { blockSize = 4, independent = true } = {}): Uint8Array {
  const descriptor = Uint8Array.of(independent ? 0x60 : 0x40, blockSize << 4);
  const size = [block.length & 0xff, block.length >> 8, 0, 0];
  const check = (xxhash32(descriptor) >>> 8) & 0xff;
  return Uint8Array.of(0x04, 0x22, 0x4d, 0x18, ...descriptor, check, ...size, ...block, 0, 0, 0, 0);
}

describe('LZ4', () => {
  test('what it compresses, lz4-napi and it decompress to the same', () => {
    fc.assert(
      fc.property(bytes, fc.constantFrom(...levels), (content, level) => {
        const compressed = own.compress(content, level).slice();
        expect(same(lz4.decompressFrameSync(Buffer.from(compressed)), content)).toBe(true);
        expect(same(decompress(compressed, maxBytes), content)).toBe(true);
      }),
    );
  });

  test('it decompresses what lz4-napi compresses', () => {
    fc.assert(
      fc.property(bytes, (content) => {
        const compressed = lz4.compressFrameSync(Buffer.from(content));
        expect(same(decompress(compressed, maxBytes), content)).toBe(true);
      }),
    );
  });

  test.each([0, 1, 12, 13, 65_535, 65_536, 65_537, 262_145, 1_048_577, 5_000_000])(
    '%i bytes of JSON and of noise',
    (size) => {
      const noise = Uint8Array.from({ length: size }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24);
      for (const content of [jsonLines(size), noise]) {
        const compressed = own.compress(content);
        expect(same(lz4.decompressFrameSync(Buffer.from(compressed)), content)).toBe(true);
        expect(same(decompress(compressed, maxBytes), content)).toBe(true);
        expect(compressed.length).toBeLessThanOrEqual(content.length + 15 + 4 * Math.ceil(size / (1 << 22)));
      }
    },
  );

  test('higher levels give smaller output', () => {
    const content = jsonLines(200_000);
    const sizes = [undefined, 3, 9].map((level) => own.compress(content, level).length);
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    expect(new Set(sizes).size).toBe(3);
  });

  test('matches may overlap what they write, with any offset', () => {
    for (let offset = 1; offset < 20; offset++) {
      const unit = Array.from({ length: offset }, (_, i) => i + 1);
      const block = [
        ((offset << 4 < 0xf0 ? offset : 15) << 4) | 15,
        ...(offset >= 15 ? [offset - 15] : []),
        ...unit,
        offset,
        0,
        81,
        0x10,
        0xff,
      ];
      const out = decompress(frameOf(block), maxBytes);
      expect(Array.from(out)).toEqual([...Array.from({ length: offset + 100 }, (_, i) => (i % offset) + 1), 0xff]);
    }
  });

  test('blocks that reach back into the one before are read when the frame says so, and refused when it does not', () => {
    const frames = [true, false].map((independent) => {
      const first = [0x40, 1, 2, 3, 4];
      const second = [0x04, 4, 0, 0x10, 9]; // a match of 8 from 4 bytes back, then a literal
      const descriptor = Uint8Array.of(independent ? 0x60 : 0x40, 0x40);
      const check = (xxhash32(descriptor) >>> 8) & 0xff;
      const blocks = [first.length, 0, 0, 0, ...first, second.length, 0, 0, 0, ...second];
      return Uint8Array.of(0x04, 0x22, 0x4d, 0x18, ...descriptor, check, ...blocks, 0, 0, 0, 0);
    });
    expect(() => decompress(frames[0]!, maxBytes)).toThrow(/over the start/);
    expect(Array.from(decompress(frames[1]!, maxBytes))).toEqual([1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 9]);
  });

  test('content size and checksums of block and content are held to what they say', () => {
    const content = Uint8Array.of(7, 7, 7);
    const block = [0x30, ...content];
    const word = (value: number) => [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
    const descriptor = [0x40 | 0x20 | 0x10 | 0x08 | 0x04, 0x40, 3, 0, 0, 0, 0, 0, 0, 0];
    const check = (xxhash32(Uint8Array.from(descriptor)) >>> 8) & 0xff;
    const frame = Uint8Array.of(
      ...[0x04, 0x22, 0x4d, 0x18, ...descriptor, check, ...word(block.length), ...block],
      ...[...word(xxhash32(Uint8Array.from(block))), 0, 0, 0, 0, ...word(xxhash32(content))],
    );
    expect(decompress(frame, maxBytes)).toEqual(content);
    expect(same(lz4.decompressFrameSync(Buffer.from(frame)), content)).toBe(true);
    for (const at of [frame.length - 1, frame.length - 9, 14]) {
      const wrong = frame.slice();
      wrong[at]! ^= 1;
      expect(() => decompress(wrong, maxBytes)).toThrow(/checksum does not match/);
    }
    const lie = Uint8Array.from(frame);
    lie[6] = 4;
    lie[14] = (xxhash32(lie.subarray(4, 14)) >>> 8) & 0xff;
    expect(() => decompress(lie, maxBytes)).toThrow(/holds 3 bytes and claims 4/);
  });

  test('several frames in a row, skippable ones among them, are one content', () => {
    const frame = own.compress(Uint8Array.of(1, 2, 3));
    const skippable = Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9);
    const all = Uint8Array.of(...skippable, ...frame, ...skippable, ...frame);
    expect(Array.from(decompress(all, maxBytes))).toEqual([1, 2, 3, 1, 2, 3]);
  });

  test.each<[name: string, bytes: Uint8Array]>([
    ['no bytes', new Uint8Array(0)],
    ['another format', Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)],
    ['a match before any byte', frameOf([0x00, 1, 0, 0x10, 1])],
    ['offset 0', frameOf([0x10, 1, 0, 0, 0x10, 1])],
    ['an offset over the start', frameOf([0x10, 1, 2, 0, 0x10, 1])],
    ['literals over the end', frameOf([0x50, 1, 2])],
    ['a length that goes on for ever', frameOf([0xf0, 255, 255, 255])],
    ['a match at the end', frameOf([0x10, 1, 1, 0])],
    ['half an offset', frameOf([0x10, 1, 1])],
    ['a block size that is reserved', frameOf([0x10, 1], { blockSize: 3 })],
    ['a wrong header checksum', Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0, 0, 0, 0, 0)],
    ['bytes behind the frame', Uint8Array.of(...own.compress(Uint8Array.of(1)), 1, 2, 3)],
    ['no end mark', own.compress(Uint8Array.of(1)).slice(0, -4)],
  ])('refuses %s', (_, input) => {
    expect(() => decompress(input, maxBytes)).toThrow(
      expect.objectContaining({ name: 'CodecError', code: 'MALFORMED_COMPRESSION' }),
    );
  });

  test('a bomb stops at the limit, and a small block cannot claim the memory of a large one', () => {
    const bomb = own.compress(new Uint8Array(1 << 24));
    expect(bomb.length).toBeLessThan(1 << 17);
    for (const limit of [0, 1, 1000, (1 << 24) - 1]) {
      expect(() => decompress(bomb, limit)).toThrow(expect.objectContaining({ code: 'DECOMPRESSION_LIMIT' }));
    }
    expect(decompress(bomb, 1 << 24)).toHaveLength(1 << 24);
  });

  test('C08: the old header checksum takes in the magic, and both are read', () => {
    const content = jsonLines(500);
    const old: Compressor = createLz4({ oldHeaderChecksum: true });
    const [wrong, right] = [old.compress(content), own.compress(content)];
    expect(right[6]).toBe((xxhash32(right.subarray(4, 6)) >>> 8) & 0xff);
    expect(wrong[6]).toBe((xxhash32(right.subarray(0, 6)) >>> 8) & 0xff);
    expect(wrong[6]).not.toBe(right[6]);
    for (const frame of [wrong, right]) expect(decompress(frame, maxBytes)).toEqual(content);
    expect(() => lz4.decompressFrameSync(Buffer.from(wrong))).toThrow();
  });
});
