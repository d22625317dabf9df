import { ListOffsetsRequest, ListOffsetsResponse } from '@kiel/codec';
import { Code, codeNumber } from '../codes.ts';
import { findByTime, findMaxTimestamp } from '../records/time-search.ts';
import type { Partition } from '../state/topic.ts';
import { type Context, defineApi } from './api.ts';
import { leaderFault } from './fetch.ts';

/** The timestamps with a meaning of their own. */
const LATEST = -1n;
const EARLIEST = -2n;
const MAX_TIMESTAMP = -3n;
const EARLIEST_LOCAL = -4n;

type Wanted = ListOffsetsRequest['topics'][number]['partitions'][number];

interface Found {
  partitionIndex: number;
  errorCode: number;
  oldStyleOffsets: bigint[];
  timestamp: bigint;
  offset: bigint;
  leaderEpoch: number;
}

export const listOffsets = defineApi('ListOffsets', 2, ListOffsetsRequest, ListOffsetsResponse, {
  touches: (request) =>
    request.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex })),
    ),

  handle: (ctx, request) => ({
    throttleTimeMs: ctx.faults.throttleMs,
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((wanted) => {
        const found = find(ctx, request, name, wanted);
        return ctx.version >= 4 ? found : { ...found, leaderEpoch: -1 };
      }),
    })),
  }),
});

function find(ctx: Context, request: ListOffsetsRequest, topic: string, wanted: Wanted): Found {
  const { partitionIndex, timestamp } = wanted;
  const fault = ctx.faults.errorFor(topic, partitionIndex);
  if (fault !== null) return failed(partitionIndex, codeNumber(fault.error)!);
  const partition = ctx.core.state.partition(topic, partitionIndex);
  if (partition === undefined) return failed(partitionIndex, Code.UNKNOWN_TOPIC_OR_PARTITION);
  const code = leaderFault(ctx, partition, wanted.currentLeaderEpoch);
  if (code !== Code.NONE) return failed(partitionIndex, code);
  if (ctx.version === 0) return { ...failed(partitionIndex, Code.NONE), oldStyleOffsets: oldStyle(partition, wanted) };
  const { log } = partition;
  const end = request.isolationLevel === 1 ? log.lastStableOffset : log.highWatermark;
  if (timestamp === LATEST) return found(partitionIndex, -1n, end, partition.leaderEpoch);
  if (timestamp === EARLIEST || (timestamp === EARLIEST_LOCAL && ctx.version >= 8)) {
    return found(partitionIndex, -1n, log.logStartOffset, log.epochs[0]?.epoch ?? -1);
  }
  if (timestamp < 0n && (timestamp !== MAX_TIMESTAMP || ctx.version < 7)) {
    return failed(partitionIndex, timestamp >= -5n ? Code.NONE : Code.UNSUPPORTED_VERSION);
  }
  const compressions = ctx.core.compressions;
  const record =
    timestamp === MAX_TIMESTAMP
      ? findMaxTimestamp(log, compressions)
      : findByTime(log, Number(timestamp), compressions);
  if (record === null || record.offset >= end) return failed(partitionIndex, Code.NONE);
  return found(partitionIndex, BigInt(record.timestamp), record.offset, record.leaderEpoch);
}

function found(partitionIndex: number, timestamp: bigint, offset: number, leaderEpoch: number): Found {
  return { partitionIndex, errorCode: Code.NONE, oldStyleOffsets: [], timestamp, offset: BigInt(offset), leaderEpoch };
}

function failed(partitionIndex: number, errorCode: number): Found {
  return { partitionIndex, errorCode, oldStyleOffsets: [], timestamp: -1n, offset: -1n, leaderEpoch: -1 };
}

/** Version 0 answered with the starts of segments, newest first; these logs have one segment. */
function oldStyle({ log }: Partition, wanted: Wanted): bigint[] {
  const start = BigInt(log.logStartOffset);
  const end = BigInt(log.highWatermark);
  if (wanted.timestamp === EARLIEST) return [start];
  if (wanted.timestamp !== LATEST) return [start].slice(0, wanted.maxNumOffsets);
  return (end === start ? [end] : [end, start]).slice(0, wanted.maxNumOffsets);
}
