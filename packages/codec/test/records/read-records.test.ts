import {
  type Compressor,
  createLz4,
  createSnappy,
  endTransactionMarker,
  MessageSetBuilder,
  parseControlRecord,
  RecordBatchBuilder,
  type RecordBytes,
  RecordsError,
  readBatches,
  readRecords,
} from '@kiel/codec';
import { nodeCompressions } from '@kiel/codec/node';
import { describe, expect, test } from 'vitest';

const text = (bytes: Uint8Array | null) => (bytes === null ? null : new TextDecoder().decode(bytes));
const concat = (...parts: Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));

function batchOf(values: RecordBytes[], seal = {}): Uint8Array {
  const builder = new RecordBatchBuilder({ limitBytes: 1 << 20 });
  for (const value of values) builder.tryAppend(1000, null, value);
  return builder.seal(seal).slice();
}

function setOf(magic: 0 | 1, values: RecordBytes[], baseOffset = 0n, more = {}): MessageSetBuilder {
  const set = new MessageSetBuilder({ magic, baseOffset, ...more });
  for (const [i, value] of values.entries()) set.append(1000 + i, null, value);
  return set;
}

/** Gives the byte a new value, in a copy. */
function changed(bytes: Uint8Array, at: number, change: (byte: number) => number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = change(copy[at]!);
  return copy;
}

const fault = (code: string, baseOffset: bigint, recordIndex: number | null) =>
  expect.objectContaining({ name: 'CodecError', code, baseOffset, recordIndex });

describe('reading batches', () => {
  test('C05: an empty batch has no record and still moves the reader on', () => {
    const empty = new RecordBatchBuilder({ limitBytes: 1000 });
    empty.skipOffsets(5);
    const bytes = concat(empty.seal({ baseOffset: 100n }), batchOf(['next'], { baseOffset: 105n }));
    const batches = [...readBatches(bytes)];
    expect(batches.map((batch) => [batch.count, batch.baseOffset, batch.lastOffset, batch.nextOffset])).toEqual([
      [0, 100n, 104n, 105n],
      [1, 105n, 105n, 106n],
    ]);
    expect([...readRecords(bytes)].map((record) => record.offset)).toEqual([105n]);
  });

  test('C05: markers of transactions are shown as such and parsed', () => {
    for (const type of ['commit', 'abort'] as const) {
      const builder = new RecordBatchBuilder({ limitBytes: 1000 });
      const marker = endTransactionMarker(type, 9);
      builder.tryAppend(1, marker.key, marker.value);
      const bytes = builder.seal({
        control: true,
        transactional: true,
        producerId: 5n,
        producerEpoch: 1,
        baseOffset: 7n,
      });
      const [batch] = readBatches(bytes);
      expect([batch!.isControl, batch!.isTransactional, batch!.nextOffset]).toEqual([true, true, 8n]);
      const [record] = readRecords(bytes);
      expect(record!.isControl).toBe(true);
      expect(parseControlRecord(record!)).toEqual({ type, version: 0, coordinatorEpoch: 9 });
    }
  });

  test('C05: a marker of a kind or version to come is kept raw, and a mangled one is an error', () => {
    const key = Uint8Array.of(0, 0, 0, 99);
    const value = Uint8Array.of(1, 2, 3);
    expect(parseControlRecord({ key, value })).toEqual({ type: 'unknown', typeNumber: 99, key, value });
    const leader = { key: Uint8Array.of(0, 0, 0, 2), value: Uint8Array.of(0, 99, 1) };
    expect(parseControlRecord(leader)).toEqual({ type: 'unknown', typeNumber: 2, ...leader });
    for (const mangled of [
      { key: null, value },
      { key: Uint8Array.of(0, 0, 0), value },
      { key: Uint8Array.of(0, 0, 0, 1), value: null },
      { key: Uint8Array.of(0, 0, 0, 1), value: Uint8Array.of(0, 0, 0) },
      { key: Uint8Array.of(0, 0, 0, 2), value: Uint8Array.of(0, 0, 1) },
    ]) {
      expect(() => parseControlRecord(mangled)).toThrow(expect.objectContaining({ name: 'CodecError' }));
    }
  });

  test('C06: one field may hold magic 0, then 1, then 2', () => {
    const bytes = concat(
      setOf(0, ['a', 'b'], 10n).entries(),
      setOf(1, ['c'], 12n).wrapped('gzip', nodeCompressions.gzip),
      setOf(1, ['d'], 13n).entries(),
      batchOf(['e', 'f'], { baseOffset: 14n }),
    );
    const read = [...readRecords(bytes, { compressions: nodeCompressions })];
    expect(read.map((record) => [record.offset, text(record.value), record.timestamp])).toEqual([
      [10n, 'a', -1n],
      [11n, 'b', -1n],
      [12n, 'c', 1000n],
      [13n, 'd', 1000n],
      [14n, 'e', 1000n],
      [15n, 'f', 1000n],
    ]);
    expect([...readBatches(bytes)].map((batch) => batch.magic)).toEqual([0, 0, 1, 1, 2]);
  });

  test.each([3, -1, 127])('C06: magic %i is an error by that name, with the offset', (magic) => {
    const bytes = concat(
      batchOf(['a'], { baseOffset: 1n }),
      changed(batchOf(['b'], { baseOffset: 2n }), 16, () => magic),
    );
    const batches = readBatches(bytes);
    expect(batches.next().done).toBe(false);
    expect(() => batches.next()).toThrow(fault('UNKNOWN_MAGIC', 2n, null));
  });

  test('C07: offsets in a wrapper of magic 1 are counted from its first record', () => {
    const values = ['a', 'b', 'c', 'd', 'e'];
    const wrapper = setOf(1, values, 100n).wrapped('gzip', nodeCompressions.gzip);
    const [batch] = readBatches(wrapper, { compressions: nodeCompressions });
    expect([batch!.lastOffset, batch!.baseOffset, batch!.count]).toEqual([104n, 100n, 5]);
    expect([...batch!].map((record) => record.offset)).toEqual([100n, 101n, 102n, 103n, 104n]);
    const inner = nodeCompressions.gzip.decompress(wrapper.subarray(34), 1000);
    const raw = Array.from(readBatches(inner), (entry) => entry.baseOffset);
    expect(raw).toEqual([0n, 1n, 2n, 3n, 4n]);
  });

  test('C07: offsets in a wrapper of magic 0 are taken as they are', () => {
    const wrapper = setOf(0, ['a', 'b'], 100n).wrapped('snappy', createSnappy());
    expect([...readRecords(wrapper)].map((record) => record.offset)).toEqual([100n, 101n]);
  });

  test.each([0n, -1n])('C07: a wrapper of magic 1 at offset %d, as a producer sends it, counts from 0', (offset) => {
    const wrapper = setOf(1, ['a', 'b', 'c']).wrapped('lz4', createLz4());
    new DataView(wrapper.buffer, wrapper.byteOffset).setBigInt64(0, offset);
    expect([...readRecords(wrapper)].map((record) => record.offset)).toEqual([0n, 1n, 2n]);
  });

  test('C07: gaps that compaction left inside a wrapper stay gaps', () => {
    const inner = concat(...[0n, 3n, 4n].map((offset) => setOf(1, [`at ${offset}`], offset).entries()));
    const wrapper = wrap(1, 104n, inner);
    expect([...readRecords(wrapper, { compressions: nodeCompressions })].map((record) => record.offset)).toEqual([
      100n,
      103n,
      104n,
    ]);
  });

  test('C07: records take the timestamp of a wrapper that the broker stamped', () => {
    const stamped = setOf(1, ['a', 'b'], 0n, { logAppendTimeMs: 5555 }).wrapped('gzip', nodeCompressions.gzip);
    const batch = readBatches(stamped, { compressions: nodeCompressions }).next().value!;
    expect(batch.timestampType).toBe('logAppendTime');
    expect([...batch].map((record) => record.timestamp)).toEqual([5555n, 5555n]);
  });

  test('C08: LZ4 in magic 0 is read with the right header checksum and with the old one', () => {
    for (const oldHeaderChecksum of [true, false]) {
      const set = setOf(0, ['a', 'b']).wrapped('lz4', createLz4({ oldHeaderChecksum }));
      expect([...readRecords(set)].map((record) => text(record.value))).toEqual(['a', 'b']);
    }
  });

  test('a wrapper is refused when it wraps nothing, is wrapped twice, mixes magics, or uses what its magic lacks', () => {
    const gzip = { compressions: nodeCompressions };
    const twice = wrap(1, 5n, wrap(1, 3n, setOf(1, ['a']).entries()));
    expect(() => [...readRecords(twice, gzip)]).toThrow(fault('MALFORMED_RECORD', 5n, 0));
    expect(() => [...readRecords(wrap(1, 5n, setOf(0, ['a']).entries()), gzip)]).toThrow(
      fault('MALFORMED_RECORD', 5n, 0),
    );
    expect(() => [...readRecords(wrap(1, 5n, new Uint8Array(0)), gzip)]).toThrow(fault('MALFORMED_BATCH', 5n, null));
    const cut = setOf(1, ['a', 'b']).entries();
    expect(() => [...readRecords(wrap(1, 5n, cut.subarray(0, -1)), gzip)]).toThrow(fault('MALFORMED_RECORD', 5n, 1));
    const nullValue = setOf(1, [null], 5n).entries().slice();
    nullValue[17] = 1;
    expect(() => [...readRecords(nullValue, { ...gzip, checkCrcs: false })]).toThrow(
      fault('MALFORMED_BATCH', 5n, null),
    );
    const zstd = setOf(1, ['a'], 5n).entries().slice();
    zstd[17] = 4;
    expect(() => [...readRecords(zstd, { ...gzip, checkCrcs: false })]).toThrow(fault('MALFORMED_BATCH', 5n, null));
  });

  /** A wrapper around any bytes, compressed with gzip. */
  function wrap(magic: 0 | 1, offset: bigint, inner: Uint8Array): Uint8Array {
    const set = new MessageSetBuilder({ magic, baseOffset: offset });
    set.append(1000, null, null);
    const fixed: Compressor = { compress: () => nodeCompressions.gzip.compress(inner), decompress: () => inner };
    return set.wrapped('gzip', fixed).slice();
  }

  test('the cursor tells everything that the objects do, and nothing is decompressed before it is asked for', () => {
    let decompressed = 0;
    const gzip: Compressor = {
      ...nodeCompressions.gzip,
      decompress: (bytes, maxBytes) => {
        decompressed++;
        return nodeCompressions.gzip.decompress(bytes, maxBytes);
      },
    };
    const builder = new RecordBatchBuilder({ limitBytes: 1000 });
    builder.tryAppend(1000, 'k', 'v', [['h', 'x']]);
    builder.tryAppend(900, null, null);
    const bytes = builder.sealCompressed('gzip', gzip.compress(builder.body()), { baseOffset: 40n });
    const [batch] = readBatches(bytes, { compressions: { gzip } });
    expect([batch!.count, batch!.nextOffset, decompressed]).toEqual([2, 42n, 0]);
    const cursor = batch!.cursor();
    const seen: unknown[] = [];
    while (cursor.next()) {
      const { index, offset, timestampMs, keyLength, valueLength, headerCount } = cursor;
      seen.push([index, offset, timestampMs, keyLength, valueLength, headerCount]);
      expect(cursor.record()).toMatchObject({ key: cursor.key, value: cursor.value, headers: cursor.headers });
    }
    expect(seen).toEqual([
      [0, 40n, 1000, 1, 1, 1],
      [1, 41n, 900, -1, -1, 0],
    ]);
    expect([cursor.next(), decompressed]).toEqual([false, 1]);
  });

  test('timestamps beyond 2^53 stay exact', () => {
    const bytes = batchOf(['a']);
    const view = new DataView(bytes.buffer);
    for (const timestamp of [2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), -1n, -2n]) {
      view.setBigInt64(27, timestamp);
      expect([...readRecords(bytes, { checkCrcs: false })][0]!.timestamp).toBe(timestamp);
    }
    // A record whose delta takes all of ten bytes: length, attributes, the delta, and the other five fields.
    const delta = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    const huge = concat(bytes.subarray(0, 61), Uint8Array.of(30, 0, ...delta, 0, 1, 1, 0));
    const header = new DataView(huge.buffer);
    header.setInt32(8, huge.length - 12);
    header.setBigInt64(27, -5n);
    expect([...readRecords(huge, { checkCrcs: false })][0]!.timestamp).toBe(2n ** 63n - 1n - 5n);
  });

  test('a compression that was not passed is named, and so is where it is to be had', () => {
    const builder = new RecordBatchBuilder({ limitBytes: 1000 });
    builder.tryAppend(1, null, 'v');
    const bytes = builder.sealCompressed('zstd', nodeCompressions.zstd.compress(builder.body()));
    const [batch] = readBatches(bytes);
    expect(() => batch!.cursor()).toThrow(/zstd.*@kiel\/codec\/node/);
    expect(() => batch!.cursor()).toThrow(fault('COMPRESSION_UNAVAILABLE', 0n, null));
  });
});

describe('a cut last batch against a damaged one', () => {
  const first = batchOf(['first'], { baseOffset: 5n });
  const second = batchOf(['second', 'third'], { baseOffset: 6n });
  const samples: [name: string, last: Uint8Array][] = [
    ['magic 2', second],
    ['magic 1', setOf(1, ['old'], 6n).entries().slice()],
    ['magic 0', setOf(0, ['older'], 6n).entries().slice()],
  ];

  test.each(samples)('every cut of a last entry of %s is incomplete, and no error', (_, last) => {
    for (let cut = 1; cut < last.length; cut++) {
      const bytes = concat(first, last.subarray(0, cut));
      const batches = readBatches(bytes);
      expect([...batches]).toHaveLength(1);
      expect(batches.incomplete).toEqual({
        position: first.length,
        bytes: cut,
        claimedBytes: cut < 12 ? null : last.length,
        baseOffset: cut < 8 ? null : 6n,
      });
      expect([batches.position, batches.next().done]).toEqual([first.length, true]);
      const records = readRecords(bytes);
      expect([...records]).toHaveLength(1);
      expect(records.incomplete?.bytes).toBe(cut);
    }
  });

  test('whole batches leave nothing incomplete', () => {
    const batches = readBatches(concat(first, second));
    expect([...batches]).toHaveLength(2);
    expect([batches.incomplete, batches.position]).toEqual([null, first.length + second.length]);
    expect([...readBatches(new Uint8Array(0))]).toEqual([]);
  });

  test('a flipped bit anywhere behind the length is an error of that batch', () => {
    for (let at = 16; at < second.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const bytes = concat(
          first,
          changed(second, at, (byte) => byte ^ (1 << bit)),
        );
        const read = () => [...readRecords(bytes)];
        expect(read, `byte ${at}, bit ${bit}`).toThrow(RecordsError);
      }
    }
  });

  test.each(samples)(
    'a length of %s that damage has made larger is an error, though the batch is the last',
    (_, last) => {
      for (let bit = 0; bit < 31; bit++) {
        const length = new DataView(last.buffer).getInt32(8);
        const bytes = concat(first, last);
        new DataView(bytes.buffer).setInt32(first.length + 8, length ^ (1 << bit));
        const batches = readBatches(bytes);
        batches.next();
        expect(() => batches.next(), `bit ${bit}`).toThrow(
          expect.objectContaining({ name: 'CodecError', baseOffset: 6n }),
        );
      }
    },
  );

  test.each([-1, 0, 48, -(2 ** 31)])('a length of %i is damage: no batch has it', (length) => {
    const bytes = concat(first, second);
    new DataView(bytes.buffer).setInt32(first.length + 8, length);
    const batches = readBatches(bytes);
    batches.next();
    expect(() => batches.next()).toThrow(fault('MALFORMED_BATCH', 6n, null));
  });

  test('with checksums unchecked, a damaged record is named by its index', () => {
    const unchecked = { checkCrcs: false };
    const recordAt = 61 + 13; // behind the first record
    const read = (bytes: Uint8Array) => () => [...readRecords(bytes, unchecked)];
    expect(read(second)().map((record) => text(record.value))).toEqual(['second', 'third']);
    expect(read(changed(second, 61, () => 2))).toThrow(fault('MALFORMED_RECORD', 6n, 0));
    expect(read(changed(second, recordAt, () => 126))).toThrow(fault('MALFORMED_RECORD', 6n, 1));
    expect(read(changed(second, recordAt + 4, () => 3))).toThrow(fault('MALFORMED_RECORD', 6n, 1)); // key of -2
    expect(read(changed(second, recordAt + 5, () => 100))).toThrow(fault('MALFORMED_RECORD', 6n, 1)); // value of 50
    expect(read(changed(second, second.length - 1, () => 2))).toThrow(fault('MALFORMED_RECORD', 6n, 1)); // a header
    expect(read(changed(second, 60, () => 1))).toThrow(/left after the last record/);
    expect(read(changed(second, 60, () => 3))).toThrow(fault('MALFORMED_RECORD', 6n, 2));
    expect(read(changed(second, 57, () => 0x7f))).toThrow(fault('MALFORMED_BATCH', 6n, null));
    expect(read(changed(second, 57, () => 0xff))).toThrow(fault('MALFORMED_BATCH', 6n, null));
    expect(read(changed(second, 23, () => 0xff))).toThrow(fault('MALFORMED_BATCH', 6n, null));
    expect(read(changed(second, 22, () => 5))).toThrow(fault('MALFORMED_BATCH', 6n, null));
  });

  test('a header name that is not UTF-8 is an error, or read as Java reads it', () => {
    const builder = new RecordBatchBuilder({ limitBytes: 1000 });
    builder.tryAppend(1, null, null, [['aa', null]]);
    const bytes = builder.seal().slice();
    bytes[bytes.length - 3] = 0xff;
    expect(() => [...readRecords(bytes, { checkCrcs: false })]).toThrow(fault('MALFORMED_UTF8', 0n, 0));
    const [record] = readRecords(bytes, { checkCrcs: false, malformedUtf8: 'replace' });
    expect(record!.headers).toEqual([['\ufffda', null]]);
  });
});
