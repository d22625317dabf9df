import { type Compressions, readBatches } from '@kiel/codec';
import type { Partition } from './state/topic.ts';

/** What became of the transaction that a record belongs to. */
export type TransactionFate = 'none' | 'open' | 'committed' | 'aborted';

/** A record as it lies in a log, with text and JSON already read. */
export interface LoggedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly timestampMs: number;
  /** The key as text, or its bytes when they are no UTF-8. */
  readonly key: string | Uint8Array | null;
  /** The value out of its JSON; as text when it is no JSON, as bytes when it is no UTF-8. */
  readonly value: unknown;
  readonly headers: readonly (readonly [name: string, value: string | Uint8Array | null])[];
  readonly keyBytes: Uint8Array | null;
  readonly valueBytes: Uint8Array | null;
  /** -1n, -1, -1 unless an idempotent producer wrote it. */
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly sequence: number;
  readonly transaction: TransactionFate;
  /** True for the markers that end transactions; they are left out unless asked for. */
  readonly isControl: boolean;
}

/** Which records `log()` gives. */
export interface LogOptions {
  /** Markers too. */
  readonly control?: boolean;
  /** Only what a read-committed consumer sees. */
  readonly committed?: boolean;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Every record of a partition, oldest first. */
export function readLog(partition: Partition, compressions: Compressions, options: LogOptions = {}): LoggedRecord[] {
  const { log, index, topic } = partition;
  const records: LoggedRecord[] = [];
  const fateOf = fates(partition);
  for (const entry of log.entries()) {
    if (options.committed && entry.lastOffset >= log.lastStableOffset) break;
    for (const batch of readBatches(entry.bytes, { compressions, checkCrcs: false })) {
      if (batch.isControl && !options.control) continue;
      const fate = batch.isTransactional && !batch.isControl ? fateOf(batch.producerId, entry.baseOffset) : 'none';
      if (options.committed && fate === 'aborted') continue;
      for (const record of batch) {
        if (record.offset < BigInt(log.logStartOffset)) continue;
        records.push({
          topic: topic.name,
          partition: index,
          offset: record.offset,
          timestampMs: Number(record.timestamp),
          key: textOf(record.key),
          value: jsonOf(record.value),
          headers: record.headers.map(([name, value]) => [name, textOf(value)] as const),
          keyBytes: record.key,
          valueBytes: record.value,
          producerId: batch.producerId,
          producerEpoch: batch.producerEpoch,
          sequence: record.sequence,
          transaction: fate,
          isControl: batch.isControl,
        });
      }
    }
  }
  return records;
}

/** What became of the transaction that a batch belongs to. */
function fates(partition: Partition): (producerId: bigint, offset: number) => TransactionFate {
  const { log } = partition;
  return (producerId, offset) => {
    const open = log.producers.get(producerId)?.transactionStart;
    if (open !== undefined && open !== null && offset >= open) return 'open';
    const isAborted = log.aborted.some(
      (t) => t.producerId === producerId && t.firstOffset <= offset && offset < t.lastOffset,
    );
    return isAborted ? 'aborted' : 'committed';
  };
}

function textOf(bytes: Uint8Array | null): string | Uint8Array | null {
  if (bytes === null) return null;
  try {
    return decoder.decode(bytes);
  } catch {
    return bytes;
  }
}

function jsonOf(bytes: Uint8Array | null): unknown {
  const text = textOf(bytes);
  if (typeof text !== 'string') return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
