import type { Batch } from './batch.ts';
import type { BrokerLink } from './broker-link.ts';
import type { BrokerError } from './errors.ts';
import type { Topic } from './topic.ts';

/** Brokers remember the last five batches of a producer in each partition. */
export const mostUnsettledBatches = 5;

/** Who the producer is to the brokers. One object for each id and epoch. */
export interface Identity {
  readonly producerId: bigint;
  readonly epoch: number;
}

/**
 * The batches of one partition, in order: those that were sent and are not settled, then those that wait. Holds the
 * partition's sequence numbers as well, and with them the rules of what may be sent next.
 */
export class PartitionQueue {
  readonly topic: Topic;
  readonly index: number;
  /** Null while nobody knows it. */
  leader: BrokerLink | null = null;
  leaderEpoch = -1;
  /** Not sent yet; the last one may be open. */
  readonly waiting: Batch[] = [];
  /** Sent and not settled, in the order of their sequence numbers: in flight, or to be sent again. */
  readonly unsettled: Batch[] = [];
  /** How many of `unsettled` are in flight. */
  inFlight = 0;
  /** Where they are in flight. */
  inFlightLink: BrokerLink | null = null;
  /** No attempt before this moment. */
  retryAtMs = 0;
  /** Failures in a row. */
  failures = 0;
  /** Whom the last failure was with, what was known of the leadership then, and when another leader may be tried. */
  #failedLeader: BrokerLink | null = null;
  #failedEpoch = -1;
  #elsewhereAtMs = 0;
  #lastLeader: BrokerLink | null = null;
  /** Whose numbers are given here; null before the first batch. */
  identity: Identity | null = null;
  nextSequence = 0;
  /** Batches that were given numbers so far. */
  numbered = 0;
  /** The leader that has acknowledged a batch of this identity, so that it knows where the sequence stands. */
  contact: BrokerLink | null = null;
  /**
   * Ordinal of the first batch whose numbers will never be used; Infinity if there is none. A broker waits for them, so
   * nothing new goes out until numbers begin anew under another epoch.
   */
  brokenFrom = Number.POSITIVE_INFINITY;
  /** With this a broker denied to know the producer, so that sending again what it may have stored settles nothing. */
  forgottenBy: BrokerError | null = null;
  /** Times that the topic was made anew under its name. */
  incarnation = 0;
  /**
   * Sequence number of a batch that was given up without knowing its fate, or -1: whether its numbers were used
   * shows in what becomes of the batches after it.
   */
  gapAt = -1;
  /** Size of the last batch, for the next one's first buffer. */
  lastSizeBytes = 0;

  constructor(topic: Topic, index: number) {
    this.topic = topic;
    this.index = index;
  }

  /** The batch that takes records now. */
  get open(): Batch | null {
    const last = this.waiting[this.waiting.length - 1];
    return last === undefined || last.isClosed ? null : last;
  }

  /** Batches that are not settled: what a new record would have to wait for. */
  get length(): number {
    return this.waiting.length + this.unsettled.length;
  }

  get needsRestart(): boolean {
    return this.brokenFrom !== Number.POSITIVE_INFINITY;
  }

  /**
   * The oldest batch may be stored under the numbers it has, which are not among the lost ones: a copy under new ones
   * would be stored beside it. Sent again as it is, it tells.
   */
  get isOpenBeforeBreak(): boolean {
    const oldest = this.unsettled[0];
    return oldest?.isUncertain === true && oldest.ordinal < this.brokenFrom && this.forgottenBy === null;
  }

  /** A batch is there that could go out if partition and broker were free. */
  get hasDue(): boolean {
    return this.unsettled.length > this.inFlight || this.waiting[0]?.isDue === true;
  }

  /**
   * The batch to send now, or null. With `ordered`, nothing overtakes: a batch to be sent again goes alone and
   * first, and everything stays where it is until the answers of a former leader are in.
   */
  next(nowMs: number, ordered: boolean, identity: Identity | null, isMuting: boolean): Batch | null {
    if (nowMs < this.retryAtMs || this.leader === null) return null;
    const { unsettled, waiting } = this;
    if (!ordered) return unsettled.find((batch) => !batch.isInFlight) ?? dueOf(waiting);
    // A request that is still out at a former leader may yet be appended there: wait for its end.
    if (this.inFlight > 0 && this.inFlightLink !== this.leader) return null;
    if (unsettled.length > this.inFlight) {
      const oldest = unsettled[0]!;
      return oldest.isInFlight || (this.needsRestart && !this.isOpenBeforeBreak) ? null : oldest;
    }
    const batch = dueOf(waiting);
    if (batch === null) return null;
    if (isMuting) return unsettled.length === 0 ? batch : null;
    if (identity === null || this.needsRestart || this.gapAt >= 0) return null;
    // Counted from the oldest open batch, settled ones in between included: a broker that has stored five since
    // would not recognise it when it is sent again.
    if (unsettled.length > 0 && this.numbered - unsettled[0]!.ordinal >= mostUnsettledBatches) return null;
    // Numbers of another epoch begin at 0, which is only sound when nothing of the former one is open.
    if (this.identity !== identity) return unsettled.length === 0 ? batch : null;
    // A broker that knows nothing of a producer takes any sequence number as its first. Were two batches sent to
    // such a leader, and the first one refused, the second would be stored before it.
    if (this.contact !== this.leader && this.inFlight > 0) return null;
    return batch;
  }

  /** The batch leaves the queue for a socket. Gives it its numbers the first time. */
  take(batch: Batch, link: BrokerLink, identity: Identity | null): void {
    if (this.waiting[0] === batch) {
      this.waiting.shift();
      batch.isClosed = true;
      this.unsettled.push(batch);
      if (identity !== null) this.#number(batch, identity);
    }
    batch.isInFlight = true;
    batch.incarnation = this.incarnation;
    batch.attempts++;
    this.inFlight++;
    this.inFlightLink = link;
  }

  /** An answer, or the end of the connection: the batch is in this client's hands again. */
  land(batch: Batch): void {
    batch.isInFlight = false;
    this.inFlight--;
    if (this.inFlight === 0) this.inFlightLink = null;
  }

  /** The batch is settled, one way or another. */
  remove(batch: Batch): void {
    const from = this.unsettled.includes(batch) ? this.unsettled : this.waiting;
    const at = from.indexOf(batch);
    if (at >= 0) from.splice(at, 1);
  }

  /** Puts parts in the place of a batch that was split; the first is sent again, the rest after it. */
  replace(batch: Batch, parts: readonly Batch[]): void {
    const at = this.unsettled.indexOf(batch);
    if (at >= 0) this.unsettled.splice(at, 1, ...parts);
    else this.waiting.splice(this.waiting.indexOf(batch), 1, ...parts);
  }

  /** The numbers of this batch, and so of all after it, will never be used. */
  breakAt(batch: Batch): void {
    if (batch.ordinal < this.brokenFrom) this.brokenFrom = batch.ordinal;
  }

  /** The topic was deleted and made anew: nobody knows this producer there. One batch goes first, as to a new leader. */
  beginAgain(): void {
    this.incarnation++;
    this.leaderEpoch = -1;
    this.contact = null;
  }

  /** This leader has acknowledged a batch, and so knows where the sequence stands; not if the topic is another since. */
  meet(link: BrokerLink, batch: Batch): void {
    if (this.leader === link && batch.incarnation === this.incarnation) this.contact = link;
  }

  /** Sequence numbers begin at 0 under a new identity, those of batches that are not settled too. */
  restart(identity: Identity): void {
    this.identity = identity;
    this.nextSequence = 0;
    this.brokenFrom = Number.POSITIVE_INFINITY;
    this.forgottenBy = null;
    this.gapAt = -1;
    this.contact = null;
    for (const batch of this.unsettled) this.#number(batch, identity);
  }

  moveTo(leader: BrokerLink | null, leaderEpoch: number): void {
    if (leader !== this.leader) this.contact = null;
    this.leader = leader;
    this.leaderEpoch = leaderEpoch;
    if (leader === null) return;
    this.#lastLeader = leader;
    // A pause that has grown was for the leader that failed. Brokers before 2.1 tell no epochs: another one will do.
    const isNewer = leaderEpoch < 0 ? leader !== this.#failedLeader : leaderEpoch > this.#failedEpoch;
    if (isNewer && this.retryAtMs > this.#elsewhereAtMs) this.retryAtMs = this.#elsewhereAtMs;
  }

  /** An attempt failed: when the next one to the same leader is made, and when one to a newer leader. */
  retryAt(ms: number, elsewhereMs: number): void {
    this.retryAtMs = ms;
    this.#elsewhereAtMs = Math.min(ms, elsewhereMs);
    this.#failedLeader = this.leader ?? this.#lastLeader;
    this.#failedEpoch = this.leaderEpoch;
  }

  #number(batch: Batch, identity: Identity): void {
    if (this.identity !== identity) {
      this.identity = identity;
      this.nextSequence = 0;
      this.contact = null;
    }
    batch.producerId = identity.producerId;
    batch.producerEpoch = identity.epoch;
    batch.sequence = this.nextSequence;
    batch.ordinal = this.numbered++;
    this.nextSequence = batch.nextSequence;
  }
}

function dueOf(waiting: readonly Batch[]): Batch | null {
  const first = waiting[0];
  return first?.isDue === true ? first : null;
}
