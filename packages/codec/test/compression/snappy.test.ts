import { createSnappy } from '@kiel/codec';
import { createWasmCodecs } from '@kiel/codec/wasm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const maxBytes = 1 << 26;
const xerial = createSnappy();
const raw = createSnappy({ framing: 'raw' });
const wasm = createWasmCodecs()!.snappy;

/** Decompresses in TypeScript and in WebAssembly, which must agree in the bytes, or in what is wrong with them. */
function decompress(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const [first, second] = [raw, wasm].map((port) => outcome(() => port.decompress(bytes, maxBytes)));
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
const magic = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0];

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

/** The xerial frame around blocks, as Java's library writes it. */
function frame(...blocks: Uint8Array[]): Uint8Array {
  const lengths = blocks.map(({ length }) => Uint8Array.of(length >>> 24, length >>> 16, length >>> 8, length));
  const header = Uint8Array.of(...magic, 0, 0, 0, 1, 0, 0, 0, 1);
  return Uint8Array.from(Buffer.concat([header, ...blocks.flatMap((block, i) => [lengths[i]!, block])]));
}

describe('snappy', () => {
  test('C10: what it compresses in either framing reads back, whichever framing the reader writes', () => {
    fc.assert(
      fc.property(bytes, (content) => {
        for (const writer of [xerial, raw]) {
          const compressed = writer.compress(content);
          for (const reader of [xerial, raw, wasm])
            expect(same(reader.decompress(compressed, maxBytes), content)).toBe(true);
        }
      }),
    );
  });

  test.each([0, 1, 2, 15, 16, 17, 32_768, 65_535, 65_536, 65_537, 200_000])('%i bytes of JSON and of noise', (size) => {
    const noise = Uint8Array.from({ length: size }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24);
    for (const content of [jsonLines(size), noise]) {
      for (const snappy of [xerial, raw]) {
        expect(same(decompress(snappy.compress(content), maxBytes), content)).toBe(true);
      }
    }
  });

  test('C10: a frame may have any number of blocks, short ones too', () => {
    const block = raw.compress(jsonLines(1000)).slice();
    const short = Uint8Array.of(3, 2 << 2, 7, 8, 9);
    for (const count of [0, 1, 2, 40]) {
      const blocks = Array.from({ length: count }, (_, i) => (i % 2 ? short : block));
      expect(decompress(frame(...blocks), maxBytes)).toHaveLength(
        Math.ceil(count / 2) * 1000 + Math.floor(count / 2) * 3,
      );
    }
    expect(decompress(frame(short), maxBytes)).toEqual(Uint8Array.of(7, 8, 9));
  });

  test('C10: the frame that it writes is the one that Java reads: header, then lengths and blocks', () => {
    const compressed = xerial.compress(jsonLines(100_000));
    expect(Array.from(compressed.subarray(0, 16))).toEqual([...magic, 0, 0, 0, 1, 0, 0, 0, 1]);
    const view = new DataView(compressed.buffer, compressed.byteOffset, compressed.byteLength);
    let blocks = 0;
    for (let at = 16; at < compressed.length; at += 4 + view.getInt32(at)) blocks++;
    expect(blocks).toBe(2);
  });

  test('C10: copies may overlap what they write, with any offset and every form', () => {
    for (let offset = 1; offset < 20; offset++) {
      const unit = Array.from({ length: offset }, (_, i) => i + 1);
      const forms = [
        [((offset >> 8) << 5) | (7 << 2) | 1, offset],
        [(10 << 2) | 2, offset, 0],
        [(10 << 2) | 3, offset, 0, 0, 0],
      ];
      for (const copy of forms) {
        const block = Uint8Array.of(offset + 11, (offset - 1) << 2, ...unit, ...copy);
        const out = Array.from({ length: offset + 11 }, (_, i) => (i % offset) + 1);
        expect(Array.from(decompress(block, maxBytes))).toEqual(out);
      }
    }
  });

  test('literals may give their length in one to four bytes', () => {
    for (let extra = 1; extra <= 4; extra++) {
      const length = Array.from({ length: extra }, (_, i) => (i === 0 ? 4 : 0));
      const block = Uint8Array.of(5, (59 + extra) << 2, ...length, 1, 2, 3, 4, 5);
      expect(Array.from(decompress(block, maxBytes))).toEqual([1, 2, 3, 4, 5]);
    }
  });

  test.each<[name: string, bytes: Uint8Array]>([
    ['no bytes', new Uint8Array(0)],
    ['a length that goes on', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff)],
    ['a length over 32 bits', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x7f, 0)],
    ['more than the bytes can hold', Uint8Array.of(0x80, 0x80, 0x80, 0x20, 0, 1)],
    ['offset 0', Uint8Array.of(5, 0, 1, (3 << 2) | 2, 0, 0)],
    ['an offset over the start', Uint8Array.of(5, 0, 1, (3 << 2) | 2, 2, 0)],
    ['a literal over the end', Uint8Array.of(5, 4 << 2, 1, 2)],
    ['half a tag', Uint8Array.of(5, 0, 1, (3 << 2) | 2, 1)],
    ['half a long tag', Uint8Array.of(5, 0, 1, (3 << 2) | 3, 1, 0, 0)],
    ['half a short tag', Uint8Array.of(5, 0, 1, 1)],
    ['half a length of a literal', Uint8Array.of(5, 61 << 2, 1)],
    ['less than it claims', Uint8Array.of(5, 0, 1)],
    ['a copy of more than it claims', Uint8Array.of(2, 0, 1, (3 << 2) | 2, 1, 0)],
    ['a literal of more than it claims', Uint8Array.of(1, 1 << 2, 1, 2)],
    ['half a frame header', Uint8Array.from([...magic, 0, 0])],
    ['half a block length', Uint8Array.of(...frame(), 0, 0)],
    ['a block over the end of the frame', Uint8Array.of(...frame(), 0, 0, 0, 9, 1, 0, 1)],
    ['a block of negative size', Uint8Array.of(...frame(), 0xff, 0xff, 0xff, 0xff, 1, 0, 1)],
    ['an empty block', Uint8Array.of(...frame(), 0, 0, 0, 0)],
  ])('C10: refuses %s', (_, input) => {
    expect(() => decompress(input, maxBytes)).toThrow(
      expect.objectContaining({ name: 'CodecError', code: 'MALFORMED_COMPRESSION' }),
    );
  });

  test('a bomb stops at the limit, over all blocks of a frame', () => {
    const block = raw.compress(new Uint8Array(60_000)).slice();
    const bomb = frame(...Array.from({ length: 100 }, () => block));
    for (const limit of [0, 59_999, 60_000, 5_999_999]) {
      expect(() => decompress(bomb, limit)).toThrow(expect.objectContaining({ code: 'DECOMPRESSION_LIMIT' }));
    }
    expect(decompress(bomb, 6_000_000)).toHaveLength(6_000_000);
  });
});
