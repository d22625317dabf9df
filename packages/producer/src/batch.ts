import type { Compression, RecordBatchBuilder, RecordBytes, RecordHeaders } from '@kiel/codec/client';
import { DeliveryReport, News, type Place } from './delivery.ts';
import type { DeliveryError, Persisted } from './errors.ts';
import type { FlushGroup } from './flush-group.ts';
import type { PartitionQueue } from './partition-queue.ts';

/** Broker's timestamps: there is none, and the record's own holds; or the log has no place for any. */
const ownTime = -1;
const noTime = -2;

/** What became of a run of records of one batch. */
interface Outcome {
  /** The run: indexes `from` to `to - 1`. */
  readonly from: number;
  readonly to: number;
  /** Offset of the record at `from`; -1n if unknown. */
  readonly offset: bigint;
  /** The broker's own timestamp for all of them, or one of the two above. */
  readonly appendTimeMs: number;
  readonly error: DeliveryError | null;
  /** The record that was asked for last, and its offset: the next one's is one more, without making a bigint of it. */
  lastIndex: number;
  lastOffset: bigint;
}

/** Told of each failed record that nobody awaits. */
export type UnawaitedFailure = (batch: Batch, index: number, error: DeliveryError) => void;

/** Records of one partition that travel together. Deliveries point into it by index; it does not point back. */
export class Batch implements Place {
  readonly queue: PartitionQueue;
  /** Whose settlement a flush() waits for. */
  readonly group: FlushGroup;
  readonly builder: RecordBatchBuilder;
  /** Monotonic time of the first record's produce(). */
  readonly acceptedAtMs: number;
  count: number;
  /** Bytes counted against `bufferBytes`. */
  sizeBytes: number;
  /** Of its largest record. */
  largestBytes = 0;
  /** Waiting for company gains nothing any more. */
  isDue = false;
  /** No record may join. */
  isClosed = false;
  isInFlight = false;
  isSettled = false;
  /** The batch as it goes over the wire but for its header; null until it is drained. */
  compressed: Uint8Array | null = null;
  compression: Compression = 'none';
  isCompressing = false;
  /** It was sent in a format without timestamps. */
  isTimeless = false;
  /** Who sends it and as which number: assigned when it is first drained, and kept until it is settled. */
  producerId = -1n;
  producerEpoch = -1;
  sequence = -1;
  /** Which batch of its partition it is, among those that were given numbers. */
  ordinal = -1;
  /** Which of the topics by its topic's name it was sent to last. */
  incarnation = 0;
  /** Times it was written to a socket. */
  attempts = 0;
  /** An earlier attempt may have reached the log: its answer was lost, or did not exclude it. */
  isUncertain = false;
  /** What went wrong last, for the error in the end. */
  lastFailure: Error | null = null;
  /** Records with headers, which brokers before 0.11 have no place for. */
  withHeaders: Set<number> | null = null;
  /** Cancelled while it waited; taken out before it is sent. */
  cancelled: Set<number> | null = null;

  #lastTimeMs = -1;
  /** Pairs of index and timestamp, wherever the timestamp is not that of the record before. */
  #times: number[] = [];
  readonly #news = new News();
  /** Somebody asked for the outcome of all records before this one. */
  #claimedTo = 0;
  /** And of these. */
  #claims: Set<number> | null = null;
  #outcomes: Outcome[] | null = null;
  /** A part of another batch holds some of its records: the deliveries still point to that one. */
  readonly #origin: Batch | null;
  /** Where each record of a part was in the origin, in order. */
  readonly #places: readonly number[] | null;

  constructor(
    queue: PartitionQueue,
    group: FlushGroup,
    builder: RecordBatchBuilder,
    acceptedAtMs: number,
    origin: Batch | null = null,
    places: readonly number[] | null = null,
  ) {
    this.queue = queue;
    this.group = group;
    this.builder = builder;
    this.acceptedAtMs = acceptedAtMs;
    this.sizeBytes = builder.sizeBytes;
    this.count = builder.count;
    this.#origin = origin;
    this.#places = places;
  }

  /** Whether the log may hold it, as far as anybody knows. */
  get persisted(): Persisted {
    return this.isUncertain || this.isInFlight ? 'possibly' : 'no';
  }

  /** Sequence number of the record after its last one. */
  get nextSequence(): number {
    return wrapSequence(this.sequence + this.count);
  }

  /** Appends one record, or returns false, having done nothing, when there is no room for it. */
  tryAppend(timestampMs: number, key: RecordBytes, value: RecordBytes, headers: RecordHeaders | undefined): boolean {
    if (!this.builder.tryAppend(timestampMs, key, value, headers)) return false;
    if (timestampMs !== this.#lastTimeMs) {
      this.#times.push(this.count, timestampMs);
      this.#lastTimeMs = timestampMs;
    }
    if (headers !== undefined && headers.length > 0) {
      if (this.withHeaders === null) this.withHeaders = new Set();
      this.withHeaders.add(this.count);
    }
    this.count++;
    return true;
  }

  claim(index: number): void {
    if (index === this.#claimedTo) this.#claimedTo++;
    else if (this.#claims === null) this.#claims = new Set([index]);
    else this.#claims.add(index);
  }

  newsOf(index: number): Promise<void> {
    return this.#outcomeAt(index) === null ? this.#news.coming : News.none;
  }

  outcomeOf(index: number): DeliveryReport | DeliveryError | null {
    const outcome = this.#outcomeAt(index);
    if (outcome === null) return null;
    return outcome.error ?? this.#report(outcome, index);
  }

  /** A batch of some of its records, under another builder; deliveries go on pointing here. */
  part(builder: RecordBatchBuilder, indexes: readonly number[]): Batch {
    const origin = this.#origin ?? this;
    const places = this.#places === null ? indexes : indexes.map((index) => this.#places![index]!);
    const part = new Batch(this.queue, this.group, builder, this.acceptedAtMs, origin, places);
    part.isDue = true;
    part.isClosed = true;
    part.lastFailure = this.lastFailure;
    part.largestBytes = this.largestBytes;
    return part;
  }

  /** All its records are stored, from this offset on. */
  succeed(baseOffset: bigint, appendTimeMs: number): void {
    this.#settle(baseOffset, this.isTimeless ? noTime : appendTimeMs, null, null);
  }

  /** All its records failed; `errorOf` gives single ones an error of their own. */
  fail(
    error: DeliveryError,
    onUnawaited: UnawaitedFailure,
    errorOf: ReadonlyMap<number, DeliveryError> | null = null,
  ): void {
    if (errorOf === null) {
      this.#settle(-1n, -1, error, onUnawaited);
      return;
    }
    this.isSettled = true;
    const origin = this.#origin ?? this;
    for (let i = 0; i < this.count; i++) {
      const at = this.#places === null ? i : this.#places[i]!;
      origin.#record(failureOf(at, errorOf.get(i) ?? error), onUnawaited);
    }
  }

  /** One record failed, and the batch goes on without it. */
  failPart(index: number, error: DeliveryError, onUnawaited: UnawaitedFailure): void {
    const at = this.#places === null ? index : this.#places[index]!;
    (this.#origin ?? this).#record(failureOf(at, error), onUnawaited);
  }

  /**
   * The caller takes a record back: its delivery fails now, and the record goes unless the batch was sent already.
   *
   * @returns whether the batch has to be sent without it.
   */
  cancel(index: number, errorFor: (persisted: Persisted) => DeliveryError, onUnawaited: UnawaitedFailure): boolean {
    if (this.#outcomeAt(index) !== null) return false;
    const isWaiting = this.attempts === 0 && !this.isSettled;
    const error = errorFor(isWaiting ? 'no' : 'possibly');
    const isAwaited = this.#isClaimed(index);
    // Before anybody hears of it: he may end the producer, and this record has failed already.
    if (this.cancelled === null) this.cancelled = new Set();
    this.cancelled.add(index);
    this.#record(failureOf(index, error), null);
    if (!isAwaited) onUnawaited(this, index, error);
    return isWaiting;
  }

  #settle(offset: bigint, appendTimeMs: number, error: DeliveryError | null, sink: UnawaitedFailure | null): void {
    this.isSettled = true;
    const places = this.#places;
    if (this.#origin === null || places === null) {
      this.#record(outcomeOfRun(0, this.count, offset, appendTimeMs, error), sink);
      return;
    }
    for (let first = 0; first < places.length; ) {
      let next = first + 1;
      while (next < places.length && places[next] === places[next - 1]! + 1) next++;
      const runOffset = offset === -1n ? -1n : offset + BigInt(first);
      this.#origin.#record(outcomeOfRun(places[first]!, places[next - 1]! + 1, runOffset, appendTimeMs, error), sink);
      first = next;
    }
  }

  #record(outcome: Outcome, onUnawaited: UnawaitedFailure | null): void {
    if (this.#outcomes === null) this.#outcomes = [outcome];
    else this.#outcomes.push(outcome);
    this.#news.tell();
    const { from, to, error } = outcome;
    if (error === null || onUnawaited === null) return;
    for (let i = from; i < to; i++) {
      if (!this.#isClaimed(i) && this.cancelled?.has(i) !== true) onUnawaited(this, i, error);
    }
  }

  #isClaimed(index: number): boolean {
    return index < this.#claimedTo || this.#claims?.has(index) === true;
  }

  #outcomeAt(index: number): Outcome | null {
    const outcomes = this.#outcomes;
    if (outcomes === null) return null;
    for (let i = 0; i < outcomes.length; i++) {
      const outcome = outcomes[i]!;
      if (index >= outcome.from && index < outcome.to) return outcome;
    }
    return null;
  }

  #report(outcome: Outcome, index: number): DeliveryReport {
    const { appendTimeMs } = outcome;
    const timestampMs = appendTimeMs === ownTime ? this.#timestampOf(index) : Math.max(-1, appendTimeMs);
    return new DeliveryReport(this.queue.topic.name, this.queue.index, offsetOf(outcome, index), timestampMs);
  }

  #timestampOf(index: number): number {
    const times = this.#times;
    // The last pair that begins at this index or before.
    let low = 0;
    let high = times.length >> 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (times[middle * 2]! > index) high = middle;
      else low = middle;
    }
    return times[low * 2 + 1] ?? -1;
  }
}

function outcomeOfRun(
  from: number,
  to: number,
  offset: bigint,
  appendTimeMs: number,
  error: DeliveryError | null,
): Outcome {
  return { from, to, offset, appendTimeMs, error, lastIndex: from, lastOffset: offset };
}

function failureOf(index: number, error: DeliveryError): Outcome {
  return outcomeOfRun(index, index + 1, -1n, -1, error);
}

function offsetOf(outcome: Outcome, index: number): bigint {
  if (outcome.offset === -1n) return -1n;
  if (index !== outcome.lastIndex) {
    outcome.lastOffset =
      index === outcome.lastIndex + 1
        ? BigInt.asIntN(64, outcome.lastOffset + 1n)
        : outcome.offset + BigInt(index - outcome.from);
    outcome.lastIndex = index;
  }
  return outcome.lastOffset;
}

/** Sequence numbers go from 2^31-1 to 0. */
export function wrapSequence(sequence: number): number {
  return sequence > 0x7fff_ffff ? sequence - 0x8000_0000 : sequence;
}
