import type { Batch } from './batch.ts';
import type { Identity, PartitionQueue } from './partition-queue.ts';
import type { Turns } from './turns.ts';

export interface SequenceEvents {
  /** Sequences must begin anew under a new epoch, or, with `renew`, under a new id. */
  restartWanted(renew: boolean): void;
}

/** Who the producer is to the brokers, and which partitions have to begin their sequence numbers anew. */
export class Sequences {
  /** Null before it was told, and for good without idempotence. */
  identity: Identity | null = null;
  isIdempotent: boolean;
  readonly #turns: Turns;
  readonly #events: SequenceEvents;
  /** Partitions whose sequences must begin anew. */
  readonly #restarting = new Set<PartitionQueue>();
  /** The identity that a restart was asked for. */
  #restartedFrom: Identity | null = null;

  constructor(isIdempotent: boolean, turns: Turns, events: SequenceEvents) {
    this.isIdempotent = isIdempotent;
    this.#turns = turns;
    this.#events = events;
  }

  /** A new id or epoch: partitions that waited for it begin anew. */
  adopt(identity: Identity): void {
    this.identity = identity;
    this.isIdempotent = true;
    for (const queue of this.#restarting) this.#restart(queue);
  }

  /** It carries the numbers that its queue gives now. */
  belongs(batch: Batch): boolean {
    const { identity } = batch.queue;
    return identity !== null && batch.producerId === identity.producerId && batch.producerEpoch === identity.epoch;
  }

  /** A batch with numbers has left without being stored, as far as we know. */
  leaveGap(batch: Batch): void {
    const { queue } = batch;
    if (!this.isIdempotent || batch.sequence < 0 || !this.belongs(batch)) return;
    // Where no attempt can have stored it, its numbers will never be used, and the broker waits for them.
    if (!batch.isUncertain) queue.breakAt(batch);
    else if (queue.gapAt < 0 || isAfter(queue.gapAt, batch.sequence)) queue.gapAt = batch.sequence;
  }

  /** Brokers take batches in order only: what was given up before this one has been stored after all. */
  closeGap(stored: Batch): void {
    const { queue } = stored;
    if (queue.gapAt >= 0 && isAfter(stored.sequence, queue.gapAt)) queue.gapAt = -1;
  }

  /** Something of this partition came back: what may go next? */
  landed(queue: PartitionQueue): void {
    // Nothing is left that could tell whether the numbers were used.
    if (queue.gapAt >= 0 && queue.unsettled.length === 0) queue.brokenFrom = queue.numbered;
    if (queue.needsRestart) this.#restart(queue);
    this.#turns.enlist(queue);
  }

  /** Begins the partition's numbers anew, as soon as nothing of the former ones can be stored any more. */
  #restart(queue: PartitionQueue): void {
    this.#restarting.add(queue);
    if (queue.inFlight > 0 || queue.isOpenBeforeBreak) return;
    const { identity } = this;
    if (identity !== null && queue.identity !== identity) {
      this.#restarting.delete(queue);
      queue.restart(identity);
      this.#turns.enlist(queue);
      return;
    }
    if (identity === null || this.#restartedFrom === identity) return;
    this.#restartedFrom = identity;
    this.#events.restartWanted(false);
  }
}

/** Sequence numbers go round at 2^31: the nearer way decides. */
function isAfter(sequence: number, other: number): boolean {
  const distance = (sequence - other) & 0x7fff_ffff;
  return distance > 0 && distance < 0x4000_0000;
}
