import {
  RecordBatchBuilder,
  type RecordBytes,
  type RecordHeaders,
  readBatches,
  readRecords,
  recordSizeUpperBound,
  sizeOfRecord,
} from '@kiel/codec';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const encode = (text: string) => new TextEncoder().encode(text);
const limitBytes = 1 << 20;

/** What must come back: text as its UTF-8 bytes. */
const asRead = (field: RecordBytes) => (typeof field === 'string' ? encode(field) : field);

const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 150 }),
  fc.string({ unit: fc.constantFrom('a', 'é', '€', '😀'), minLength: 90, maxLength: 140 }),
);
const field: fc.Arbitrary<RecordBytes> = fc.oneof(fc.constant(null), fc.uint8Array({ maxLength: 150 }), text);
const headers: fc.Arbitrary<RecordHeaders> = fc.array(fc.tuple(text, field), { maxLength: 4 });
const timestamp = fc.oneof(
  fc.integer({ min: 1_600_000_000_000, max: 1_800_000_000_000 }),
  fc.integer({ min: 0, max: 100 }),
  fc.integer({ min: -(2 ** 51), max: 2 ** 51 }),
);
const record = fc.record({ timestamp, key: field, value: field, headers });

describe('RecordBatchBuilder', () => {
  test('C02: what is written reads back, and sizes computed in advance equal the bytes written', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), (records) => {
        const builder = new RecordBatchBuilder({ limitBytes });
        for (const [i, { timestamp, key, value, headers }] of records.entries()) {
          const before = builder.sizeBytes;
          expect(builder.tryAppend(timestamp, key, value, headers)).toBe(true);
          const size = builder.sizeBytes - before;
          expect(size).toBe(sizeOfRecord(i, timestamp - records[0]!.timestamp, key, value, headers));
          expect(size).toBeLessThanOrEqual(recordSizeUpperBound(key, value, headers));
        }
        const batch = builder.seal();
        expect(batch.length).toBe(builder.sizeBytes);
        const read = [...readRecords(batch)];
        expect(read.map(({ timestamp, key, value, headers }) => ({ timestamp, key, value, headers }))).toEqual(
          records.map(({ timestamp, key, value, headers }) => ({
            timestamp: BigInt(timestamp),
            key: asRead(key),
            value: asRead(value),
            headers: headers.map(([name, value]) => [name, asRead(value)]),
          })),
        );
        expect(read.map(({ offset }) => offset)).toEqual(records.map((_, i) => BigInt(i)));
        const [first] = readBatches(batch);
        expect(first!.maxTimestamp).toBe(BigInt(Math.max(...records.map(({ timestamp }) => timestamp))));
      }),
    );
  });

  test.each([0, 1, 63, 64, 65, 8191, 8192, 1_048_575, 1_048_576])(
    'C02: a field of %i bytes, and as text of half as many',
    (size) => {
      for (const [key, value] of [
        [new Uint8Array(size).fill(1), null],
        [null, 'é'.repeat(size / 2)],
        ['x'.repeat(size), 'é'],
      ] as const) {
        const builder = new RecordBatchBuilder({ limitBytes: 4 << 20 });
        expect(builder.tryAppend(5, key, value, [['k'.repeat(size % 1000), value]])).toBe(true);
        const [read] = readRecords(builder.seal());
        expect(Buffer.compare(read!.key ?? encode(''), asRead(key) ?? encode(''))).toBe(0);
        expect(Buffer.compare(read!.value ?? encode(''), asRead(value) ?? encode(''))).toBe(0);
        expect(builder.sizeBytes - 61).toBe(sizeOfRecord(0, 0, key, value, [['k'.repeat(size % 1000), value]]));
      }
    },
  );

  test.each([0, 1, 63, 64, 65])('C02: %i headers keep their order, duplicates, nulls and raw bytes', (count) => {
    const headers: RecordHeaders = Array.from({ length: count }, (_, i) => [
      i % 2 ? 'dup' : 'größe',
      i % 3 ? Uint8Array.of(0xff, i) : null,
    ]);
    const builder = new RecordBatchBuilder({ limitBytes });
    builder.tryAppend(1, null, null, headers);
    expect([...readRecords(builder.seal())][0]!.headers).toEqual(headers);
  });

  test('C02: a lone surrogate is refused by the name of its field, and nothing is written', () => {
    const builder = new RecordBatchBuilder({ limitBytes });
    builder.tryAppend(1, null, 'first');
    const before = builder.sizeBytes;
    const lone = 'a\ud800b';
    const cases: [key: RecordBytes, value: RecordBytes, headers: RecordHeaders, name: string][] = [
      [lone, null, [], 'key'],
      [null, lone.padEnd(200), [], 'value'],
      [null, null, [[lone, null]], 'header name'],
      [null, null, [['h', lone]], 'header value'],
    ];
    for (const [key, value, headers, path] of cases) {
      expect(() => builder.tryAppend(2, key, value, headers)).toThrow(
        expect.objectContaining({ code: 'LONE_SURROGATE', path }),
      );
    }
    expect([builder.count, builder.sizeBytes]).toEqual([1, before]);
  });

  test('refuses what is no bytes, text or null, naming the field and what it got', () => {
    const builder = new RecordBatchBuilder({ limitBytes });
    builder.tryAppend(1, null, null);
    const wrong: unknown[] = [
      undefined,
      5,
      5n,
      true,
      {},
      [1, 2],
      new Uint16Array(3),
      new DataView(new ArrayBuffer(2)),
      new ArrayBuffer(2),
      Symbol('s'),
    ];
    for (const value of wrong) {
      expect(() => builder.tryAppend(1, null, value as RecordBytes)).toThrow(
        /^value must be a Uint8Array, text or null/,
      );
      expect(() => builder.tryAppend(1, value as RecordBytes, null)).toThrow(/^key must be a Uint8Array, text or null/);
    }
    expect(() => builder.tryAppend(1, null, null, [[5 as unknown as string, null]])).toThrow(/headers\[0\]/);
    expect(builder.count).toBe(1);
  });

  test('C20: refuses a timestamp that is no whole number, on the first record and on later ones', () => {
    for (const appended of [0, 1]) {
      const builder = new RecordBatchBuilder({ limitBytes });
      for (let i = 0; i < appended; i++) builder.tryAppend(1, null, null);
      for (const wrong of [Number.NaN, 1.5, Infinity, 2 ** 53, undefined, null, '5', new Date(5)]) {
        expect(() => builder.tryAppend(wrong as number, null, null)).toThrow(/^timestampMs must be a whole number/);
      }
      expect(builder.count).toBe(appended);
    }
  });

  test('writes nothing when a record does not fit, and takes a smaller one after', () => {
    const builder = new RecordBatchBuilder({ limitBytes: 200 });
    expect(builder.tryAppend(1, null, new Uint8Array(100))).toBe(true);
    const size = builder.sizeBytes;
    expect(builder.tryAppend(1, null, new Uint8Array(100))).toBe(false);
    expect(builder.tryAppend(1, null, 'é'.repeat(50))).toBe(false);
    expect(builder.sizeBytes).toBe(size);
    const room = 200 - size;
    expect(builder.tryAppend(1, null, new Uint8Array(room - 7))).toBe(true);
    expect(builder.sizeBytes).toBe(200);
    expect([...readRecords(builder.seal())]).toHaveLength(2);
  });

  test('the limit holds to the byte, whatever the size of the buffer it begins in', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 400 }),
        fc.integer({ min: 61, max: 600 }),
        text,
        (bufferBytes, limitBytes, value) => {
          const builder = new RecordBatchBuilder({ limitBytes, buffer: new Uint8Array(bufferBytes) });
          while (builder.tryAppend(1, null, value)) expect(builder.sizeBytes).toBeLessThanOrEqual(limitBytes);
          expect(builder.sizeBytes + sizeOfRecord(builder.count, 0, null, value)).toBeGreaterThan(limitBytes);
        },
      ),
    );
  });

  test('begins in memory that it is given, and gives memory back', () => {
    const buffer = new Uint8Array(256);
    const builder = new RecordBatchBuilder({ limitBytes, buffer });
    builder.tryAppend(1, null, 'small');
    expect(builder.seal().buffer).toBe(buffer.buffer);
    expect(builder.release()).toBe(buffer);
    expect(builder.tryAppend(1, null, 'late')).toBe(false);
    const again = new RecordBatchBuilder({ limitBytes, buffer });
    for (let i = 0; i < 100; i++) again.tryAppend(1, null, `record ${i}`);
    expect([...readRecords(again.seal())].map((record) => new TextDecoder().decode(record.value!))).toEqual(
      Array.from({ length: 100 }, (_, i) => `record ${i}`),
    );
    expect(again.release().length).toBeGreaterThan(256);
  });

  test('can be sealed again for another producer without encoding records again', () => {
    const builder = new RecordBatchBuilder({ limitBytes });
    builder.tryAppend(1, 'k', 'v');
    const first = builder.seal({ producerId: 7n, producerEpoch: 1, baseSequence: 40 });
    const before = first.slice();
    const second = builder.seal({ producerId: 7n, producerEpoch: 2, baseSequence: 0, transactional: true });
    expect(second.buffer).toBe(first.buffer);
    const [was] = readBatches(before);
    const [is] = readBatches(second);
    expect([was!.producerId, was!.producerEpoch, was!.baseSequence, was!.isTransactional]).toEqual([7n, 1, 40, false]);
    expect([is!.producerId, is!.producerEpoch, is!.baseSequence, is!.isTransactional]).toEqual([7n, 2, 0, true]);
    expect([...is!].map((record) => record.value)).toEqual([encode('v')]);
    expect(builder.tryAppend(2, null, 'late')).toBe(false);
  });

  test('a compressed batch can be sealed again in its own memory', () => {
    const builder = new RecordBatchBuilder({ limitBytes });
    for (let i = 0; i < 50; i++) builder.tryAppend(i, null, 'the same again');
    const body = builder.body();
    const fake = Uint8Array.from(body).reverse();
    const batch = builder.sealCompressed('zstd', fake, { baseSequence: 1, producerId: 1n, producerEpoch: 0 });
    const again = builder.sealCompressed(
      'zstd',
      batch.subarray(61),
      { baseSequence: 2, producerId: 1n, producerEpoch: 1 },
      batch,
    );
    expect(again.buffer).toBe(batch.buffer);
    const zstd = { compress: () => fake, decompress: (bytes: Uint8Array) => Uint8Array.from(bytes).reverse() };
    const [read] = readBatches(again, { compressions: { zstd } });
    expect([read!.compression, read!.baseSequence, read!.producerEpoch, [...read!].length]).toEqual(['zstd', 2, 1, 50]);
  });

  test('split gives two strictly smaller batches with the same records, timestamps and order', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 2, maxLength: 30 }), fc.boolean(), (records, seal) => {
        const builder = new RecordBatchBuilder({ limitBytes });
        for (const { timestamp, key, value, headers } of records) builder.tryAppend(timestamp, key, value, headers);
        if (seal) builder.seal();
        const whole = [...readRecords(builder.seal().slice())];
        const parts = builder.split();
        const read = parts.flatMap((part) => [...readRecords(part.seal())]);
        for (const part of parts) {
          expect(part.count).toBeGreaterThan(0);
          expect(part.sizeBytes).toBeLessThan(builder.sizeBytes);
        }
        expect(parts[0].count + parts[1].count).toBe(records.length);
        const rest = ({ timestamp, key, value, headers }: (typeof whole)[number]) => ({
          timestamp,
          key,
          value,
          headers,
        });
        expect(read.map(rest)).toEqual(whole.map(rest));
        expect(parts[1].maxTimestampMs).toBe(Math.max(...records.slice(parts[0].count).map((r) => r.timestamp)));
      }),
    );
  });

  test('split divides near the middle and can go on down to single records', () => {
    let batches = [new RecordBatchBuilder({ limitBytes })];
    for (let i = 0; i < 64; i++) batches[0]!.tryAppend(i, null, new Uint8Array(100));
    for (let round = 0; round < 6; round++) {
      batches = batches.flatMap((batch) => batch.split());
      expect(new Set(batches.map((batch) => batch.count))).toEqual(new Set([64 >> (round + 1)]));
    }
    expect(() => batches[0]!.split()).toThrow(RangeError);
  });

  test('C05: offsets can be left out, before, between and after records, and in an empty batch', () => {
    const builder = new RecordBatchBuilder({ limitBytes });
    builder.skipOffsets(2);
    builder.tryAppend(1, null, 'at 2');
    builder.skipOffsets(3);
    builder.tryAppend(1, null, 'at 6');
    builder.skipOffsets(1);
    const [batch] = readBatches(builder.seal({ baseOffset: 100n }));
    expect([...batch!].map((record) => record.offset)).toEqual([102n, 106n]);
    expect([batch!.lastOffset, batch!.nextOffset]).toEqual([107n, 108n]);
    const empty = new RecordBatchBuilder({ limitBytes });
    empty.skipOffsets(5);
    const [none] = readBatches(empty.seal({ baseOffset: 100n }));
    expect([none!.count, none!.nextOffset, [...none!]]).toEqual([0, 105n, []]);
  });

  test('sequences go on at 0 after the greatest int32', () => {
    const builder = new RecordBatchBuilder({ limitBytes });
    for (let i = 0; i < 3; i++) builder.tryAppend(1, null, null);
    const batch = builder.seal({ producerId: 1n, producerEpoch: 0, baseSequence: 0x7fff_fffe });
    expect([...readRecords(batch)].map((record) => record.sequence)).toEqual([0x7fff_fffe, 0x7fff_ffff, 0]);
  });
});
