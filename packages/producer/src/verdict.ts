import type { ProduceResponse, ProduceResponsePartitionProduceResponse } from '@kiel/codec/client';
import type { Accumulator } from './accumulator.ts';
import type { Batch } from './batch.ts';
import { refusalOf } from './batch-errors.ts';
import type { BrokerLink } from './broker-link.ts';
import type { Cluster } from './cluster.ts';
import { treatmentOf } from './error-treatment.ts';
import { BrokerError, type KafkaError } from './errors.ts';
import { rejectedRecords } from './record-errors.ts';
import type { Sequences } from './sequences.ts';
import type { Settlement } from './settlement.ts';
import type { Turns } from './turns.ts';

export interface VerdictParts {
  readonly accumulator: Accumulator;
  readonly cluster: Cluster;
  readonly settlement: Settlement;
  readonly sequences: Sequences;
  readonly turns: Turns;
  readonly isTransactional: boolean;
}

export interface VerdictEvents {
  /** A batch was too large and goes on as parts. */
  split(batch: Batch): void;
  metadataStale(): void;
  /** Sequences must begin anew under a new epoch, or, with `renew`, under a new id. */
  restartWanted(renew: boolean): void;
  /** Nothing can be produced any more. */
  fatal(error: KafkaError): void;
}

/** What a broker's answer means for a batch: the table of errors says how it is treated, and this does it. */
export class Verdict {
  readonly #parts: VerdictParts;
  readonly #events: VerdictEvents;

  constructor(parts: VerdictParts, events: VerdictEvents) {
    this.#parts = parts;
    this.#events = events;
  }

  apply(
    batch: Batch,
    link: BrokerLink,
    answer: ProduceResponsePartitionProduceResponse,
    endpoints: ProduceResponse['nodeEndpoints'],
  ): void {
    const { queue } = batch;
    const { cluster, settlement } = this.#parts;
    const { errorCode } = answer;
    if (errorCode === 0) {
      settlement.stored(batch, link, answer.baseOffset, answer.logAppendTimeMs);
      return;
    }
    const error = new BrokerError(errorCode, `${link.name}, ${queue.topic.name}-${queue.index}`, answer.errorMessage);
    const { treatment, persisted } = treatmentOf(errorCode);
    const isUncertain = persisted === 'possibly';
    switch (treatment) {
      case 'succeed':
        // Only what an earlier attempt may have stored can be there; else its numbers are taken by something else.
        if (batch.isUncertain) settlement.stored(batch, link, answer.baseOffset, -1n);
        else this.#resequence(batch, error, answer);
        return;
      case 'retry':
        settlement.takeBack(batch, error, isUncertain, true);
        return;
      case 'refresh':
      case 'rebootstrap':
        if (cluster.takeHint(queue, answer.currentLeader, endpoints)) {
          settlement.takeBack(batch, error, isUncertain, false);
          return;
        }
        if (queue.leader === link) cluster.loseLeader(queue);
        settlement.takeBack(batch, error, isUncertain, true);
        this.#events.metadataStale();
        return;
      case 'split':
        this.#split(batch, error);
        return;
      case 'resequence':
        this.#resequence(batch, error, answer);
        return;
      case 'failProducer':
      case 'fence':
        settlement.refuse(batch, error);
        this.#events.fatal(error);
        return;
      default:
        if (isUncertain) batch.isUncertain = true;
        this.#refuse(batch, error, answer);
    }
  }

  /** The broker and we disagree on sequence numbers. */
  #resequence(batch: Batch, error: BrokerError, answer: ProduceResponsePartitionProduceResponse): void {
    const { errorCode, logStartOffset } = answer;
    const { queue } = batch;
    const { settlement, sequences, isTransactional } = this.#parts;
    if (!sequences.isIdempotent || batch.sequence < 0) {
      settlement.refuse(batch, error);
      return;
    }
    // Behind an older batch that has yet to get there, this is no wonder.
    const isOldest = queue.unsettled[0] === batch;
    if (isOldest && isTransactional) {
      // Beginning anew would leave what was stored of the transaction behind: it has to be aborted first.
      batch.isUncertain = false;
      settlement.refuse(batch, error);
      return;
    }
    if (isOldest && sequences.belongs(batch)) {
      if (errorCode === 47) this.#events.restartWanted(true);
      // 59 from a log that holds everything since its beginning: there is nothing of this producer in it.
      if (errorCode === 59 && logStartOffset === 0n) batch.isUncertain = false;
      if (errorCode !== 45 && batch.isUncertain) {
        this.#giveUpUncertain(batch, error);
        return;
      }
      // A broker that still counts (45) would have recognised what it has stored. So this batch was not stored, and
      // nothing after it: all may get new numbers.
      queue.breakAt(batch);
      batch.isUncertain = false;
    }
    settlement.takeBack(batch, error, false, true);
  }

  /**
   * The broker has forgotten what this producer sent, or takes it for somebody else, and an earlier attempt may have
   * been stored: under new numbers nobody would notice a second copy. What may be there fails as such; the
   * application alone knows whether twice is worse than not at all.
   */
  #giveUpUncertain(batch: Batch, error: BrokerError): void {
    const { queue } = batch;
    const { settlement, sequences } = this.#parts;
    queue.forgottenBy = error;
    queue.breakAt(batch);
    settlement.takeBack(batch, error, true, true);
    for (const each of [...queue.unsettled]) {
      if (each.isUncertain && !each.isInFlight && !each.isSettled) settlement.giveUp(each, refusalOf(each, error));
    }
    sequences.landed(queue);
  }

  #split(batch: Batch, error: BrokerError): void {
    const { accumulator, settlement, sequences, turns } = this.#parts;
    const { queue } = batch;
    // What may be stored as a whole is not sent in parts, which no broker would recognise.
    if (batch.count < 2 || batch.isSettled || (sequences.isIdempotent && batch.isUncertain)) {
      settlement.refuse(batch, error);
      return;
    }
    this.#events.split(batch);
    queue.land(batch);
    accumulator.returned(batch);
    const halves = batch.builder.split();
    queue.topic.limitBytes = Math.max(1024, Math.min(queue.topic.limitBytes, batch.builder.sizeBytes >> 1));
    let from = 0;
    let { sequence } = batch;
    const parts = halves.map((builder) => {
      const first = from;
      from += builder.count;
      const part = batch.part(
        builder,
        Array.from({ length: builder.count }, (_, i) => first + i),
      );
      part.isUncertain = batch.isUncertain;
      part.lastFailure = error;
      if (sequence >= 0) {
        part.producerId = batch.producerId;
        part.producerEpoch = batch.producerEpoch;
        part.sequence = sequence;
        part.ordinal = batch.ordinal;
        sequence = part.nextSequence;
      }
      return part;
    });
    accumulator.divide(batch, parts);
    turns.enlist(queue);
  }

  /** Refused for good: the whole batch, or only the records that the broker names (KIP-467). */
  #refuse(batch: Batch, error: BrokerError, answer: ProduceResponsePartitionProduceResponse): void {
    const { queue } = batch;
    const { accumulator, settlement, sequences, isTransactional } = this.#parts;
    const isWhole = batch.isSettled || (sequences.isIdempotent && batch.isUncertain);
    const errors = isWhole ? null : rejectedRecords(batch, error, answer);
    if (errors === null || errors.size === batch.count || isTransactional) {
      settlement.refuse(batch, error, errors);
      return;
    }
    // Nothing of the batch was stored. The others are innocent: they go again without the ones named.
    queue.land(batch);
    accumulator.returned(batch);
    settlement.failRecords(batch, errors);
    if (batch.sequence >= 0) queue.breakAt(batch);
    sequences.landed(queue);
  }
}
