import type { Accumulator } from './accumulator.ts';
import type { Batch } from './batch.ts';
import { refusalOf } from './batch-errors.ts';
import type { BatchWriter } from './batch-writer.ts';
import type { BrokerLink } from './broker-link.ts';
import type { BrokerError, DeliveryError, KafkaError } from './errors.ts';
import type { Sequences } from './sequences.ts';
import type { Topic } from './topic.ts';
import type { Turns } from './turns.ts';

export interface SettlementEvents {
  delivered(batch: Batch, baseOffset: bigint): void;
  failed(topic: Topic, error: DeliveryError): void;
  /** So many records were not delivered, whether somebody awaits them or not. */
  lost(error: DeliveryError, count: number): void;
  /** It was in flight and has to be sent again. */
  returned(batch: Batch): void;
}

export interface SettlementParts {
  readonly accumulator: Accumulator;
  readonly writer: BatchWriter;
  readonly turns: Turns;
  readonly sequences: Sequences;
}

/**
 * What can become of a batch: stored, sent again, failed, or put in its place without some of its records. Each keeps
 * queue, counts and sequence numbers true; which of them it is to be, others decide.
 */
export class Settlement {
  readonly #parts: SettlementParts;
  readonly #events: SettlementEvents;
  readonly #recycles: boolean;

  /** @param recycles - whether a batch's memory serves again; not where it may still lie in a socket. */
  constructor(parts: SettlementParts, recycles: boolean, events: SettlementEvents) {
    this.#parts = parts;
    this.#recycles = recycles;
    this.#events = events;
  }

  /** Nobody was asked: it counts as delivered when it is written. */
  assume(batch: Batch): void {
    const { queue } = batch;
    queue.land(batch);
    queue.remove(batch);
    this.#succeed(batch, -1n, -1);
    this.#parts.turns.enlist(queue);
  }

  stored(batch: Batch, link: BrokerLink, baseOffset: bigint, logAppendTimeMs: bigint): void {
    const { queue } = batch;
    const { sequences } = this.#parts;
    queue.land(batch);
    queue.remove(batch);
    queue.failures = 0;
    queue.retryAtMs = 0;
    queue.meet(link, batch);
    sequences.closeGap(batch);
    if (!batch.isSettled) {
      // A broker that recognises a resend answers with the batch's greatest timestamp, whoever set it.
      const isOurs = batch.attempts > 1 && Number(logAppendTimeMs) === batch.builder.maxTimestampMs;
      this.#succeed(batch, baseOffset, isOurs ? -1 : Number(logAppendTimeMs));
    }
    sequences.landed(queue);
  }

  /**
   * The batch is in our hands again, to be sent again.
   *
   * @param isUncertain - it may have been stored all the same.
   * @param backsOff - not before a pause.
   */
  takeBack(batch: Batch, error: KafkaError, isUncertain: boolean, backsOff: boolean): void {
    const { queue } = batch;
    const { accumulator, sequences, turns } = this.#parts;
    const wasSettled = batch.isSettled;
    queue.land(batch);
    if (isUncertain) batch.isUncertain = true;
    batch.lastFailure = error;
    if (wasSettled) {
      // Its time had run out while it was on its way.
      queue.remove(batch);
      sequences.leaveGap(batch);
      sequences.landed(queue);
      return;
    }
    if (backsOff) turns.penalize(queue);
    else queue.retryAtMs = 0;
    accumulator.returned(batch);
    this.#events.returned(batch);
    const { forgottenBy } = queue;
    if (batch.isUncertain && forgottenBy !== null) this.giveUp(batch, refusalOf(batch, forgottenBy));
    else sequences.landed(queue);
  }

  /** It was in flight and is refused for good; with `errors`, each record for a reason of its own. */
  refuse(batch: Batch, reason: BrokerError, errors: ReadonlyMap<number, DeliveryError> | null = null): void {
    const { queue } = batch;
    const { accumulator, sequences } = this.#parts;
    queue.land(batch);
    queue.remove(batch);
    sequences.leaveGap(batch);
    if (!batch.isSettled) {
      const error = refusalOf(batch, reason);
      batch.fail(error, this.#unawaited, errors);
      accumulator.settledInFlight(batch);
      this.#events.lost(errors?.values().next().value ?? error, batch.count);
    }
    sequences.landed(queue);
  }

  /** Settles a batch as failed whatever its place. One that is in flight keeps its place until it lands. */
  giveUp(batch: Batch, error: DeliveryError): void {
    const { accumulator, sequences } = this.#parts;
    const { queue } = batch;
    batch.fail(error, this.#unawaited);
    this.#events.lost(error, batch.count);
    if (batch.isInFlight) {
      accumulator.settledInFlight(batch);
      return;
    }
    accumulator.settledWaiting(batch);
    queue.remove(batch);
    if (queue.topic.sticky === queue) queue.topic.sticky = null;
    sequences.leaveGap(batch);
    sequences.landed(queue);
  }

  /** Fails some of the records of a batch that is not in flight, and leaves the rest in its place. */
  failRecords(batch: Batch, errors: ReadonlyMap<number, DeliveryError>): void {
    for (const [index, error] of errors) {
      batch.failPart(index, error, this.#unawaited);
      this.#events.lost(error, 1);
      // Whoever heard of it has ended the producer.
      if (batch.isSettled) return;
    }
    this.#rebuild(batch, (index) => errors.has(index));
  }

  /**
   * Leaves out what the caller took back.
   *
   * @returns whether it was possible: once sent, a batch is sent again as it was.
   */
  dropCancelled(batch: Batch): boolean {
    if (batch.attempts > 0) return false;
    const { cancelled } = batch;
    this.#rebuild(batch, (index) => cancelled!.has(index));
    this.#parts.turns.enlist(batch.queue);
    return true;
  }

  /** Puts a batch without some of its records in its place. */
  #rebuild(batch: Batch, isOut: (index: number) => boolean): void {
    const { accumulator, writer } = this.#parts;
    const kept: number[] = [];
    for (let i = 0; i < batch.count; i++) if (!isOut(i)) kept.push(i);
    const part = kept.length === 0 ? null : batch.part(writer.without(batch, isOut), kept);
    accumulator.forget(batch.count - kept.length);
    accumulator.divide(batch, part === null ? [] : [part]);
  }

  #succeed(batch: Batch, baseOffset: bigint, appendTimeMs: number): void {
    const { accumulator } = this.#parts;
    batch.succeed(baseOffset, appendTimeMs);
    accumulator.settledInFlight(batch);
    this.#events.delivered(batch, baseOffset);
    if (this.#recycles) accumulator.recycle(batch);
  }

  readonly #unawaited = (batch: Batch, _index: number, error: DeliveryError): void => {
    this.#events.failed(batch.queue.topic, error);
  };
}
