import type { Batch } from './batch.ts';
import type { DeliveryError } from './errors.ts';
import type { WaitingRecord } from './topic.ts';

/** Where a record went. */
export class DeliveryReport {
  readonly topic: string;
  readonly partition: number;
  /** -1n when nobody was asked (`requiredAcks: 0`), or when the broker only said that it had the record already. */
  readonly offset: bigint;
  /**
   * Milliseconds since 1970: the record's own, or the broker's where the topic stamps records itself. -1 with brokers
   * before 0.10, whose logs hold none.
   */
  readonly timestampMs: number;

  constructor(topic: string, partition: number, offset: bigint, timestampMs: number) {
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
    this.timestampMs = timestampMs;
  }

  /** The offset as decimal text: JSON has no integers above 2^53. */
  toJSON(): { topic: string; partition: number; offset: string; timestampMs: number } {
    const { topic, partition, offset, timestampMs } = this;
    return { topic, partition, offset: String(offset), timestampMs };
  }
}

/**
 * The fate of one record. A promise comes into being only when it is asked for: a Delivery that is forgotten costs
 * a few words of memory, and its failure reaches the `deliveryFailed` event instead.
 */
export interface Delivery extends Promise<DeliveryReport> {}

/** Where the outcomes of records are found: their batch, or, before they have one, a place of their own. */
export interface Place {
  /** Somebody wants to know what becomes of this record. */
  claim(index: number): void;
  /** Resolves when there is news of this record, or of others in its place; at once when it is settled. */
  newsOf(index: number): Promise<void>;
  /** Null as long as it is not settled. */
  outcomeOf(index: number): DeliveryReport | DeliveryError | null;
}

/** Something that will be news, as one promise for all who wait for it; made when the first one does. */
export class News {
  #coming: PromiseWithResolvers<void> | null = null;

  get coming(): Promise<void> {
    this.#coming ??= Promise.withResolvers<void>();
    return this.#coming.promise;
  }

  /** It has come; what comes next is another promise. */
  tell(): void {
    const coming = this.#coming;
    this.#coming = null;
    coming?.resolve();
  }

  /** There is nothing to wait for. */
  static readonly none: Promise<void> = Promise.resolve();
}

/** Of a record that waits for its topic's metadata or for room, or was refused. */
class Unplaced implements Place {
  readonly news = new News();
  isClaimed = false;
  error: DeliveryError | null = null;
  /** What waits, while it does. */
  record: WaitingRecord | null = null;

  claim(): void {
    this.isClaimed = true;
  }

  newsOf(): Promise<void> {
    return this.error === null ? this.news.coming : News.none;
  }

  outcomeOf(): DeliveryError | null {
    return this.error;
  }
}

/**
 * The record's place: a batch and an index in it, once it has one.
 *
 * Whoever asks waits for his batch's news, a promise that all its deliveries share, and looks up his own outcome then:
 * half as dear as a promise for each record to settle, and callbacks keep their asynchronous context.
 */
export class RecordDelivery implements Delivery {
  #place: Place;
  /** Declared, so that it is written once, and the constructor stays so small that V8 puts it into its caller. */
  declare index: number;

  constructor(place: Place, index: number) {
    this.#place = place;
    this.index = index;
  }

  /** Of a record that has no batch: it waits for its topic's metadata or for room, or is refused. */
  static unplaced(): RecordDelivery {
    return new RecordDelivery(new Unplaced(), -1);
  }

  /** Null while the record waits for its topic's metadata or for room, and when it failed there. */
  get batch(): Batch | null {
    return this.#place instanceof Unplaced ? null : (this.#place as Batch);
  }

  get [Symbol.toStringTag](): string {
    return 'Delivery';
  }

  then<A = DeliveryReport, B = never>(
    onDelivered?: ((report: DeliveryReport) => A | PromiseLike<A>) | null,
    onFailed?: ((error: DeliveryError) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#place.claim(this.index);
    return this.#place.newsOf(this.index).then(() => this.#conclude(onDelivered, onFailed));
  }

  catch<B = never>(onFailed?: ((error: DeliveryError) => B | PromiseLike<B>) | null): Promise<DeliveryReport | B> {
    return this.then(null, onFailed);
  }

  finally(onSettled?: (() => void) | null): Promise<DeliveryReport> {
    return this.then().finally(onSettled);
  }

  /** The record found its place in a batch. */
  moveTo(batch: Batch, index: number): void {
    const before = this.#place as Unplaced;
    this.#place = batch;
    this.index = index;
    if (before.isClaimed) batch.claim(index);
    before.news.tell();
  }

  /**
   * Fails before there is a batch. Whoever asks later still learns of it.
   *
   * @returns whether somebody was waiting already.
   */
  rejectUnplaced(error: DeliveryError): boolean {
    const place = this.#place as Unplaced;
    place.error = error;
    place.record = null;
    place.news.tell();
    return place.isClaimed;
  }

  /** The record, while it waits for its topic or for room. */
  get waiting(): WaitingRecord | null {
    return this.#place instanceof Unplaced ? this.#place.record : null;
  }

  set waiting(record: WaitingRecord | null) {
    if (this.#place instanceof Unplaced) this.#place.record = record;
  }

  /** Somebody asked for the outcome of this record, which has no batch. */
  get isClaimed(): boolean {
    return (this.#place as Unplaced).isClaimed;
  }

  /** For the producer itself: the outcome counts as not awaited still. */
  whenSettled(callback: (outcome: DeliveryReport | DeliveryError) => void): void {
    void this.#place.newsOf(this.index).then(() => {
      const outcome = this.#place.outcomeOf(this.index);
      if (outcome === null) this.whenSettled(callback);
      else callback(outcome);
    });
  }

  toJSON(): { topic: string | null; partition: number | null; settled: boolean } {
    const queue = this.batch?.queue;
    return {
      topic: queue?.topic.name ?? null,
      partition: queue?.index ?? null,
      settled: this.#place.outcomeOf(this.index) !== null,
    };
  }

  /** Called when there is news, which need not be of this record: then it waits for more. */
  #conclude<A, B>(
    onDelivered: ((report: DeliveryReport) => A | PromiseLike<A>) | null | undefined,
    onFailed: ((error: DeliveryError) => B | PromiseLike<B>) | null | undefined,
  ): A | B | PromiseLike<A | B> {
    const outcome = this.#place.outcomeOf(this.index);
    if (outcome === null) return this.#place.newsOf(this.index).then(() => this.#conclude(onDelivered, onFailed));
    if (outcome instanceof DeliveryReport) {
      // Without a callback the value goes through as it is, as promises do it.
      return typeof onDelivered === 'function' ? onDelivered(outcome) : (outcome as A);
    }
    if (typeof onFailed === 'function') return onFailed(outcome);
    throw outcome;
  }
}
