import {
  batchHeaderBytes,
  type Checksum,
  RecordBatchBuilder,
  type RecordBatchBuilderOptions,
  type RecordBytes,
  type RecordHeaders,
  recordSizeUpperBound,
  sizeOfRecord,
} from '@kiel/codec/client';
import { Batch } from './batch.ts';
import { BufferPool } from './buffer-pool.ts';
import { DeliveryError } from './errors.ts';
import { type FlushGroup, FlushGroups } from './flush-group.ts';
import type { PartitionQueue } from './partition-queue.ts';
import { Topic, type WaitingRecord } from './topic.ts';

export interface AccumulatorSettings {
  readonly batchSize: number;
  readonly lingerMs: number;
  readonly batchBytes: number;
  readonly maxRequestBytes: number;
  readonly bufferBytes: number;
  readonly deliveryTimeoutMs: number;
  readonly checksum: Checksum;
}

/** Told of what could change an answer of the machine's. Called at most once a batch. */
export interface AccumulatorEvents {
  /** A batch has begun to wait for company. */
  lingering(): void;
  /** This partition has a batch that may go. */
  due(queue: PartitionQueue): void;
}

/** A record costs as much as so many bytes, whatever its size. */
const workPerRecord = 128;

/** What a request takes beside its batches, at the most: names and numbers of one topic and partition. */
const requestOverheadBytes = 512;

/**
 * All records between `produce()` and their settlement: per partition in batches, each written straight into its
 * batch's buffer. It counts and it keeps order; when to send is the machine's matter, and how the sender's.
 */
export class Accumulator {
  readonly topics = new Map<string, Topic>();
  readonly groups = new FlushGroups();
  readonly pool: BufferPool;
  /** Records accepted and not settled. */
  unsettled = 0;
  /** Records not settled and not in flight. */
  unsent = 0;
  /** Batches that may go and are not in flight. */
  due = 0;
  /** Bytes of all records that are not settled. */
  bufferedBytes = 0;
  /** What ever went into batches, counted as work: a byte as one, and a record as `workPerRecord` more. */
  acceptedWork = 0;
  /** Where in its batch the record lies that `append` has just taken: others may have come behind it meanwhile. */
  appendedAt = 0;
  readonly #settings: AccumulatorSettings;
  readonly #events: AccumulatorEvents;
  /** Batches not settled, by the time of their first record; settled ones are dropped from the front. */
  #byAge: Batch[] = [];
  /** Batches that wait for company, oldest first. */
  #lingering: Batch[] = [];
  readonly #goAtOnce: boolean;
  /** A batch takes no record so much younger than its first one, with which they all expire. */
  readonly #mostAgeMs: number;
  /** Length of `#byAge` at which settled batches are taken out of its middle. */
  #compactAt = 256;

  constructor(settings: AccumulatorSettings, events: AccumulatorEvents) {
    this.#settings = settings;
    this.#events = events;
    this.#goAtOnce = settings.lingerMs === 0 || settings.batchSize === 1;
    this.#mostAgeMs = settings.deliveryTimeoutMs / 20;
    this.pool = new BufferPool(settings.batchBytes, settings.bufferBytes >> 1);
  }

  /** There is no room for a record more. */
  get isFull(): boolean {
    return this.bufferedBytes >= this.#settings.bufferBytes;
  }

  /** Nearly full: whoever asks before he goes on should wait, since he will hardly ask for each record. */
  get isTight(): boolean {
    return this.bufferedBytes >= this.#settings.bufferBytes * 0.9375;
  }

  /** So much is free that going on is worth while. */
  get isRelaxed(): boolean {
    return this.bufferedBytes <= this.#settings.bufferBytes * 0.75;
  }

  /** When the oldest of the batches that wait for company has waited long enough; null if there is none. */
  get lingerEndsMs(): number | null {
    const oldest = this.#lingering.find((batch) => !batch.isDue && !batch.isSettled);
    return oldest === undefined ? null : oldest.acceptedAtMs + this.#settings.lingerMs;
  }

  topic(name: string): Topic {
    let topic = this.topics.get(name);
    if (topic === undefined) {
      topic = new Topic(name);
      this.topics.set(name, topic);
    }
    return topic;
  }

  /**
   * Appends one record to its partition.
   *
   * @param group - whose flush it belongs to.
   * @returns the batch that holds it, at `appendedAt`.
   * @throws DeliveryError `MESSAGE_TOO_LARGE` when it fits no request at all; whatever the builder refuses.
   */
  append(
    queue: PartitionQueue,
    timestampMs: number,
    key: RecordBytes,
    value: RecordBytes,
    headers: RecordHeaders | undefined,
    nowMs: number,
    group: FlushGroup,
  ): Batch {
    const { waiting } = queue;
    const batch = waiting.length === 0 ? undefined : waiting[waiting.length - 1]!;
    if (
      batch === undefined ||
      batch.isClosed ||
      batch.group !== group ||
      nowMs - batch.acceptedAtMs > this.#mostAgeMs ||
      !batch.tryAppend(timestampMs, key, value, headers)
    ) {
      return this.#appendToNew(queue, timestampMs, key, value, headers, nowMs, group);
    }
    const index = batch.count - 1;
    this.#count(batch);
    this.appendedAt = index;
    return batch;
  }

  /** A record that waited has found its partition, or there is room for it now. */
  place(record: WaitingRecord, queue: PartitionQueue): void {
    const { open } = queue;
    // A batch's time counts from its first record: an older one goes into a batch of its own.
    if (open !== null && open.acceptedAtMs > record.acceptedAtMs) this.close(open);
    const { timestampMs, key, value, headers, acceptedAtMs, group } = record;
    const batch = this.append(queue, timestampMs, key, value, headers, acceptedAtMs, group);
    record.delivery.moveTo(batch, this.appendedAt);
    if (group.isEnded) this.makeDue(batch);
  }

  /** No record may join it any more, and it may go. */
  close(batch: Batch): void {
    batch.isClosed = true;
    const { topic } = batch.queue;
    if (topic.sticky === batch.queue) topic.sticky = null;
    this.makeDue(batch);
  }

  makeDue(batch: Batch): void {
    if (batch.isDue || batch.isSettled) return;
    batch.isDue = true;
    this.due++;
    this.#events.due(batch.queue);
  }

  /** Nothing waits for company any more. */
  endLingers(): void {
    const batches = this.#lingering;
    this.#lingering = [];
    for (const batch of batches) if (!batch.isSettled) this.makeDue(batch);
  }

  /** Ends the lingers that have lasted long enough, and says when the next one will have; Infinity if none. */
  endLingersDue(nowMs: number): number {
    const { lingerMs } = this.#settings;
    const batches = this.#lingering;
    let from = 0;
    for (; from < batches.length; from++) {
      const batch = batches[from]!;
      if (batch.isDue || batch.isSettled) continue;
      if (batch.acceptedAtMs + lingerMs > nowMs) break;
      this.makeDue(batch);
    }
    if (from > 0) batches.splice(0, from);
    const next = batches[0];
    return next === undefined ? Number.POSITIVE_INFINITY : next.acceptedAtMs + lingerMs;
  }

  /** Ends the open batches and resolves when everything accepted so far is settled. */
  flush(): Promise<void> {
    for (const batch of this.#byAge) if (!batch.isClosed && !batch.isSettled) this.close(batch);
    this.endLingers();
    return this.groups.flush();
  }

  /** The batches that are not settled, oldest first. */
  *batches(): Generator<Batch> {
    for (const batch of this.#byAge) if (!batch.isSettled) yield batch;
  }

  /** The oldest batch that is not settled. */
  oldest(): Batch | undefined {
    const batches = this.#byAge;
    let settled = 0;
    while (settled < batches.length && batches[settled]!.isSettled) settled++;
    if (settled > 0) batches.splice(0, settled);
    return batches[0];
  }

  /** It is in flight, for the first time or again. */
  sent(batch: Batch): void {
    this.due--;
    this.unsent -= batch.count;
  }

  /** It was in flight and has to be sent again. */
  returned(batch: Batch): void {
    this.due++;
    this.unsent += batch.count;
    this.#events.due(batch.queue);
  }

  /** Parts take a batch's place in its queue. The batch was not in flight. */
  divide(batch: Batch, parts: readonly Batch[]): void {
    batch.queue.replace(batch, parts);
    batch.isSettled = true;
    batch.group.open--;
    this.bufferedBytes -= batch.sizeBytes;
    if (batch.isDue) this.due--;
    for (const part of parts) {
      part.group.open++;
      this.due++;
      this.bufferedBytes += part.sizeBytes;
      this.#insertByAge(part);
    }
    this.groups.settle();
    if (parts.length > 0) this.#events.due(batch.queue);
  }

  /** Settled by an answer. */
  settledInFlight(batch: Batch): void {
    this.#settle(batch);
  }

  /** Settled while it waited, for the first time or again. */
  settledWaiting(batch: Batch): void {
    this.unsent -= batch.count;
    if (batch.isDue) this.due--;
    this.#settle(batch);
  }

  /** Records that were cancelled are out of their batch now. */
  forget(count: number): void {
    this.unsettled -= count;
    this.unsent -= count;
  }

  /** The builder's memory may serve again; nobody reads it any more. */
  recycle(batch: Batch): void {
    batch.queue.lastSizeBytes = batch.sizeBytes;
    this.pool.give(batch.builder.release());
  }

  #settle(batch: Batch): void {
    this.unsettled -= batch.count;
    this.bufferedBytes -= batch.sizeBytes;
    if (--batch.group.open === 0) this.groups.settle();
    if (this.#byAge.length > 64 && this.#byAge[0]!.isSettled) this.oldest();
  }

  #appendToNew(
    queue: PartitionQueue,
    timestampMs: number,
    key: RecordBytes,
    value: RecordBytes,
    headers: RecordHeaders | undefined,
    nowMs: number,
    group: FlushGroup,
  ): Batch {
    const { open } = queue;
    let recordBytes = recordSizeUpperBound(key, value, headers);
    // The bound counts three bytes for each character of text: too much for a buffer of that size.
    if (recordBytes > this.#settings.batchBytes) recordBytes = sizeOfRecord(0, 0, key, value, headers);
    const batch = this.#open(queue, recordBytes, nowMs, group);
    if (!batch.tryAppend(timestampMs, key, value, headers)) throw this.#tooLarge(queue);
    // Only now, so that a record that is refused has changed nothing.
    if (open !== null) this.close(open);
    queue.waiting.push(batch);
    this.#insertByAge(batch);
    batch.group.open++;
    this.bufferedBytes += batchHeaderBytes;
    if (!this.#goAtOnce) this.#lingering.push(batch);
    // It may be the record that ends all lingers.
    this.#count(batch);
    // Whoever hears of it may call produce(), flush() or close() at once: everything is counted by now.
    if (this.#goAtOnce) this.makeDue(batch);
    else if (!batch.isDue) this.#events.lingering();
    this.appendedAt = 0;
    return batch;
  }

  #count(batch: Batch): void {
    const size = batch.builder.sizeBytes;
    const added = size - batch.sizeBytes;
    this.bufferedBytes += added;
    this.acceptedWork += added + workPerRecord;
    batch.sizeBytes = size;
    if (added > batch.largestBytes) batch.largestBytes = added;
    this.unsettled++;
    this.unsent++;
    if (!this.#goAtOnce && (this.unsent >= this.#settings.batchSize || this.isFull)) this.endLingers();
    if (size >= this.#settings.batchBytes) this.close(batch);
  }

  #open(queue: PartitionQueue, recordBytes: number, nowMs: number, group: FlushGroup): Batch {
    const { batchBytes, maxRequestBytes, checksum } = this.#settings;
    const limitBytes = Math.min(
      Math.max(Math.min(batchBytes, queue.topic.limitBytes), batchHeaderBytes + recordBytes),
      maxRequestBytes - requestOverheadBytes,
    );
    const options: RecordBatchBuilderOptions = { limitBytes, checksum };
    const buffer = this.pool.take(Math.max(queue.lastSizeBytes, batchHeaderBytes + recordBytes));
    if (buffer !== null) options.buffer = buffer;
    return new Batch(queue, group, new RecordBatchBuilder(options), nowMs);
  }

  #tooLarge(queue: PartitionQueue): DeliveryError {
    const { maxRequestBytes } = this.#settings;
    return new DeliveryError(
      'MESSAGE_TOO_LARGE',
      `a record for topic "${queue.topic.name}" is too large for maxRequestBytes (${maxRequestBytes})`,
      {
        persisted: 'no',
        topic: queue.topic.name,
        partition: queue.index,
        hint: "Send less in one record, or raise maxRequestBytes here and the topic's max.message.bytes.",
      },
    );
  }

  /** Nearly always at the end: only records that waited are older than what is there. */
  #insertByAge(batch: Batch): void {
    const batches = this.#byAge;
    let at = batches.length;
    while (at > 0 && batches[at - 1]!.acceptedAtMs > batch.acceptedAtMs) at--;
    if (at === batches.length) batches.push(batch);
    else batches.splice(at, 0, batch);
    // Settled batches behind one that is stuck would pile up.
    if (batches.length > 256 && batches.length > this.#compactAt) {
      this.#byAge = batches.filter((each) => !each.isSettled);
      this.#compactAt = this.#byAge.length * 2;
    }
  }
}
