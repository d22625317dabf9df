import { type Compressions, readBatches } from '@kiel/codec';
import type { LogEntry, PartitionLog } from '../state/partition-log.ts';

export interface TimedOffset {
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

/** The first record whose timestamp is `timestamp` or later. */
export function findByTime(log: PartitionLog, timestamp: number, compressions: Compressions): TimedOffset | null {
  for (const entry of log.from(log.logStartOffset)) {
    if (entry.maxTimestamp < timestamp) continue;
    const found = firstIn(entry, timestamp, log.logStartOffset, compressions);
    if (found !== null) return found;
  }
  return null;
}

/** The first record with the greatest timestamp of all. */
export function findMaxTimestamp(log: PartitionLog, compressions: Compressions): TimedOffset | null {
  let best: LogEntry | null = null;
  for (const entry of log.from(log.logStartOffset)) {
    if (best === null || entry.maxTimestamp > best.maxTimestamp) best = entry;
  }
  return best === null ? null : firstIn(best, best.maxTimestamp, log.logStartOffset, compressions);
}

function firstIn(
  entry: LogEntry,
  timestamp: number,
  logStartOffset: number,
  compressions: Compressions,
): TimedOffset | null {
  for (const batch of readBatches(entry.bytes, { compressions, checkCrcs: false })) {
    const cursor = batch.cursor();
    while (cursor.next()) {
      const offset = Number(cursor.offset);
      if (offset < logStartOffset || cursor.timestampMs < timestamp) continue;
      return { offset, timestamp: cursor.timestampMs, leaderEpoch: entry.leaderEpoch };
    }
  }
  return null;
}
