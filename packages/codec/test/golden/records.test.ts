import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import {
  MessageSetBuilder,
  parseControlRecord,
  RecordBatchBuilder,
  type RecordHeaders,
  readBatches,
  readRecords,
} from '@kiel/codec';
import { nodeCompressions } from '@kiel/codec/node';
import { describe, expect, test } from 'vitest';

/** A record as the Java side prints it: int64s as text, bytes in base64. */
interface JavaRecord {
  offset: string;
  sequence: string;
  timestamp: string;
  key: string | null;
  value: string | null;
  headers?: [name: string, value: string | null][];
}

interface JavaBatch {
  magic: 0 | 1 | 2;
  baseOffset: string;
  lastOffset: string;
  nextOffset: string;
  compression: string;
  timestampType: string;
  maxTimestamp: string;
  producerId: string;
  producerEpoch: number;
  baseSequence: number;
  transactional: boolean;
  control: boolean;
  leaderEpoch: number;
  deleteHorizon: string | null;
  records: JavaRecord[];
}

interface Vector {
  name: string;
  with?: {
    magic: 0 | 1 | 2;
    compression: string;
    baseOffset: string;
    logAppendTime: number | null;
    producerId: string;
    producerEpoch: number;
    baseSequence: number;
    transactional: boolean;
    leaderEpoch: number;
    deleteHorizon: number | null;
    records: JavaRecord[];
  };
  batches: JavaBatch[];
  bytes: string;
}

/** Made by tools/golden/records from the classes of kafka-clients 4.4.0; those of 3.9.2 give the same bytes. */
const vectors: Vector[] = gunzipSync(readFileSync(new URL('records.ndjson.gz', import.meta.url)))
  .toString()
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line));

const timestampTypes = { none: 'NoTimestampType', createTime: 'CreateTime', logAppendTime: 'LogAppendTime' };

const base64 = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString('base64'));
const bytesOf = (text: string | null) => (text === null ? null : Uint8Array.from(Buffer.from(text, 'base64')));
const headersOf = (record: JavaRecord): RecordHeaders =>
  (record.headers ?? []).map(([name, value]) => [name, bytesOf(value)]);

/** Batches in the form in which the Java side prints them. */
function asJavaPrintsThem(bytes: Uint8Array): JavaBatch[] {
  return Array.from(readBatches(bytes, { compressions: nodeCompressions }), (batch) => ({
    magic: batch.magic,
    baseOffset: `${batch.baseOffset}`,
    lastOffset: `${batch.lastOffset}`,
    nextOffset: `${batch.nextOffset}`,
    compression: batch.compression,
    timestampType: timestampTypes[batch.timestampType],
    maxTimestamp: `${batch.maxTimestamp}`,
    producerId: `${batch.producerId}`,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    transactional: batch.isTransactional,
    control: batch.isControl,
    leaderEpoch: batch.partitionLeaderEpoch,
    deleteHorizon: batch.deleteHorizonMs === null ? null : `${batch.deleteHorizonMs}`,
    records: Array.from(batch, (record) => ({
      offset: `${record.offset}`,
      sequence: `${record.sequence}`,
      timestamp: `${record.timestamp}`,
      key: base64(record.key),
      value: base64(record.value),
      ...(record.headers.length > 0 && { headers: record.headers.map(([name, value]) => [name, base64(value)]) }),
    })) as JavaRecord[],
  }));
}

/** Builds with kiel what the Java side was told to build, without compression. */
function build(input: NonNullable<Vector['with']>): Uint8Array {
  if (input.magic === 2) return sealed(batchBuilder(input), input);
  const set = messageSetBuilder(input);
  return set.entries();
}

function messageSetBuilder(input: NonNullable<Vector['with']>): MessageSetBuilder {
  const set = new MessageSetBuilder({
    magic: input.magic as 0 | 1,
    baseOffset: BigInt(input.baseOffset),
    ...(input.logAppendTime !== null && { logAppendTimeMs: input.logAppendTime }),
  });
  for (const record of input.records) set.append(Number(record.timestamp), bytesOf(record.key), bytesOf(record.value));
  return set;
}

function batchBuilder(input: NonNullable<Vector['with']>): RecordBatchBuilder {
  const builder = new RecordBatchBuilder({
    limitBytes: 1 << 24,
    ...(input.deleteHorizon !== null && { deleteHorizonMs: input.deleteHorizon }),
  });
  for (const record of input.records) {
    const fits = builder.tryAppend(
      Number(record.timestamp),
      bytesOf(record.key),
      bytesOf(record.value),
      headersOf(record),
    );
    expect(fits).toBe(true);
  }
  return builder;
}

function sealOf(input: NonNullable<Vector['with']>) {
  return {
    producerId: BigInt(input.producerId),
    producerEpoch: input.producerEpoch,
    baseSequence: input.baseSequence,
    transactional: input.transactional,
    partitionLeaderEpoch: input.leaderEpoch,
    baseOffset: BigInt(input.baseOffset),
    ...(input.logAppendTime !== null && { logAppendTimeMs: input.logAppendTime }),
  };
}

function sealed(builder: RecordBatchBuilder, input: NonNullable<Vector['with']>): Uint8Array {
  return builder.seal(sealOf(input));
}

describe('record vectors of the Java classes', () => {
  test.each(vectors)('$name: reads what Java reads', ({ batches, bytes }) => {
    expect(asJavaPrintsThem(bytesOf(bytes)!)).toEqual(batches);
  });

  const plain = vectors.filter((vector) => vector.with?.compression === 'none');
  test.each(plain)('$name: writes the bytes that Java writes', (vector) => {
    expect(Buffer.from(build(vector.with!)).equals(Buffer.from(vector.bytes, 'base64'))).toBe(true);
  });

  const compressed = vectors.filter((vector) => vector.with !== undefined && vector.with.compression !== 'none');
  test.each(compressed)('$name: compresses records so that they read as Java reads its own', (vector) => {
    const input = vector.with!;
    const compression = input.compression as 'gzip' | 'snappy' | 'lz4' | 'zstd';
    let bytes: Uint8Array;
    if (input.magic === 2) {
      const builder = batchBuilder(input);
      bytes = builder.sealCompressed(
        compression,
        nodeCompressions[compression].compress(builder.body()),
        sealOf(input),
      );
    } else {
      bytes = messageSetBuilder(input).wrapped(compression as 'gzip', nodeCompressions[compression]);
    }
    expect(asJavaPrintsThem(bytes)).toEqual(vector.batches);
  });

  test('control records are parsed by their kind', () => {
    const controls = vectors.filter(({ name }) => name.startsWith('control '));
    const parsed = controls.map(({ name, bytes }) => [
      name,
      ...Array.from(readRecords(bytesOf(bytes)!), parseControlRecord),
    ]);
    expect(parsed).toMatchObject([
      ['control COMMIT', { type: 'commit', version: 0, coordinatorEpoch: 11 }],
      ['control ABORT', { type: 'abort', version: 0, coordinatorEpoch: 11 }],
      ['control LEADER_CHANGE', { type: 'leaderChange', message: { leaderId: 2, grantingVoters: [{ voterId: 2 }] } }],
      [
        'control SNAPSHOT_HEADER',
        { type: 'snapshotHeader', message: { lastContainedLogTimestamp: 1_600_000_000_000n } },
      ],
      ['control SNAPSHOT_FOOTER', { type: 'snapshotFooter', message: { version: 0 } }],
      ['control KRAFT_VERSION', { type: 'kraftVersion', message: { kRaftVersion: 1 } }],
      ['control KRAFT_VOTERS', { type: 'voters', message: { voters: [{ voterId: 3, endpoints: [{ port: 9093 }] }] } }],
    ]);
  });

  test('cover every magic with every compression it has', () => {
    const covered = new Set(vectors.flatMap((v) => v.batches.map((batch) => `${batch.magic} ${batch.compression}`)));
    const all = [0, 1, 2].flatMap((magic) => ['none', 'gzip', 'snappy', 'lz4'].map((name) => `${magic} ${name}`));
    expect([...covered].sort()).toEqual([...all, '2 zstd'].sort());
  });
});
