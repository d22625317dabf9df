import { decodeResponseAs, ProduceRequest, ProduceResponse } from '@kiel/codec/client';
import type { Accumulator } from './accumulator.ts';
import { newestCommon } from './api-versions.ts';
import type { Batch } from './batch.ts';
import { timeoutOf, tooOldFor } from './batch-errors.ts';
import type { BatchWriter } from './batch-writer.ts';
import type { BrokerLink } from './broker-link.ts';
import type { Cluster } from './cluster.ts';
import type { Connection } from './connection.ts';
import { BrokerError, type ConnectionError, type DeliveryError, KafkaError } from './errors.ts';
import type { Network } from './network.ts';
import type { Settings } from './options.ts';
import type { Identity, PartitionQueue } from './partition-queue.ts';
import type { Clock, Random } from './ports.ts';
import { byTopic, matchAnswers } from './produce-request.ts';
import { type SequenceEvents, Sequences } from './sequences.ts';
import { Settlement, type SettlementEvents } from './settlement.ts';
import type { TransactionGate } from './transactions.ts';
import { type TurnEvents, Turns } from './turns.ts';
import { Verdict, type VerdictEvents } from './verdict.ts';

export interface SenderEvents extends TurnEvents, SequenceEvents, SettlementEvents, VerdictEvents {
  /** Nothing is due and nothing is in flight, for the first time since the last drain. */
  quiet(): void;
  identityWanted(): void;
  /** A Produce request was written. */
  shipped(batches: readonly Batch[], sentAtMs: number): void;
  /** A Produce request came back, one that was written at this moment; the broker asks for so long a pause. */
  answered(link: BrokerLink, sentAtMs: number, throttleMs: number): void;
}

export interface SenderParts {
  readonly accumulator: Accumulator;
  readonly cluster: Cluster;
  readonly network: Network;
  readonly writer: BatchWriter;
  readonly clock: Clock;
  readonly random: Random;
  /** Null without transactions. */
  readonly transactions: TransactionGate | null;
}

/** One Produce request on its way, and what it carries. */
interface Shipment {
  readonly link: BrokerLink;
  readonly batches: Batch[];
  readonly version: number;
  /** By the monotonic clock; 0 before. */
  sentAtMs: number;
}

/**
 * Carries batches from their queues to the brokers, and answers back. It sends whatever is due and allowed when it
 * is told to drain; the rules of what a partition may send are the queue's, and what an error means is in the table.
 */
export class Sender {
  readonly #settings: Settings;
  readonly #parts: SenderParts;
  readonly #events: SenderEvents;
  readonly #turns: Turns;
  readonly #sequences: Sequences;
  readonly #settlement: Settlement;
  readonly #verdict: Verdict;
  #inFlightRequests = 0;

  constructor(settings: Settings, parts: SenderParts, events: SenderEvents) {
    this.#settings = settings;
    this.#parts = parts;
    this.#events = events;
    const { accumulator, cluster, writer, clock, random } = parts;
    const turns = new Turns(settings, clock, random, events);
    const sequences = new Sequences(settings.idempotent, turns, events);
    const settlement = new Settlement({ accumulator, writer, turns, sequences }, settings.requiredAcks !== 0, events);
    const isTransactional = parts.transactions !== null;
    this.#turns = turns;
    this.#sequences = sequences;
    this.#settlement = settlement;
    this.#verdict = new Verdict({ accumulator, cluster, settlement, sequences, turns, isTransactional }, events);
  }

  /** Nothing is due, and nothing is in flight. */
  get isQuiet(): boolean {
    return this.#inFlightRequests === 0 && this.#parts.accumulator.due === 0;
  }

  get inFlightRequests(): number {
    return this.#inFlightRequests;
  }

  /** When the next partition may be tried again; Infinity if none waits. */
  get nextRetryAtMs(): number {
    return this.#turns.nextRetryAtMs;
  }

  /** A partition with something due has no leader that can be reached: only news of the cluster helps. */
  get isStuck(): boolean {
    for (const batch of this.#parts.accumulator.batches()) {
      const { queue } = batch;
      if (batch.isDue && !batch.isInFlight && (queue.leader === null || queue.leader.isFailing)) return true;
    }
    return false;
  }

  /** A partition has got something due, or may send again. */
  enlist(queue: PartitionQueue): void {
    this.#turns.enlist(queue);
  }

  /** Sends what is due and allowed. */
  drain(): void {
    const nowMs = this.#parts.clock.now();
    this.#turns.resume(nowMs);
    const { links } = this.#turns;
    for (const link of links) {
      links.delete(link);
      this.#drainLink(link, nowMs);
    }
    if (this.isQuiet) this.#events.quiet();
  }

  /** A connection stands, or takes bytes again. */
  linkReady(link: BrokerLink): void {
    this.#turns.linkReady(link);
  }

  /** A new id or epoch: partitions that waited for it begin anew. */
  adopt(identity: Identity): void {
    this.#sequences.adopt(identity);
    this.#enlistAll();
  }

  /** The brokers know nothing of ids. */
  giveUpIdempotence(): void {
    this.#sequences.isIdempotent = false;
    this.#enlistAll();
  }

  /** Fails what has not been settled in time; gives the moment of the next one, Infinity if there is none. */
  expire(nowMs: number): number {
    const { accumulator } = this.#parts;
    const { deliveryTimeoutMs } = this.#settings;
    for (;;) {
      const oldest = accumulator.oldest();
      if (oldest === undefined) return Number.POSITIVE_INFINITY;
      const deadlineMs = oldest.acceptedAtMs + deliveryTimeoutMs;
      if (deadlineMs > nowMs) return deadlineMs;
      this.#settlement.giveUp(oldest, timeoutOf(oldest, deliveryTimeoutMs, this.#parts.cluster.failure));
    }
  }

  /** Fails everything that is not settled. */
  failAll(errorFor: (batch: Batch) => DeliveryError): void {
    for (const batch of [...this.#parts.accumulator.batches()]) {
      // Whoever hears of one may end the producer, and with it the others.
      if (!batch.isSettled) this.#settlement.giveUp(batch, errorFor(batch));
    }
  }

  /** Fails what waits for this broker. */
  failLedBy(link: BrokerLink, errorFor: (batch: Batch) => DeliveryError): void {
    for (const batch of [...this.#parts.accumulator.batches()]) {
      if (batch.queue.leader === link && !batch.isSettled) this.#settlement.giveUp(batch, errorFor(batch));
    }
  }

  /** Records of a batch that waits were taken back; with the last one it goes. */
  cancelled(batch: Batch): void {
    if (batch.isSettled || batch.cancelled === null || batch.cancelled.size < batch.count) return;
    this.#settlement.dropCancelled(batch);
    this.#events.wake();
  }

  #enlistAll(): void {
    for (const batch of this.#parts.accumulator.batches()) this.#turns.enlist(batch.queue);
  }

  #drainLink(link: BrokerLink, nowMs: number): void {
    if (link.ready.size === 0) return;
    const { connection } = link;
    if (connection === null || !link.isReady) {
      link.wake();
      return;
    }
    const most = this.#settings.maxInFlight;
    while (link.ready.size > 0 && link.inFlight < most && !connection.isBlocked) {
      const shipment = this.#load(link, connection, nowMs);
      if (shipment === null) return;
      this.#ship(shipment, connection);
    }
  }

  /** Takes batches for one request, a partition's turn after the other's. */
  #load(link: BrokerLink, connection: Connection, nowMs: number): Shipment | null {
    const { writer, transactions } = this.#parts;
    const version = newestCommon(connection.versions!, ProduceRequest, transactions?.mostProduceVersion);
    if (version < 0) {
      this.#events.fatal(
        new KafkaError('UNSUPPORTED_VERSION', `${link.name} takes no Produce request that is known here`),
      );
      return null;
    }
    const { isIdempotent, identity: ours } = this.#sequences;
    if (isIdempotent && ours === null) {
      this.#events.identityWanted();
      return null;
    }
    const { maxRequestBytes, maxInFlight } = this.#settings;
    // Where idempotence was wanted and brokers are too old for it, order is kept by patience.
    const isOrdered = this.#settings.idempotent || maxInFlight === 1;
    const identity = isIdempotent ? ours : null;
    const batches: Batch[] = [];
    // Names, numbers and lengths around the batches.
    let bytes = 256;
    let turns = link.ready.size;
    for (const queue of link.ready) {
      if (turns-- === 0) break;
      link.ready.delete(queue);
      if (queue.leader !== link) {
        this.#turns.enlist(queue);
        continue;
      }
      const batch = queue.next(nowMs, isOrdered, identity, !isIdempotent && isOrdered);
      if (batch === null) {
        if (queue.retryAtMs > nowMs) this.#turns.pause(queue);
        continue;
      }
      if (transactions?.admits(queue, version) === false) continue;
      if (batch.cancelled !== null && this.#settlement.dropCancelled(batch)) continue;
      if (this.#refuseForOldBroker(batch, version)) continue;
      if (!batch.isClosed) this.#close(batch);
      const size = writer.prepare(batch);
      // Its compression runs beside; the partition is enlisted again when it is done.
      if (size < 0) continue;
      const cost = size + 64 + queue.topic.name.length;
      if (batches.length > 0 && bytes + cost > maxRequestBytes) {
        link.ready.add(queue);
        break;
      }
      bytes += cost;
      queue.take(batch, link, identity);
      this.#parts.accumulator.sent(batch);
      batches.push(batch);
      if (queue.hasDue) link.ready.add(queue);
    }
    return batches.length === 0 ? null : { link, batches, version, sentAtMs: 0 };
  }

  /** @returns whether the batch, or some of its records, cannot be told to a broker so old, and failed. */
  #refuseForOldBroker(batch: Batch, version: number): boolean {
    const { queue, withHeaders } = batch;
    if (version < 7 && this.#settings.compression === 'zstd') {
      const hint = 'Use another compression, or brokers of 2.1 and later.';
      const code = 'UNSUPPORTED_COMPRESSION_TYPE';
      this.#settlement.giveUp(batch, tooOldFor(batch, code, 'the broker is too old for zstd', hint));
      return true;
    }
    if (version >= 3 || withHeaders === null) return false;
    const hint = 'Leave out the headers, or use brokers of 0.11 and later.';
    const code = 'UNSUPPORTED_FOR_MESSAGE_FORMAT';
    const error = tooOldFor(batch, code, 'the broker is too old for headers', hint);
    this.#settlement.failRecords(batch, new Map([...withHeaders].map((index) => [index, error])));
    this.#turns.enlist(queue);
    return true;
  }

  /** No more records for a batch that leaves: the next ones choose their partition anew. */
  #close(batch: Batch): void {
    batch.isClosed = true;
    const { topic } = batch.queue;
    if (topic.sticky === batch.queue) topic.sticky = null;
  }

  #ship(shipment: Shipment, connection: Connection): void {
    const { link, batches } = shipment;
    const { requiredAcks, ackTimeout } = this.#settings;
    const { writer, transactions } = this.#parts;
    let { version } = shipment;
    // Version 13 names topics by their ids alone.
    if (version >= 13 && batches.some(({ queue }) => queue.topic.id === null)) version = 12;
    if (transactions !== null) transactions.shipped();
    const body = {
      ...(transactions === null ? {} : { transactionalId: transactions.transactionalId }),
      acks: requiredAcks,
      timeoutMs: ackTimeout,
      topicData: byTopic(batches, (batch) => writer.seal(batch, version)),
    };
    if (requiredAcks === 0) {
      connection.send(ProduceRequest, version, body, null, batches);
      this.#events.shipped(batches, connection.usedAtMs);
      for (const batch of batches) this.#settlement.assume(batch);
      return;
    }
    link.inFlight++;
    this.#inFlightRequests++;
    const request = {
      apiName: 'Produce',
      answered: (frame: Uint8Array) => this.#answered({ ...shipment, version }, frame),
      failed: (error: ConnectionError) => this.#lost(shipment, error),
    };
    connection.send(ProduceRequest, version, body, request, batches);
    this.#events.shipped(batches, connection.usedAtMs);
    shipment.sentAtMs = connection.usedAtMs;
  }

  #answered(shipment: Shipment, frame: Uint8Array): void {
    const { link, version, batches } = shipment;
    const { body } = decodeResponseAs(ProduceResponse, frame, version);
    link.inFlight--;
    this.#inFlightRequests--;
    this.#events.answered(link, shipment.sentAtMs, body.throttleTimeMs);
    const left = matchAnswers(batches, body, version, (batch, answer) =>
      this.#verdict.apply(batch, link, answer, body.nodeEndpoints),
    );
    // An answer that says nothing of a batch is as good as none.
    for (const batch of left) {
      const error = new BrokerError(-1, `${link.name} answered without a word on this batch`);
      this.#settlement.takeBack(batch, error, true, true);
    }
    const { network } = this.#parts;
    if (version >= 6) network.throttle(link, body.throttleTimeMs);
    network.settle(link);
    if (link.ready.size > 0) this.#turns.links.add(link);
    this.#events.wake();
  }

  #lost(shipment: Shipment, error: ConnectionError): void {
    shipment.link.inFlight--;
    this.#inFlightRequests--;
    for (const batch of shipment.batches) this.#settlement.takeBack(batch, error, true, true);
    this.#events.metadataStale();
    this.#events.wake();
  }
}
