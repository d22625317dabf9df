import { type Compressions, readBatches } from '@kiel/codec';
import type { OfferedRecord } from './history.ts';

/** A record as it lies in a log, as far as the checker looks at it. */
export interface StoredRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly fate: 'none' | 'open' | 'committed' | 'aborted';
}

/** As much of a partition as is judged: one of the mock's, or one read back from any other cluster. */
export interface JudgedPartition {
  readonly topic: { readonly name: string };
  readonly index: number;
  readonly log: {
    readonly logStartOffset: number;
    /** What was appended or fetched, in the order of offsets; an entry may hold several batches. */
    entries(): Iterable<{ readonly baseOffset: number; readonly bytes: Uint8Array }>;
    readonly producers: { get(producerId: bigint): { readonly transactionStart: number | null } | undefined };
    readonly aborted: readonly {
      readonly producerId: bigint;
      readonly firstOffset: number;
      readonly lastOffset: number;
    }[];
  };
}

/** Goes over all data records of a partition in the order of their offsets. Key and value are views, not to be kept. */
export function forEachStored(
  partition: JudgedPartition,
  compressions: Compressions,
  see: (stored: StoredRecord, key: Uint8Array | null, value: Uint8Array | null) => void,
): void {
  const { log, topic, index } = partition;
  for (const entry of log.entries()) {
    for (const batch of readBatches(entry.bytes, { compressions, checkCrcs: false })) {
      if (batch.isControl) continue;
      const fate = batch.isTransactional ? fateOf(partition, batch.producerId, entry.baseOffset) : 'none';
      const cursor = batch.cursor();
      while (cursor.next()) {
        const offset = Number(cursor.offset);
        if (offset < log.logStartOffset) continue;
        const { timestampMs, key, value } = cursor;
        see({ topic: topic.name, partition: index, offset, timestampMs, fate }, key, value);
      }
    }
  }
}

function fateOf({ log }: JudgedPartition, producerId: bigint, offset: number): StoredRecord['fate'] {
  const open = log.producers.get(producerId)?.transactionStart;
  if (open !== undefined && open !== null && offset >= open) return 'open';
  const isAborted = log.aborted.some(
    (t) => t.producerId === producerId && t.firstOffset <= offset && offset < t.lastOffset,
  );
  return isAborted ? 'aborted' : 'committed';
}

const NOTHING = new Uint8Array(0);

/** A number that nearly tells records apart by topic, key and value; equality of the bytes is still to be seen. */
export function fingerprint(topicSeed: number, key: Uint8Array | null, value: Uint8Array | null): number {
  const ofKey = hash(key ?? NOTHING, topicSeed + (key === null ? 1 : 0));
  const high = hash(value ?? NOTHING, ofKey) >>> 0;
  const low = hash(value ?? NOTHING, ofKey ^ 0x5bd1e995) & 0x1f_ffff;
  return high * 0x20_0000 + low;
}

/** FNV-1a over the bytes, begun with a seed. */
function hash(bytes: Uint8Array, seed: number): number {
  let h = seed ^ 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193);
  return h ^ (h >>> 15);
}

export function bytesEqual(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  if (a.length !== b.length) return false;
  // A call into Node costs as much as some two hundred bytes of this loop.
  if (a.length > 256) return Buffer.compare(a, b) === 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Whether an offered record has the topic and bytes of a stored one. */
export function isAlike(
  record: OfferedRecord,
  stored: StoredRecord,
  key: Uint8Array | null,
  value: Uint8Array | null,
): boolean {
  return record.topic === stored.topic && bytesEqual(record.value, value) && bytesEqual(record.key, key);
}
