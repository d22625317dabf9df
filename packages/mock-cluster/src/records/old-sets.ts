import {
  type Compressor,
  createLz4,
  MessageSetBuilder,
  type RecordBatch,
  RecordBatchBuilder,
  RecordsError,
  readBatches,
} from '@kiel/codec';
import type { Context } from '../apis/api.ts';
import { Code } from '../codes.ts';
import type { LogEntry } from '../state/partition-log.ts';
import type { Partition } from '../state/topic.ts';
import { checkBatch, type Refusal, refusal, stampBatch } from './batch-check.ts';
import { BATCH_HEADER_SIZE, readBatchHeader } from './batch-header.ts';

export interface OldAppend {
  readonly ok: true;
  readonly baseOffset: number;
  readonly endOffset: number;
  readonly logAppendTimeMs: number;
}

interface PlainRecord {
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

interface PlainBatch {
  readonly compression: RecordBatch['compression'];
  readonly records: readonly PlainRecord[];
}

/** LZ4 as brokers and clients of magic 0 knew it, with the header checksum of KAFKA-3160. */
const oldLz4 = createLz4({ oldHeaderChecksum: true });

/** Appends what Produce v0 to v2 brings: a message set of magic 0 or 1, converted to the format of the log. */
export function appendOldSet(ctx: Context, partition: Partition, set: Uint8Array): OldAppend | Refusal {
  const { topic, log } = partition;
  const { messageFormat } = ctx.core.state.profile;
  const nowMs = ctx.clock.epochMs();
  if (set.length > BATCH_HEADER_SIZE && set[16] === 2) return appendNew(ctx, partition, set, nowMs);
  const batches: PlainBatch[] = [];
  try {
    for (const batch of readBatches(set, { compressions: ctx.core.compressions })) {
      if (batch.magic > messageFormat)
        return refusal(Code.CORRUPT_MESSAGE, `magic ${batch.magic} is younger than this broker`);
      if (batch.bytes.length > topic.maxMessageBytes) {
        return refusal(
          Code.MESSAGE_TOO_LARGE,
          `${batch.bytes.length} bytes, and max.message.bytes is ${topic.maxMessageBytes}`,
        );
      }
      batches.push({ compression: batch.compression, records: plain(batch) });
    }
  } catch (error) {
    if (!(error instanceof RecordsError)) throw error;
    return refusal(Code.CORRUPT_MESSAGE, error.message, true);
  }
  const keyless = batches.flatMap(({ records }) => records).findIndex(({ key }) => key === null);
  if (topic.isCompacted && keyless >= 0) {
    const code = messageFormat === 2 ? Code.INVALID_RECORD : Code.CORRUPT_MESSAGE;
    return refusal(code, 'a compacted topic takes no record without a key', true);
  }
  const baseOffset = log.endOffset;
  if (messageFormat === 2) {
    // Messages that came side by side, uncompressed, become one batch.
    const isLoose = batches.every(({ compression }) => compression === 'none');
    const all: PlainBatch = { compression: 'none', records: batches.flatMap(({ records }) => records) };
    for (const batch of isLoose && all.records.length > 0 ? [all] : batches)
      appendConverted(ctx, partition, batch, nowMs);
  } else {
    for (const batch of batches) appendEntries(ctx, partition, batch, messageFormat, nowMs);
  }
  const logAppendTimeMs = topic.isLogAppendTime && messageFormat > 0 ? nowMs : -1;
  return { ok: true, baseOffset, endOffset: log.endOffset, logAppendTimeMs };
}

function plain(batch: RecordBatch): PlainRecord[] {
  const records: PlainRecord[] = [];
  const cursor = batch.cursor();
  while (cursor.next()) records.push({ timestamp: cursor.timestampMs, key: cursor.key, value: cursor.value });
  return records;
}

/** A batch of magic 2 in a request that is older than it: brokers since 0.11 take even that. */
function appendNew(ctx: Context, partition: Partition, set: Uint8Array, nowMs: number): OldAppend | Refusal {
  const { topic, log } = partition;
  const size = Math.min(readBatchHeader(set).size, set.length);
  const bytes = Uint8Array.prototype.slice.call(set, 0, size);
  const checked = checkBatch(bytes, {
    version: ctx.version,
    topic,
    nowMs,
    compressions: ctx.core.compressions,
    knowsZstd: true,
  });
  if (!checked.ok) return checked;
  const entry = log.appendBatch(bytes, stampBatch(bytes, checked, topic, nowMs), partition.leaderEpoch);
  const logAppendTimeMs = topic.isLogAppendTime ? nowMs : -1;
  return { ok: true, baseOffset: entry.baseOffset, endOffset: entry.lastOffset + 1, logAppendTimeMs };
}

function appendConverted(ctx: Context, partition: Partition, batch: PlainBatch, nowMs: number): void {
  const builder = new RecordBatchBuilder({ limitBytes: 0x7fff_ffff });
  for (const { timestamp, key, value } of batch.records) builder.tryAppend(timestamp, key, value);
  const { compression } = batch;
  const seal = partition.topic.isLogAppendTime ? { logAppendTimeMs: nowMs } : {};
  const bytes =
    compression === 'none'
      ? builder.seal(seal)
      : builder.sealCompressed(compression, ctx.core.compressions[compression].compress(builder.body()), seal);
  const own = Uint8Array.prototype.slice.call(bytes);
  partition.log.appendBatch(own, readBatchHeader(own), partition.leaderEpoch);
}

function appendEntries(ctx: Context, partition: Partition, batch: PlainBatch, magic: 0 | 1, nowMs: number): void {
  const { log, topic, leaderEpoch } = partition;
  const stamp = topic.isLogAppendTime && magic === 1 ? { logAppendTimeMs: nowMs } : {};
  const builder = new MessageSetBuilder({ magic, baseOffset: BigInt(log.endOffset), ...stamp });
  for (const { timestamp, key, value } of batch.records) builder.append(timestamp, key, value);
  const set =
    batch.compression === 'none' || batch.compression === 'zstd'
      ? builder.entries()
      : builder.wrapped(batch.compression, compressorOf(ctx, magic, batch.compression));
  const own = Uint8Array.prototype.slice.call(set);
  for (const each of readBatches(own, { compressions: ctx.core.compressions, checkCrcs: false })) {
    const lastOffset = Number(each.lastOffset);
    log.appendOld({
      baseOffset: lastOffset - each.count + 1,
      lastOffset,
      bytes: each.bytes,
      magic,
      leaderEpoch,
      maxTimestamp: Number(each.maxTimestamp),
      header: null,
    });
  }
}

function compressorOf(ctx: Context, magic: 0 | 1, compression: 'gzip' | 'snappy' | 'lz4'): Compressor {
  return magic === 0 && compression === 'lz4' ? oldLz4 : ctx.core.compressions[compression];
}

/** Entries as Fetch v0 to v3 can read them: magic 0 up to v1, magic 1 up to v3. */
export function forOldFetch(ctx: Context, entries: readonly LogEntry[]): Uint8Array[] {
  const magic = ctx.version < 2 ? 0 : 1;
  return entries.map((entry) => {
    if (entry.magic <= magic) return entry.bytes;
    const parts: Uint8Array[] = [];
    for (const batch of readBatches(entry.bytes, { compressions: ctx.core.compressions, checkCrcs: false })) {
      if (batch.isControl) continue;
      const baseOffset = BigInt(entry.baseOffset);
      const builder = new MessageSetBuilder({ magic, baseOffset });
      for (const { timestamp, key, value } of plain(batch)) builder.append(timestamp, key, value);
      if (builder.count === 0) continue;
      const { compression } = batch;
      const set =
        compression === 'none' || compression === 'zstd'
          ? builder.entries()
          : builder.wrapped(compression, compressorOf(ctx, magic, compression));
      parts.push(set);
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  });
}
