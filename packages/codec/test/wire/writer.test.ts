import { CodecError, Reader, Writer } from '@kiel/codec';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

function written(write: (w: Writer) => void): number[] {
  const w = new Writer(1);
  write(w);
  return [...w.finish()];
}

function codeOf(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    expect(error).toBeInstanceOf(CodecError);
    return (error as CodecError).code;
  }
  throw new Error('no error');
}

describe('a writer', () => {
  test('puts every wire type big-endian into a buffer that grows', () => {
    expect(written((w) => w.int8(-1))).toEqual([255]);
    expect(written((w) => w.int16(-2))).toEqual([255, 254]);
    expect(written((w) => w.int32(0x01020304))).toEqual([1, 2, 3, 4]);
    expect(written((w) => w.uint16(0xffff))).toEqual([255, 255]);
    expect(written((w) => w.uint32(0xfffffffe))).toEqual([255, 255, 255, 254]);
    expect(written((w) => w.int64(-2n))).toEqual([255, 255, 255, 255, 255, 255, 255, 254]);
    expect(written((w) => w.float64(1))).toEqual([0x3f, 0xf0, 0, 0, 0, 0, 0, 0]);
    expect(written((w) => w.bool(true))).toEqual([1]);
    expect(written((w) => w.uuid('AAECAwQFBgcICQoLDA0ODw'))).toEqual([...Array(16).keys()]);
    expect(written((w) => w.string('é'))).toEqual([0, 2, 0xc3, 0xa9]);
    expect(written((w) => w.compactString('é'))).toEqual([3, 0xc3, 0xa9]);
    expect(written((w) => w.byteArray(Uint8Array.of(7)))).toEqual([0, 0, 0, 1, 7]);
    expect(written((w) => w.compactByteArray(Uint8Array.of(7)))).toEqual([2, 7]);
    expect(written((w) => w.uvarint(300))).toEqual([0xac, 0x02]);
    expect(written((w) => w.varint(-65))).toEqual([0x81, 0x01]);
    expect(written((w) => w.varlong(-(2n ** 63n)))).toEqual([...Array(9).fill(255), 1]);
  });

  test('keeps null and empty apart in both encodings', () => {
    expect(written((w) => w.nullableString(null))).toEqual([255, 255]);
    expect(written((w) => w.nullableString(''))).toEqual([0, 0]);
    expect(written((w) => w.compactNullableString(null))).toEqual([0]);
    expect(written((w) => w.compactNullableString(''))).toEqual([1]);
    expect(written((w) => w.nullableByteArray(null))).toEqual([255, 255, 255, 255]);
    expect(written((w) => w.nullableByteArray(new Uint8Array()))).toEqual([0, 0, 0, 0]);
    expect(written((w) => w.compactNullableByteArray(null))).toEqual([0]);
    expect(written((w) => w.compactNullableByteArray(new Uint8Array()))).toEqual([1]);
    expect(written((w) => w.nullableArrayLength(null))).toEqual([255, 255, 255, 255]);
    expect(written((w) => w.compactNullableArrayLength([]))).toEqual([1]);
  });

  test('puts lists of int32 with their count in every form', () => {
    expect(written((w) => w.int32Array([-1, 2]))).toEqual([0, 0, 0, 2, 255, 255, 255, 255, 0, 0, 0, 2]);
    expect(written((w) => w.nullableInt32Array([]))).toEqual([0, 0, 0, 0]);
    expect(written((w) => w.nullableInt32Array(null))).toEqual([255, 255, 255, 255]);
    expect(written((w) => w.compactInt32Array([7]))).toEqual([2, 0, 0, 0, 7]);
    expect(written((w) => w.compactNullableInt32Array(null))).toEqual([0]);
    expect(written((w) => w.compactInt32Array(new Array(127).fill(0))).slice(0, 2)).toEqual([0x80, 1]);
    const w = new Writer();
    for (const bad of [[1, 2.5], [2 ** 31], ['1'], [1n], [undefined], null, undefined, 'x', new Int32Array(2)]) {
      expect(codeOf(() => w.int32Array(bad as never))).toMatch(/WRONG_TYPE|OUT_OF_RANGE|NOT_NULLABLE|MISSING_FIELD/);
      expect(codeOf(() => w.compactInt32Array(bad as never))).toMatch(/WRONG_TYPE|OUT_OF|NOT_NULLABLE|MISSING_FIELD/);
    }
  });

  test('gives the same bytes in one piece whether it copied byte fields or kept them', () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 12 });
    fc.assert(
      fc.property(pieces, fc.integer({ min: 0, max: 150 }), (arrays, gatherFrom) => {
        const outputs = [new Writer(1), new Writer(1, gatherFrom)].map((w) => {
          for (const array of arrays) w.compactByteArray(array);
          w.int16(7);
          return w.finish();
        });
        expect(outputs[1]).toEqual(outputs[0]);
      }),
    );
  });

  test.each(['int8', 'int16', 'int32', 'uint16', 'uint32', 'varint', 'uvarint', 'int64Number'] as const)(
    '%s takes whole numbers in its range and nothing else',
    (type) => {
      const w = new Writer();
      for (const bad of [1.5, Number.NaN, Number.POSITIVE_INFINITY, '1', 1n, true, new Date(0), [1], {}]) {
        expect(codeOf(() => w[type](bad as never))).toMatch(/WRONG_TYPE|OUT_OF_RANGE/);
      }
      expect(codeOf(() => w[type](2 ** 53))).toBe('OUT_OF_RANGE');
      expect(codeOf(() => w[type](-(2 ** 53)))).toBe('OUT_OF_RANGE');
      expect(codeOf(() => w[type](undefined as never))).toBe('MISSING_FIELD');
      expect(codeOf(() => w[type](null as never))).toBe('NOT_NULLABLE');
    },
  );

  test('an int64 is a bigint of 64 bits, and neither a number nor a Date', () => {
    const w = new Writer();
    expect(codeOf(() => w.int64(1 as never))).toBe('WRONG_TYPE');
    expect(codeOf(() => w.int64(new Date(0) as never))).toBe('WRONG_TYPE');
    expect(codeOf(() => w.int64(2n ** 63n))).toBe('OUT_OF_RANGE');
    expect(codeOf(() => w.int64(-(2n ** 63n) - 1n))).toBe('OUT_OF_RANGE');
    expect(() => w.int64(1 as never)).toThrow('needs a bigint (int64), not the number 1');
  });

  test('text is well-formed and takes at most 32767 bytes, compact or not', () => {
    const w = new Writer();
    for (const type of ['string', 'compactString'] as const) {
      expect(codeOf(() => w[type]('a\ud800'))).toBe('LONE_SURROGATE');
      expect(codeOf(() => w[type]('\udc00a'))).toBe('LONE_SURROGATE');
      expect(codeOf(() => w[type](`${'x'.repeat(60)}\ud800`))).toBe('LONE_SURROGATE');
      expect(codeOf(() => w[type]('x'.repeat(32768)))).toBe('TOO_LONG');
      expect(codeOf(() => w[type]('é'.repeat(16384)))).toBe('TOO_LONG');
      const longest = written((writer) => writer[type]('x'.repeat(32767)));
      expect(new Reader(Uint8Array.from(longest))[type]()).toHaveLength(32767);
    }
  });

  test('a UUID is 22 base64url characters whose spare bits are zero', () => {
    const w = new Writer();
    for (const bad of [
      '',
      'AAAAAAAAAAAAAAAAAAAAA',
      'AAAAAAAAAAAAAAAAAAAAAB',
      'AAAAAAAAAAAAAAAAAAAA+A',
      '€'.repeat(22),
      7,
    ]) {
      expect(codeOf(() => w.uuid(bad as never))).toBe('WRONG_TYPE');
    }
  });

  test('a tagged field that turns out long moves up to make room for its size', () => {
    const w = new Writer(4);
    const start = w.beginTag(3);
    w.raw(new Uint8Array(200).fill(9));
    w.endTag(start);
    w.int8(1);
    expect([...w.finish()]).toEqual([3, 0xc8, 0x01, ...Array(200).fill(9), 1]);
  });

  test('unknown tags are written in rising order only, and never over a known one', () => {
    const data = new Uint8Array();
    const w = new Writer();
    expect(
      codeOf(() =>
        w.taggedFields([
          { tag: 2, data },
          { tag: 1, data },
        ]),
      ),
    ).toBe('INVALID_TAG');
    expect(
      codeOf(() =>
        w.taggedFields([
          { tag: 2, data },
          { tag: 2, data },
        ]),
      ),
    ).toBe('INVALID_TAG');
    expect(codeOf(() => w.unknownTags([{ tag: 1, data }], 0, 1))).toBe('INVALID_TAG');
  });
});

describe('a gathering writer', () => {
  test('gives the same bytes as a copying one, in pieces that are the caller’s own arrays', () => {
    const piece = fc.oneof(
      fc.record({ kind: fc.constant('raw' as const), size: fc.integer({ min: 0, max: 300 }) }),
      fc.record({ kind: fc.constant('tag' as const), size: fc.integer({ min: 0, max: 300 }) }),
      fc.record({ kind: fc.constant('int' as const), size: fc.integer({ min: 0, max: 100 }) }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const copying = new Writer(8);
        const gathering = new Writer(8, 64);
        for (const w of [copying, gathering]) {
          for (const { kind, size } of pieces) {
            const tag = kind === 'tag' ? w.beginTag(size) : -1;
            if (kind === 'int') w.int32(size);
            else w.byteArray(new Uint8Array(size).fill(size));
            if (tag >= 0) w.endTag(tag);
          }
        }
        expect(gathering.length).toBe(copying.length);
        expect(Buffer.concat(gathering.chunks())).toEqual(Buffer.from(copying.finish()));
        expect(Buffer.from(gathering.finish())).toEqual(Buffer.from(copying.finish()));
      }),
    );
  });

  test('does not copy what reaches the threshold', () => {
    const records = new Uint8Array(2000);
    const w = new Writer(16, 1024);
    w.int32(1);
    w.byteArray(records);
    w.int32(2);
    const chunks = w.chunks();
    expect(chunks).toHaveLength(3);
    expect(chunks[1]).toBe(records);
  });

  test('starts over in the same memory', () => {
    const w = new Writer(16, 4);
    w.raw(new Uint8Array(8));
    w.reset();
    w.int8(5);
    expect([...w.finish()]).toEqual([5]);
  });
});
