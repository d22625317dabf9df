import type { Batch } from './batch.ts';
import type { DeliveryError } from './errors.ts';

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

/** The record's place: a batch and an index in it, once it has one. */
export class RecordDelivery implements Delivery {
  /** Null while the record waits for its topic's metadata or for room. */
  batch: Batch | null;
  index: number;
  #deferred: PromiseWithResolvers<DeliveryReport> | null = null;
  /** Somebody asked for the outcome. */
  isClaimed = false;

  constructor(batch: Batch | null, index: number) {
    this.batch = batch;
    this.index = index;
  }

  get [Symbol.toStringTag](): string {
    return 'Delivery';
  }

  then<A = DeliveryReport, B = never>(
    onDelivered?: ((report: DeliveryReport) => A | PromiseLike<A>) | null,
    onFailed?: ((error: DeliveryError) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#promise().then(onDelivered, onFailed);
  }

  catch<B = never>(onFailed?: ((error: DeliveryError) => B | PromiseLike<B>) | null): Promise<DeliveryReport | B> {
    return this.#promise().then(null, onFailed);
  }

  finally(onSettled?: (() => void) | null): Promise<DeliveryReport> {
    return this.#promise().finally(onSettled);
  }

  /** The record found its place in a batch. */
  moveTo(batch: Batch, index: number): void {
    this.batch = batch;
    this.index = index;
    if (this.#deferred !== null) batch.addWaiter(this);
  }

  resolve(report: DeliveryReport): void {
    this.#deferred?.resolve(report);
  }

  reject(error: DeliveryError): void {
    this.#deferred?.reject(error);
  }

  /**
   * Fails before there is a batch. Whoever asks later still learns of it.
   *
   * @returns whether somebody was waiting already.
   */
  rejectUnplaced(error: DeliveryError): boolean {
    this.#deferred ??= Promise.withResolvers<DeliveryReport>();
    // Nobody has to ask.
    this.#deferred.promise.catch(() => {});
    this.#deferred.reject(error);
    return this.isClaimed;
  }

  /** For the producer itself: the outcome counts as not awaited still. */
  whenSettled(callback: (outcome: DeliveryReport | DeliveryError) => void): void {
    const wasClaimed = this.isClaimed;
    this.#promise().then(callback, callback);
    this.isClaimed = wasClaimed;
  }

  toJSON(): { topic: string | null; partition: number | null; settled: boolean } {
    const queue = this.batch?.queue;
    return {
      topic: queue?.topic.name ?? null,
      partition: queue?.index ?? null,
      settled: this.batch?.isSettled ?? false,
    };
  }

  #promise(): Promise<DeliveryReport> {
    this.isClaimed = true;
    if (this.#deferred === null) {
      this.#deferred = Promise.withResolvers<DeliveryReport>();
      if (this.batch !== null && !this.batch.trySettle(this)) this.batch.addWaiter(this);
    }
    return this.#deferred.promise;
  }
}
