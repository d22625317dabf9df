import type { RecordBytes, RecordHeaders } from '@kiel/codec/client';
import type { RecordDelivery } from './delivery.ts';
import type { FlushGroup } from './flush-group.ts';
import { PartitionQueue } from './partition-queue.ts';
import { WaitingLine } from './waiting-line.ts';

/** A record that has no batch yet: its topic is unknown, or the buffer is full. */
export interface WaitingRecord {
  readonly topic: Topic;
  readonly delivery: RecordDelivery;
  readonly group: FlushGroup;
  readonly key: RecordBytes;
  readonly value: RecordBytes;
  readonly headers: RecordHeaders | undefined;
  readonly timestampMs: number;
  /** The partition that was asked for, or -1. */
  readonly partition: number;
  readonly acceptedAtMs: number;
  /** When it has waited long enough. */
  readonly giveUpAtMs: number;
  readonly sizeBytes: number;
  /** The value before serialization, for a partitioner of the user's own. */
  readonly original: unknown;
  /** It waits for room, rather than for its topic. */
  isInLine: boolean;
  isGone: boolean;
}

/** One topic: its partitions, as far as they are known, and the records that wait for them. */
export class Topic {
  readonly name: string;
  /** Kafka's id of it, in text form; null where brokers have none. */
  id: string | null = null;
  /** Empty until the first answer. */
  partitions: PartitionQueue[] = [];
  /** Those with a leader; all of them when no leader is known. */
  available: PartitionQueue[] = [];
  /** The partition of records without key, until its batch is full or gone. */
  sticky: PartitionQueue | null = null;
  /** Records that wait for the topic's metadata, or for a partition that it does not show. */
  readonly waiting: WaitingLine = new WaitingLine();
  /** Monotonic time of the last record. */
  usedAtMs = 0;
  /** Batches above this were refused as too large. */
  limitBytes = Number.POSITIVE_INFINITY;
  /** What brokers say about it, when it cannot be used; 0 if nothing. */
  errorCode = 0;
  /** A request that asked for it has been sent. */
  isAsked = false;
  /**
   * Nothing was sent to it for long: brokers are not asked about it. What is known stays, since sequence numbers
   * must go on where they stopped: beginning at 0 again, a record would be taken for one sent before.
   */
  isIdle = false;
  /** Position of a round-robin partitioner. */
  turn = -1;
  /** So many calls are still looked through for misspelt options: to do so always would be felt (see bench/). */
  checkedCallsLeft = 256;

  constructor(name: string) {
    this.name = name;
  }

  get isKnown(): boolean {
    return this.partitions.length > 0;
  }

  /** Makes room for partitions up to this many; their number never falls. */
  grow(count: number): void {
    for (let index = this.partitions.length; index < count; index++) {
      this.partitions.push(new PartitionQueue(this, index));
    }
  }

  refreshAvailable(): void {
    const led = this.partitions.filter((queue) => queue.leader !== null);
    this.available = led.length > 0 ? led : this.partitions;
    if (this.sticky !== null && this.sticky.leader === null && led.length > 0) this.sticky = null;
  }
}
