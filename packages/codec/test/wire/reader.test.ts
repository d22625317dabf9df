import { CodecError, defaultReadLimits, Reader, Writer } from '@kiel/codec';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

function codeOf(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    expect(error).toBeInstanceOf(CodecError);
    return (error as CodecError).code;
  }
  throw new Error('no error');
}

const read = (...bytes: number[]) => new Reader(Uint8Array.from(bytes));

describe('a reader', () => {
  test('reads text that the writer wrote, whatever it holds', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        const w = new Writer(1);
        w.string(text);
        w.compactString(text);
        const r = new Reader(w.finish());
        expect([r.string(), r.compactString(), r.remaining]).toEqual([text, text, 0]);
        expect(w.finish().subarray(2, 2 + new TextEncoder().encode(text).length)).toEqual(
          new TextEncoder().encode(text),
        );
      }),
    );
  });

  test('reads lists of int32 of any length, and refuses a count that the rest cannot hold', () => {
    for (const count of [0, 1, 2, 3, 4, 127, 1000]) {
      const values = Array.from({ length: count }, (_, i) => (i % 2 === 0 ? i : ~i * 65_537));
      const w = new Writer(1);
      w.int32Array(values);
      w.compactInt32Array(values);
      w.nullableInt32Array(values);
      w.compactNullableInt32Array(values);
      w.nullableInt32Array(null);
      w.compactNullableInt32Array(null);
      const r = new Reader(w.finish());
      expect([r.int32Array(), r.compactInt32Array()]).toEqual([values, values]);
      expect([r.nullableInt32Array(), r.compactNullableInt32Array()]).toEqual([values, values]);
      expect([r.nullableInt32Array(), r.compactNullableInt32Array(), r.remaining]).toEqual([null, null, 0]);
    }
    expect(codeOf(() => read(0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0).int32Array())).toBe('TRUNCATED');
    expect(codeOf(() => read(2, 0, 0, 0).compactInt32Array())).toBe('TRUNCATED');
    expect(codeOf(() => read(255, 255, 255, 255).int32Array())).toBe('NOT_NULLABLE');
    expect(codeOf(() => read(0).compactInt32Array())).toBe('NOT_NULLABLE');
    const limits = { ...defaultReadLimits, maxArrayLength: 1 };
    const two = Uint8Array.of(3, 0, 0, 0, 1, 0, 0, 0, 2);
    expect(codeOf(() => new Reader(two, 0, two.length, limits).compactInt32Array())).toBe('LIMIT_EXCEEDED');
  });

  test('reads varints of every size and either sign', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.maxSafeInteger(),
        (int, long, safe) => {
          const w = new Writer(1);
          w.varint(int);
          w.uvarint(int >>> 0);
          w.varlong(long);
          w.varlongNumber(safe);
          w.int64Number(safe);
          const r = new Reader(w.finish());
          expect([r.varint(), r.uvarint(), r.varlong(), r.varlong(), r.int64Number()]).toEqual([
            int,
            int >>> 0,
            long,
            BigInt(safe),
            safe,
          ]);
          expect(r.remaining).toBe(0);
        },
      ),
    );
  });

  test('refuses a varint of more bits than its type has', () => {
    expect(codeOf(() => read(255, 255, 255, 255, 0x10).uvarint())).toBe('MALFORMED_VARINT');
    expect(codeOf(() => read(255, 255, 255, 255, 255, 1).uvarint())).toBe('MALFORMED_VARINT');
    expect(codeOf(() => read(...Array(9).fill(255), 2).varlong())).toBe('MALFORMED_VARINT');
    expect(codeOf(() => read(0x80, 0x80).uvarint())).toBe('TRUNCATED');
  });

  test('keeps null and empty apart, and refuses null where there is none', () => {
    expect(read(255, 255).nullableString()).toBeNull();
    expect(read(0, 0).nullableString()).toBe('');
    expect(read(0).compactNullableString()).toBeNull();
    expect(read(1).compactNullableString()).toBe('');
    expect(read(0).compactNullableByteArray()).toBeNull();
    expect(read(1).compactNullableByteArray()).toEqual(new Uint8Array());
    expect(read(0).compactNullableArrayLength(1)).toBe(-1);
    expect(read(1).compactNullableArrayLength(1)).toBe(0);
    expect(codeOf(() => read(255, 255).string())).toBe('NOT_NULLABLE');
    expect(codeOf(() => read(0).compactString())).toBe('NOT_NULLABLE');
    expect(codeOf(() => read(255, 255, 255, 255).byteArray())).toBe('NOT_NULLABLE');
    expect(codeOf(() => read(0).compactArrayLength(1))).toBe('NOT_NULLABLE');
  });

  test('refuses a count that the bytes left cannot hold, before anything is made for it', () => {
    expect(codeOf(() => read(0x7f, 255, 255, 255).arrayLength(1))).toBe('TRUNCATED');
    expect(codeOf(() => read(0, 0, 0, 2, 1, 1, 1, 1, 1, 1, 1).arrayLength(4))).toBe('TRUNCATED');
    expect(codeOf(() => read(0xff, 0xff, 0xff, 0xff, 0x0f).compactArrayLength(1))).toBe('TRUNCATED');
    expect(codeOf(() => read(0xff, 0xff, 0xff, 0xff, 0x0f).taggedFields())).toBe('TRUNCATED');
  });

  test('holds to the limits of Kafka 4.4 on elements and tagged fields, which a caller may move', () => {
    const w = new Writer();
    w.int32(1_000_001);
    w.raw(new Uint8Array(1_000_001));
    expect(codeOf(() => new Reader(w.finish()).arrayLength(1))).toBe('LIMIT_EXCEEDED');
    const generous = { ...defaultReadLimits, maxArrayLength: 2_000_000 };
    expect(new Reader(w.finish(), 0, w.pos, generous).arrayLength(1)).toBe(1_000_001);
    const tags = new Writer();
    tags.uvarint(10_001);
    tags.raw(new Uint8Array(20_002));
    expect(codeOf(() => new Reader(tags.finish()).taggedFields())).toBe('LIMIT_EXCEEDED');
  });

  test('refuses text that is not UTF-8, or replaces it as Java does when told to', () => {
    const malformed = [
      [0xff],
      [0xc3], // cut
      [0xc0, 0x80], // overlong
      [0xed, 0xa0, 0x80], // a surrogate
      [0xf4, 0x90, 0x80, 0x80], // beyond Unicode
    ];
    const lenient = { ...defaultReadLimits, malformedUtf8: 'replace' as const };
    for (const bytes of malformed) {
      const input = Uint8Array.from([bytes.length + 1, ...bytes]);
      expect(codeOf(() => new Reader(input).compactString())).toBe('MALFORMED_UTF8');
      expect(new Reader(input, 0, input.length, lenient).compactString()).toMatch(/^\ufffd+$/);
    }
  });

  test('keeps a byte order mark as the character it is', () => {
    expect(read(4, 0xef, 0xbb, 0xbf).compactString()).toBe('\ufeff');
  });

  test('gives bytes as views of the input', () => {
    const input = Uint8Array.from([3, 7, 8]);
    expect(new Reader(input).compactByteArray().buffer).toBe(input.buffer);
  });

  test('takes any byte but zero for true, as Java does', () => {
    expect([read(0).bool(), read(1).bool(), read(2).bool()]).toEqual([false, true, true]);
  });

  test('refuses anything but a Uint8Array and a range inside it', () => {
    expect(codeOf(() => new Reader('text' as never))).toBe('WRONG_TYPE');
    expect(codeOf(() => new Reader(undefined as never))).toBe('WRONG_TYPE');
    expect(codeOf(() => new Reader(new Uint8Array(2), 3))).toBe('OUT_OF_RANGE');
    expect(codeOf(() => new Reader(new Uint8Array(2), 0, 3))).toBe('OUT_OF_RANGE');
  });
});
