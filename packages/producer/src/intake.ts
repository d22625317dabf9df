import { CodecError, type RecordBytes, type RecordHeaders, sizeOfRecord } from '@kiel/codec/client';
import type { Accumulator } from './accumulator.ts';
import { RecordDelivery } from './delivery.ts';
import { treatmentOf } from './error-treatment.ts';
import { BrokerError, BufferFullError, DeliveryError, type KafkaError, toError } from './errors.ts';
import type { PartitionQueue } from './partition-queue.ts';
import type { Partitioner } from './partitioner.ts';
import type { Topic, WaitingRecord } from './topic.ts';
import { WaitingLine } from './waiting-line.ts';

export interface IntakeSettings {
  readonly bufferBytes: number;
  readonly maxBlockMs: number;
  readonly deliveryTimeoutMs: number;
}

export interface IntakeEvents {
  /** A topic or partition is wanted that nobody knows. */
  unknown(topic: Topic): void;
  /** A record waits, and has to be looked at by then. */
  waiting(untilMs: number): void;
  failed(topic: Topic, error: DeliveryError, isAwaited: boolean): void;
  /** Somebody has begun to wait, or may have ended. */
  waits(): void;
  /** Why no more records are taken, to the one that comes too late; null while they are. */
  tooLate(topic: Topic): DeliveryError | null;
  /** Why there is no metadata, as far as known. */
  readonly metadataFailure: Error | null;
}

/** What a waiting record takes beside its bytes, roughly. */
const waitingOverheadBytes = 256;

/** Takes records in: straight into their batch where that is possible, else into a line where they wait their turn. */
export class Intake {
  readonly #accumulator: Accumulator;
  readonly #partitioner: Partitioner;
  readonly #settings: IntakeSettings;
  readonly #events: IntakeEvents;
  /** Records that found no room, first come first served. */
  readonly #line = new WaitingLine();
  #lineBytes = 0;
  /** Records that waited are on their way into batches: what comes meanwhile stands behind them. */
  #isPlacing = false;
  /** Everything was failed while records were on their way, and so are they. */
  #overtaking: ((topic: Topic) => DeliveryError) | null = null;
  #roomWaiters: (() => void)[] = [];
  /** Topics with records that wait for metadata. */
  readonly #topics = new Set<Topic>();

  constructor(accumulator: Accumulator, partitioner: Partitioner, settings: IntakeSettings, events: IntakeEvents) {
    this.#accumulator = accumulator;
    this.#partitioner = partitioner;
    this.#settings = settings;
    this.#events = events;
  }

  /** A record would be taken without waiting for room. */
  get hasRoom(): boolean {
    return this.#line.length === 0 && !this.#accumulator.isFull;
  }

  /** Whether to go on without asking again for a while. */
  get hasAmpleRoom(): boolean {
    return this.#line.length === 0 && !this.#accumulator.isTight;
  }

  /** Records, and callers of `room`, that wait for room. */
  get waitingForRoom(): number {
    return this.#line.length + this.#roomWaiters.length;
  }

  /** Records that wait in line for room in the buffer, some of which may have been taken back. */
  get lineLength(): number {
    return this.#line.length;
  }

  /** Topics that records wait for. */
  get waitingTopics(): ReadonlySet<Topic> {
    return this.#topics;
  }

  /**
   * Takes one record.
   *
   * @param partition - the one asked for, or -1.
   * @param original - the value before it was serialized, for a partitioner of the user's own.
   * @throws whatever the batch's builder refuses; nothing has changed then.
   */
  accept(
    topic: Topic,
    partition: number,
    key: RecordBytes,
    value: RecordBytes,
    headers: RecordHeaders | undefined,
    timestampMs: number,
    nowMs: number,
    original: unknown,
  ): RecordDelivery {
    const accumulator = this.#accumulator;
    // What hasRoom says, in line: this is asked for every record.
    const hasRoom = !accumulator.isFull && this.#line.length === 0;
    if (hasRoom && !this.#isPlacing && topic.isKnown && topic.waiting.length === 0) {
      let queue: PartitionQueue | DeliveryError | null = topic.sticky;
      // Only a partitioner that sticks to a partition leaves one there, and it would choose the same again.
      if (queue === null || key !== null || partition >= 0) {
        queue = this.#queueFor(topic, partition, key, original);
        if (queue instanceof DeliveryError) return this.refuse(topic, queue);
        // A partitioner may have closed the producer.
        const tooLate = queue !== null && this.#partitioner.isForeign ? this.#events.tooLate(topic) : null;
        if (tooLate !== null) return this.refuse(topic, tooLate);
      }
      if (queue !== null) {
        try {
          const { current } = accumulator.groups;
          const batch = accumulator.append(queue, timestampMs, key, value, headers, nowMs, current);
          return new RecordDelivery(batch, accumulator.appendedAt);
        } catch (thrown) {
          if (thrown instanceof DeliveryError) return this.refuse(topic, thrown);
          throw thrown;
        }
      }
    }
    return this.#wait(topic, partition, key, value, headers, timestampMs, nowMs, original);
  }

  /** Resolves when there is room for more than a record or two. */
  room(): Promise<void> {
    if (this.hasAmpleRoom) return Promise.resolve();
    return this.admission();
  }

  /** Resolves when something that waits has been let in or given up, and there is room. */
  admission(): Promise<void> {
    return new Promise((resolve) => {
      this.#roomWaiters.push(resolve);
      this.#events.waits();
    });
  }

  /** Memory came back: whoever waits in line is next. */
  admit(): void {
    // A record that makes its batch due may wake the machine, and that comes back here: the next one would join the
    // batch before the first one knows its place in it.
    if (this.#isPlacing) return;
    this.#isPlacing = true;
    while (!this.#accumulator.isFull) {
      const record = this.#line.shift();
      if (record === undefined) break;
      if (record.isGone) continue;
      this.#lineBytes -= record.sizeBytes;
      this.#place(record);
    }
    this.#isPlacing = false;
    if (this.#roomWaiters.length > 0 && this.#line.length === 0 && this.#accumulator.isRelaxed) {
      const waiters = this.#roomWaiters;
      this.#roomWaiters = [];
      for (const resolve of waiters) resolve();
    }
    this.#events.waits();
  }

  /** There is news of this topic: its records go into batches, or fail if it cannot be used. */
  topicChanged(topic: Topic, failure: KafkaError | null): void {
    const { waiting } = topic;
    if (waiting.length === 0) return;
    this.#isPlacing = true;
    // Those that go on waiting, for a partition that is not there, stand behind the others then.
    for (let left = waiting.length; left > 0; left--) {
      const record = waiting.shift();
      // A callback has ended the producer: all that waited is settled.
      if (record === undefined) break;
      if (record.isGone) continue;
      this.#accumulator.bufferedBytes -= record.sizeBytes;
      if (failure !== null) this.#fail(record, this.#brokerSays(topic, failure));
      else this.#place(record);
    }
    this.#isPlacing = false;
    if (waiting.length === 0) this.#topics.delete(topic);
    this.admit();
  }

  /** Fails what has waited long enough; gives the moment of the next one, Infinity if there is none. */
  expire(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const topic of this.#topics) {
      for (const record of [...topic.waiting.expired(nowMs)]) {
        this.#accumulator.bufferedBytes -= record.sizeBytes;
        this.#fail(record, this.#metadataTimeout(record, nowMs));
      }
      const { first } = topic.waiting;
      if (first === undefined) this.#topics.delete(topic);
      else next = Math.min(next, first.giveUpAtMs);
    }
    for (const record of this.#line.expired(nowMs)) {
      this.#lineBytes -= record.sizeBytes;
      const { bufferBytes } = this.#settings;
      this.#fail(record, new BufferFullError(record.topic.name, bufferBytes, nowMs - record.acceptedAtMs));
    }
    this.admit();
    return Math.min(next, this.#line.first?.giveUpAtMs ?? Number.POSITIVE_INFINITY);
  }

  /** Everything that waits fails. */
  failAll(errorFor: (topic: Topic) => DeliveryError): void {
    const records: WaitingRecord[] = [];
    if (this.#isPlacing) this.#overtaking = errorFor;
    for (let record = this.#line.shift(); record !== undefined; record = this.#line.shift()) records.push(record);
    this.#lineBytes = 0;
    for (const { waiting } of [...this.#topics]) {
      for (let record = waiting.shift(); record !== undefined; record = waiting.shift()) {
        if (!record.isGone) this.#accumulator.bufferedBytes -= record.sizeBytes;
        records.push(record);
      }
    }
    this.#topics.clear();
    for (const record of records) if (!record.isGone) this.#fail(record, errorFor(record.topic));
    for (const resolve of this.#roomWaiters.splice(0)) resolve();
    this.#events.waits();
  }

  /** The caller changed his mind about a record that waits; nothing happens if it does not. */
  cancel(delivery: RecordDelivery, error: DeliveryError): void {
    const record = delivery.waiting;
    if (record === null) return;
    if (record.isInLine) this.#lineBytes -= record.sizeBytes;
    else this.#accumulator.bufferedBytes -= record.sizeBytes;
    this.#fail(record, error);
    if (this.waitingForRoom > 0) this.admit();
  }

  #wait(
    topic: Topic,
    partition: number,
    key: RecordBytes,
    value: RecordBytes,
    headers: RecordHeaders | undefined,
    timestampMs: number,
    nowMs: number,
    original: unknown,
  ): RecordDelivery {
    const { bufferBytes, maxBlockMs, deliveryTimeoutMs } = this.#settings;
    const sizeBytes = sizeOfWaiting(key, value, headers);
    const hasRoom = this.hasRoom;
    const isInLine = this.#isPlacing || !hasRoom;
    // The line is bounded too: it holds as much again as the buffer, and no more.
    if (isInLine && ((maxBlockMs === 0 && !hasRoom) || this.#lineBytes + sizeBytes > bufferBytes)) {
      return this.refuse(topic, new BufferFullError(topic.name, bufferBytes, 0));
    }
    // Refuses now what could not be written later.
    sizeOfRecord(0, 0, key, value, headers);
    const delivery = RecordDelivery.unplaced();
    const group = this.#accumulator.groups.current;
    const waiting: WaitingRecord = {
      topic,
      delivery,
      group,
      // The caller may change his bytes as soon as produce() has returned.
      key: copyOf(key),
      value: copyOf(value),
      headers: headers?.map(([name, bytes]) => [name, copyOf(bytes)] as const),
      timestampMs,
      partition,
      acceptedAtMs: nowMs,
      giveUpAtMs: nowMs + Math.min(maxBlockMs, deliveryTimeoutMs),
      sizeBytes,
      original,
      isInLine,
      isGone: false,
    };
    this.#accumulator.unsettled++;
    this.#accumulator.unsent++;
    group.open++;
    if (isInLine) {
      delivery.waiting = waiting;
      this.#line.push(waiting);
      this.#lineBytes += sizeBytes;
    } else {
      this.#waitForTopic(waiting);
    }
    this.#events.waiting(waiting.giveUpAtMs);
    this.#events.waits();
    return delivery;
  }

  #waitForTopic(record: WaitingRecord): void {
    const { topic } = record;
    record.isInLine = false;
    record.delivery.waiting = record;
    topic.waiting.push(record);
    this.#accumulator.bufferedBytes += record.sizeBytes;
    // Once a topic is waited for, it is asked for again and again until there is news of it.
    if (this.#topics.has(topic)) return;
    this.#topics.add(topic);
    this.#events.unknown(topic);
  }

  /** Puts a record that waited into its batch, or lets it wait for its topic now. */
  #place(record: WaitingRecord): void {
    const { topic, key } = record;
    if (!topic.isKnown) {
      this.#waitForTopic(record);
      return;
    }
    this.#overtaking = null;
    const queue = this.#queueFor(topic, record.partition, key, record.original);
    // A partitioner may have ended the producer.
    const overtaking = this.#overtaking as ((topic: Topic) => DeliveryError) | null;
    if (overtaking !== null) this.#fail(record, overtaking(topic));
    else if (queue === null) this.#waitForTopic(record);
    else if (queue instanceof DeliveryError) this.#fail(record, queue);
    else {
      // Counted here as waiting, and once more by the batch that it joins.
      this.#accumulator.forget(1);
      try {
        this.#accumulator.place(record, queue);
        this.#leaveGroup(record);
      } catch (thrown) {
        this.#accumulator.forget(-1);
        this.#fail(record, asDeliveryError(thrown, topic, queue.index));
      }
    }
  }

  /** Null when the partition asked for does not exist, as far as is known. */
  #queueFor(
    topic: Topic,
    partition: number,
    key: RecordBytes,
    original: unknown,
  ): PartitionQueue | DeliveryError | null {
    if (partition >= 0) return topic.partitions[partition] ?? null;
    try {
      return this.#partitioner.choose(topic, key, original);
    } catch (thrown) {
      // A key that no record can have, rather than a fault of the partitioner. Of those that wait, none has one.
      if (thrown instanceof CodecError && !this.#partitioner.isForeign) throw thrown;
      return new DeliveryError('PARTITIONER_FAILED', `the partitioner failed: ${toError(thrown).message}`, {
        persisted: 'no',
        topic: topic.name,
        partition: -1,
        hint: 'Let it return one of the partitions that it is given.',
        cause: thrown,
      });
    }
  }

  /** A delivery that fails at once. */
  refuse(topic: Topic, error: DeliveryError): RecordDelivery {
    const delivery = RecordDelivery.unplaced();
    // Whoever asks for the outcome does so after this returns.
    delivery.rejectUnplaced(error);
    queueMicrotask(() => this.#events.failed(topic, error, delivery.isClaimed));
    return delivery;
  }

  #fail(record: WaitingRecord, error: DeliveryError): void {
    record.isGone = true;
    this.#accumulator.forget(1);
    const isAwaited = record.delivery.rejectUnplaced(error);
    this.#leaveGroup(record);
    this.#events.failed(record.topic, error, isAwaited);
  }

  #leaveGroup(record: WaitingRecord): void {
    if (--record.group.open === 0) this.#accumulator.groups.settle();
  }

  #brokerSays(topic: Topic, failure: KafkaError): DeliveryError {
    return new DeliveryError(failure.code, `topic "${topic.name}" cannot be used: ${failure.message}`, {
      persisted: 'no',
      topic: topic.name,
      partition: -1,
      hint: "Check the topic's name and this user's rights.",
      cause: failure,
    });
  }

  #metadataTimeout(record: WaitingRecord, nowMs: number): DeliveryError {
    const { topic, partition } = record;
    const waitedMs = Math.round(nowMs - record.acceptedAtMs);
    // What brokers say of the topic, or why none said anything.
    const cause =
      this.#events.metadataFailure ??
      (topic.errorCode === 0 ? undefined : new BrokerError(topic.errorCode, `Metadata of "${topic.name}"`));
    const details = { persisted: 'no', topic: topic.name, retriable: true, cause } as const;
    if (topic.isKnown) {
      const last = topic.partitions.length - 1;
      return new DeliveryError(
        'UNKNOWN_PARTITION',
        `topic "${topic.name}" has partitions 0 to ${last}, and ${partition} did not appear in ${waitedMs} ms`,
        { ...details, partition, hint: 'Choose one of these, or add partitions to the topic.' },
      );
    }
    const said = cause === undefined ? '' : `: ${cause.message}`;
    const { maxBlockMs, deliveryTimeoutMs } = this.#settings;
    const limit = maxBlockMs <= deliveryTimeoutMs ? 'maxBlockMs' : 'deliveryTimeoutMs';
    const hint =
      cause instanceof BrokerError
        ? treatmentOf(cause.errorCode).hint
        : 'Produce it again once a broker answers: it was not sent.';
    return new DeliveryError(
      'METADATA_TIMEOUT',
      `nothing is known of topic "${topic.name}" after ${waitedMs} ms (${limit})${said}`,
      { ...details, partition: -1, hint },
    );
  }
}

function asDeliveryError(thrown: unknown, topic: Topic, partition: number): DeliveryError {
  if (thrown instanceof DeliveryError) return thrown;
  const error = toError(thrown);
  return new DeliveryError('INVALID_RECORD', `a record for topic "${topic.name}" cannot be written: ${error.message}`, {
    persisted: 'no',
    topic: topic.name,
    partition,
    hint: 'See the cause.',
    cause: error,
  });
}

/** Text counts a byte a character: exact for ASCII, and near enough for a bound. */
function sizeOfWaiting(key: RecordBytes, value: RecordBytes, headers: RecordHeaders | undefined): number {
  let size = waitingOverheadBytes + (key?.length ?? 0) + (value?.length ?? 0);
  if (headers !== undefined) for (const [name, bytes] of headers) size += 32 + name.length + (bytes?.length ?? 0);
  return size;
}

function copyOf(bytes: RecordBytes): RecordBytes {
  // Not slice(): of a Buffer it is a view.
  return typeof bytes === 'string' || bytes === null ? bytes : new Uint8Array(bytes);
}
