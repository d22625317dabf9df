import {
  decodeResponseAs,
  ProduceRequest,
  ProduceResponse,
  type ProduceResponsePartitionProduceResponse,
} from '@kiel/codec/client';
import type { Accumulator } from './accumulator.ts';
import { newestCommon } from './api-versions.ts';
import { backoffMs } from './backoff.ts';
import type { Batch } from './batch.ts';
import type { BatchWriter } from './batch-writer.ts';
import type { BrokerLink } from './broker-link.ts';
import type { Cluster } from './cluster.ts';
import type { Connection } from './connection.ts';
import { treatmentOf } from './error-treatment.ts';
import { BrokerError, type ConnectionError, DeliveryError, KafkaError } from './errors.ts';
import type { Network } from './network.ts';
import type { Settings } from './options.ts';
import type { Identity, PartitionQueue } from './partition-queue.ts';
import type { Clock, Random } from './ports.ts';
import { rejectedRecords } from './record-errors.ts';
import type { Topic } from './topic.ts';
import type { TransactionGate } from './transactions.ts';

export interface SenderEvents {
  /** There is something to do, or may be soon: `drain` should be called. */
  wake(): void;
  /** Nothing is due and nothing is in flight, for the first time since the last drain. */
  quiet(): void;
  metadataStale(): void;
  identityWanted(): void;
  /** Sequences must begin anew under a new epoch, or, with `renew`, under a new id. */
  restartWanted(renew: boolean): void;
  delivered(batch: Batch, baseOffset: bigint): void;
  failed(topic: Topic, error: DeliveryError): void;
  /** Records were not delivered, whether somebody awaits them or not. */
  lost(error: DeliveryError): void;
  /** Nothing can be produced any more. */
  fatal(error: KafkaError): void;
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
}

/**
 * Carries batches from their queues to the brokers, and answers back. It sends whatever is due and allowed when it
 * is told to drain; the rules of what a partition may send are the queue's, and what an error means is in the table.
 */
export class Sender {
  readonly #settings: Settings;
  readonly #parts: SenderParts;
  readonly #events: SenderEvents;
  /** Partitions that wait after a failure. */
  readonly #backingOff = new Set<PartitionQueue>();
  /** Partitions whose sequences must begin anew. */
  readonly #restarting = new Set<PartitionQueue>();
  /** Links that have become able to send, or have been given something to. */
  readonly #dirty = new Set<BrokerLink>();
  #inFlightRequests = 0;
  /** Who this producer is; null before it was told, and for good without idempotence. */
  #identity: Identity | null = null;
  /** The identity that a restart was asked for. */
  #restartedFrom: Identity | null = null;
  #isIdempotent: boolean;

  constructor(settings: Settings, parts: SenderParts, events: SenderEvents) {
    this.#settings = settings;
    this.#parts = parts;
    this.#events = events;
    this.#isIdempotent = settings.idempotent;
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
    let next = Number.POSITIVE_INFINITY;
    for (const queue of this.#backingOff) if (queue.retryAtMs < next) next = queue.retryAtMs;
    return next;
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
    if (!queue.hasDue) return;
    const { leader } = queue;
    if (leader === null) {
      this.#events.metadataStale();
      return;
    }
    leader.ready.add(queue);
    this.#dirty.add(leader);
    this.#events.wake();
  }

  /** Sends what is due and allowed. */
  drain(): void {
    const nowMs = this.#parts.clock.now();
    for (const queue of this.#backingOff) {
      if (queue.retryAtMs > nowMs) continue;
      this.#backingOff.delete(queue);
      this.enlist(queue);
    }
    for (const link of this.#dirty) {
      this.#dirty.delete(link);
      this.#drainLink(link, nowMs);
    }
    if (this.isQuiet) this.#events.quiet();
  }

  /** A connection stands, or takes bytes again. */
  linkReady(link: BrokerLink): void {
    if (link.ready.size === 0) return;
    this.#dirty.add(link);
    this.#events.wake();
  }

  /** A new id or epoch: partitions that waited for it begin anew. */
  adopt(identity: Identity): void {
    this.#identity = identity;
    for (const queue of this.#restarting) this.#restart(queue);
    for (const batch of this.#parts.accumulator.batches()) this.enlist(batch.queue);
  }

  /** The brokers know nothing of ids. */
  giveUpIdempotence(): void {
    this.#isIdempotent = false;
    for (const batch of this.#parts.accumulator.batches()) this.enlist(batch.queue);
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
      this.#giveUp(oldest, this.#timeout(oldest));
    }
  }

  /** Fails everything that is not settled. */
  failAll(errorFor: (batch: Batch) => DeliveryError): void {
    for (const batch of [...this.#parts.accumulator.batches()]) this.#giveUp(batch, errorFor(batch));
  }

  /** Fails what waits for this broker. */
  failLedBy(link: BrokerLink, errorFor: (batch: Batch) => DeliveryError): void {
    for (const batch of [...this.#parts.accumulator.batches()]) {
      if (batch.queue.leader === link) this.#giveUp(batch, errorFor(batch));
    }
  }

  /** Records of a batch that waits were taken back; with the last one it goes. */
  cancelled(batch: Batch): void {
    if (batch.cancelled === null || batch.cancelled.size < batch.count) return;
    this.#dropCancelled(batch);
    this.#events.wake();
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
    if (this.#isIdempotent && this.#identity === null) {
      this.#events.identityWanted();
      return null;
    }
    const { maxRequestBytes, maxInFlight } = this.#settings;
    // Where idempotence was wanted and brokers are too old for it, order is kept by patience.
    const isOrdered = this.#settings.idempotent || maxInFlight === 1;
    const identity = this.#isIdempotent ? this.#identity : null;
    const batches: Batch[] = [];
    // Names, numbers and lengths around the batches.
    let bytes = 256;
    let turns = link.ready.size;
    for (const queue of link.ready) {
      if (turns-- === 0) break;
      link.ready.delete(queue);
      if (queue.leader !== link) {
        this.enlist(queue);
        continue;
      }
      const batch = queue.next(nowMs, isOrdered, identity, !this.#isIdempotent && isOrdered);
      if (batch === null) {
        if (queue.retryAtMs > nowMs) this.#backingOff.add(queue);
        continue;
      }
      if (transactions?.admits(queue, version) === false) continue;
      if (batch.cancelled !== null && this.#dropCancelled(batch)) continue;
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
    return batches.length === 0 ? null : { link, batches, version };
  }

  /** @returns whether the batch, or some of its records, cannot be told to a broker so old, and failed. */
  #refuseForOldBroker(batch: Batch, version: number): boolean {
    const { queue, withHeaders } = batch;
    const refusal = (code: string, problem: string, hint: string) =>
      new DeliveryError(code, `topic "${queue.topic.name}", partition ${queue.index}: ${problem}`, {
        persisted: batch.persisted,
        topic: queue.topic.name,
        partition: queue.index,
        hint,
      });
    if (version < 7 && this.#settings.compression === 'zstd') {
      const hint = 'Use another compression, or brokers of 2.1 and later.';
      this.#giveUp(batch, refusal('UNSUPPORTED_COMPRESSION_TYPE', 'the broker is too old for zstd', hint));
      return true;
    }
    if (version >= 3 || withHeaders === null) return false;
    const hint = 'Leave out the headers, or use brokers of 0.11 and later.';
    const error = refusal('UNSUPPORTED_FOR_MESSAGE_FORMAT', 'the broker is too old for headers', hint);
    for (const index of withHeaders) batch.failPart(index, error, this.#sink);
    this.#events.lost(error);
    this.#rebuild(batch, (index) => withHeaders.has(index));
    this.enlist(queue);
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
      connection.send(ProduceRequest, version, body, null);
      for (const batch of batches) this.#assume(batch);
      return;
    }
    link.inFlight++;
    this.#inFlightRequests++;
    connection.send(ProduceRequest, version, body, {
      apiName: 'Produce',
      answered: (frame) => this.#answered({ ...shipment, version }, frame),
      failed: (error) => this.#lost(shipment, error),
    });
  }

  /** Nobody was asked: it counts as delivered when it is written. */
  #assume(batch: Batch): void {
    const { queue } = batch;
    queue.land(batch);
    queue.remove(batch);
    this.#succeed(batch, -1n, -1);
    this.enlist(queue);
  }

  #answered(shipment: Shipment, frame: Uint8Array): void {
    const { link, version } = shipment;
    const { body } = decodeResponseAs(ProduceResponse, frame, version);
    link.inFlight--;
    this.#inFlightRequests--;
    const left = [...shipment.batches];
    let at = 0;
    for (const topic of body.responses) {
      for (const partition of topic.partitionResponses) {
        // Brokers nearly always answer in the order of the request.
        if (!isOf(left[at], topic, partition.index, version)) {
          at = left.findIndex((batch) => isOf(batch, topic, partition.index, version));
          if (at < 0) continue;
        }
        const [batch] = at === 0 ? [left.shift()!] : left.splice(at, 1);
        at = 0;
        this.#settle(batch!, link, partition, body.nodeEndpoints);
      }
    }
    // An answer that says nothing of a batch is as good as none.
    for (const batch of left) {
      this.#return(batch, new BrokerError(-1, `${link.name} answered without a word on this batch`), true, true);
    }
    if (version >= 6) this.#parts.network.throttle(link, body.throttleTimeMs);
    this.#parts.network.settle(link);
    if (link.ready.size > 0) this.#dirty.add(link);
    this.#events.wake();
  }

  #lost(shipment: Shipment, error: ConnectionError): void {
    shipment.link.inFlight--;
    this.#inFlightRequests--;
    for (const batch of shipment.batches) this.#return(batch, error, true, true);
    this.#events.metadataStale();
    this.#events.wake();
  }

  #settle(
    batch: Batch,
    link: BrokerLink,
    answer: ProduceResponsePartitionProduceResponse,
    endpoints: ProduceResponse['nodeEndpoints'],
  ): void {
    const { queue } = batch;
    const { errorCode } = answer;
    if (errorCode === 0) {
      this.#stored(batch, link, answer.baseOffset, answer.logAppendTimeMs);
      return;
    }
    const error = new BrokerError(errorCode, `${link.name}, ${queue.topic.name}-${queue.index}`, answer.errorMessage);
    const { treatment } = treatmentOf(errorCode);
    switch (treatment) {
      case 'succeed':
        // Only a batch that was sent before can be there already; else its numbers are taken by something else.
        if (batch.attempts > 1) this.#stored(batch, link, answer.baseOffset, -1n);
        else this.#resequence(batch, error, errorCode);
        return;
      case 'retry':
        // 7: the leader has it and replicas may follow. 20: the leader has it.
        this.#return(batch, error, errorCode === 7 || errorCode === 20, true);
        return;
      case 'refresh':
      case 'rebootstrap':
        if (this.#parts.cluster.takeHint(queue, answer.currentLeader, endpoints)) {
          this.#return(batch, error, false, false);
          return;
        }
        if (queue.leader === link) this.#parts.cluster.loseLeader(queue);
        this.#return(batch, error, false, true);
        this.#events.metadataStale();
        return;
      case 'split':
        this.#split(batch, error);
        return;
      case 'resequence':
        this.#resequence(batch, error, errorCode);
        return;
      case 'failProducer':
      case 'fence':
        this.#land(batch);
        this.#fail(batch, this.#refusal(batch, error));
        this.#events.fatal(error);
        return;
      default:
        this.#refused(batch, error, answer);
    }
  }

  #stored(batch: Batch, link: BrokerLink, baseOffset: bigint, logAppendTimeMs: bigint): void {
    const { queue } = batch;
    queue.land(batch);
    queue.remove(batch);
    queue.failures = 0;
    queue.retryAtMs = 0;
    if (queue.leader === link) queue.contact = link;
    // Brokers take batches in order only: what was given up before this one has been stored after all.
    if (queue.gapAt >= 0 && isAfter(batch.sequence, queue.gapAt)) queue.gapAt = -1;
    if (!batch.isSettled) {
      // A broker that recognises a resend answers with the batch's greatest timestamp, whoever set it.
      const isOurs = batch.attempts > 1 && Number(logAppendTimeMs) === batch.builder.maxTimestampMs;
      this.#succeed(batch, baseOffset, isOurs ? -1 : Number(logAppendTimeMs));
    }
    this.#afterLanding(queue);
  }

  #succeed(batch: Batch, baseOffset: bigint, appendTimeMs: number): void {
    const { accumulator } = this.#parts;
    batch.succeed(baseOffset, appendTimeMs);
    accumulator.settledInFlight(batch);
    this.#events.delivered(batch, baseOffset);
    if (this.#settings.requiredAcks !== 0) accumulator.recycle(batch);
  }

  /** The batch is in our hands again, to be sent again. */
  #return(batch: Batch, error: KafkaError, isUncertain: boolean, backsOff: boolean): void {
    const { queue } = batch;
    const wasSettled = batch.isSettled;
    queue.land(batch);
    if (isUncertain) batch.isUncertain = true;
    batch.lastFailure = error;
    if (wasSettled) {
      // Its time had run out while it was on its way.
      queue.remove(batch);
      this.#leaveGap(batch);
      this.#afterLanding(queue);
      return;
    }
    if (backsOff) {
      const { retryBackoffMs, retryBackoffMaxMs } = this.#settings;
      queue.failures++;
      const { clock, random } = this.#parts;
      queue.retryAtMs = clock.now() + backoffMs(queue.failures, retryBackoffMs, retryBackoffMaxMs, random);
      this.#backingOff.add(queue);
    } else {
      queue.retryAtMs = 0;
    }
    this.#parts.accumulator.returned(batch);
    this.#afterLanding(queue);
  }

  /** The broker and we disagree on sequence numbers. */
  #resequence(batch: Batch, error: BrokerError, errorCode: number): void {
    const { queue } = batch;
    if (!this.#isIdempotent || batch.sequence < 0) {
      this.#land(batch);
      this.#fail(batch, this.#refusal(batch, error));
      return;
    }
    // Behind an older batch that has yet to get there, this is no wonder.
    const isOldest = queue.unsettled[0] === batch;
    if (isOldest && this.#parts.transactions !== null) {
      // Beginning anew would leave what was stored of the transaction behind: it has to be aborted first.
      batch.isUncertain = false;
      this.#land(batch);
      this.#fail(batch, this.#refusal(batch, error));
      return;
    }
    if (isOldest && this.#belongs(batch)) {
      if (errorCode === 47) this.#events.restartWanted(true);
      if (errorCode !== 45 && batch.isUncertain) {
        this.#giveUpUncertain(batch, error);
        return;
      }
      queue.needsRestart = true;
      // A broker that still counts (45) would have recognised what it has stored. So this batch was not stored, and
      // nothing after it: all may get new numbers.
      batch.isUncertain = false;
    }
    this.#return(batch, error, false, true);
  }

  /**
   * The broker has forgotten what this producer sent, or takes it for somebody else, and an earlier attempt may have
   * been stored: under new numbers nobody would notice a second copy. What may be there fails as such; the
   * application alone knows whether twice is worse than not at all.
   */
  #giveUpUncertain(batch: Batch, error: BrokerError): void {
    const { queue } = batch;
    this.#return(batch, error, true, true);
    for (const each of [...queue.unsettled]) {
      if (each.isUncertain && !each.isInFlight && !each.isSettled) this.#giveUp(each, this.#refusal(each, error));
    }
    if (queue.unsettled.length > 0) queue.needsRestart = true;
    this.#afterLanding(queue);
  }

  /** It carries the numbers that its queue gives now. */
  #belongs(batch: Batch): boolean {
    const { identity } = batch.queue;
    return identity !== null && batch.producerId === identity.producerId && batch.producerEpoch === identity.epoch;
  }

  #split(batch: Batch, error: BrokerError): void {
    const { accumulator } = this.#parts;
    const { queue } = batch;
    // What may be stored as a whole is not sent in parts, which no broker would recognise.
    if (batch.count < 2 || batch.isSettled || (this.#isIdempotent && batch.isUncertain)) {
      this.#land(batch);
      this.#fail(batch, this.#refusal(batch, error));
      return;
    }
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
    this.enlist(queue);
  }

  /** Refused for good: the whole batch, or only the records that the broker names (KIP-467). */
  #refused(batch: Batch, error: BrokerError, answer: ProduceResponsePartitionProduceResponse): void {
    const { queue } = batch;
    const { accumulator } = this.#parts;
    const isWhole = batch.isSettled || (this.#isIdempotent && batch.isUncertain);
    const errors = isWhole ? null : rejectedRecords(batch, error, answer);
    if (errors === null || errors.size === batch.count || this.#parts.transactions !== null) {
      this.#land(batch);
      this.#fail(batch, this.#refusal(batch, error), errors);
      return;
    }
    // Nothing of the batch was stored. The others are innocent: they go again without the ones named.
    queue.land(batch);
    accumulator.returned(batch);
    for (const [index, recordError] of errors) batch.failPart(index, recordError, this.#sink);
    this.#rebuild(batch, (index) => errors.has(index));
    if (this.#isIdempotent) queue.needsRestart = true;
    this.#afterLanding(queue);
  }

  /** @returns whether nothing was left of it. */
  #dropCancelled(batch: Batch): boolean {
    // Once sent, it is sent again as it was.
    if (batch.attempts > 0) return false;
    const { cancelled } = batch;
    this.#rebuild(batch, (index) => cancelled!.has(index));
    this.enlist(batch.queue);
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

  #land(batch: Batch): void {
    const { queue } = batch;
    queue.land(batch);
    queue.remove(batch);
    this.#leaveGap(batch);
  }

  /** Fails a batch that has landed and left its queue. */
  #fail(batch: Batch, error: DeliveryError, errors: ReadonlyMap<number, DeliveryError> | null = null): void {
    if (!batch.isSettled) {
      batch.fail(error, this.#sink, errors);
      this.#parts.accumulator.settledInFlight(batch);
      this.#events.lost(errors?.values().next().value ?? error);
    }
    this.#afterLanding(batch.queue);
  }

  readonly #sink = (batch: Batch, _index: number, error: DeliveryError): void => {
    this.#events.failed(batch.queue.topic, error);
  };

  /** Settles a batch as failed whatever its place. One that is in flight keeps its place until it lands. */
  #giveUp(batch: Batch, error: DeliveryError): void {
    const { accumulator } = this.#parts;
    const { queue } = batch;
    batch.fail(error, this.#sink);
    this.#events.lost(error);
    if (batch.isInFlight) {
      accumulator.settledInFlight(batch);
      return;
    }
    accumulator.settledWaiting(batch);
    queue.remove(batch);
    if (queue.topic.sticky === queue) queue.topic.sticky = null;
    this.#leaveGap(batch);
    this.#afterLanding(queue);
  }

  /** A batch with numbers has left without being stored, as far as we know. */
  #leaveGap(batch: Batch): void {
    const { queue } = batch;
    if (!this.#isIdempotent || batch.sequence < 0 || !this.#belongs(batch)) return;
    // Where no attempt can have stored it, its numbers will never be used, and the broker waits for them.
    if (!batch.isUncertain) queue.needsRestart = true;
    else if (queue.gapAt < 0 || isAfter(queue.gapAt, batch.sequence)) queue.gapAt = batch.sequence;
  }

  /** Something of this partition came back: what may go next? */
  #afterLanding(queue: PartitionQueue): void {
    // Nothing is left that could tell whether the numbers were used.
    if (queue.gapAt >= 0 && queue.unsettled.length === 0) queue.needsRestart = true;
    if (queue.needsRestart) this.#restart(queue);
    this.enlist(queue);
  }

  /** Begins the partition's numbers anew, as soon as its last request is in and there is an epoch for it. */
  #restart(queue: PartitionQueue): void {
    this.#restarting.add(queue);
    if (queue.inFlight > 0) return;
    const identity = this.#identity;
    if (identity !== null && queue.identity !== identity) {
      this.#restarting.delete(queue);
      queue.restart(identity);
      this.enlist(queue);
      return;
    }
    if (identity === null || this.#restartedFrom === identity) return;
    this.#restartedFrom = identity;
    this.#events.restartWanted(false);
  }

  #refusal(batch: Batch, error: BrokerError): DeliveryError {
    const { topic, index } = batch.queue;
    const { hint } = treatmentOf(error.errorCode);
    return new DeliveryError(error.code, `topic "${topic.name}", partition ${index}: ${error.message}`, {
      persisted: batch.persisted,
      topic: topic.name,
      partition: index,
      hint,
      retriable: error.retriable,
      cause: error,
    });
  }

  #timeout(batch: Batch): DeliveryError {
    const { topic, index, leader } = batch.queue;
    const { deliveryTimeoutMs } = this.#settings;
    const reason = batch.lastFailure ?? leader?.lastError ?? this.#parts.cluster.failure;
    const why = reason == null ? '' : `; last: ${reason.message}`;
    return new DeliveryError(
      'DELIVERY_TIMEOUT',
      `topic "${topic.name}", partition ${index}: not delivered in ${deliveryTimeoutMs} ms ` +
        `(${batch.attempts} attempts${why})`,
      {
        persisted: batch.persisted,
        topic: topic.name,
        partition: index,
        hint: 'Check the health of the cluster and the way to it, or raise deliveryTimeoutMs.',
        retriable: true,
        cause: reason ?? undefined,
      },
    );
  }
}

/** Sequence numbers go round at 2^31: the nearer way decides. */
function isAfter(sequence: number, other: number): boolean {
  const distance = (sequence - other) & 0x7fff_ffff;
  return distance > 0 && distance < 0x4000_0000;
}

function byTopic(batches: readonly Batch[], seal: (batch: Batch) => Uint8Array) {
  const topics = new Map<
    Topic,
    { name: string; topicId?: string; partitionData: { index: number; records: Uint8Array }[] }
  >();
  for (const batch of batches) {
    const { topic, index } = batch.queue;
    let data = topics.get(topic);
    if (data === undefined) {
      data = { name: topic.name, ...(topic.id === null ? {} : { topicId: topic.id }), partitionData: [] };
      topics.set(topic, data);
    }
    data.partitionData.push({ index, records: seal(batch) });
  }
  return [...topics.values()];
}

function isOf(
  batch: Batch | undefined,
  topic: { readonly name: string; readonly topicId: string },
  index: number,
  version: number,
): boolean {
  if (batch === undefined || batch.queue.index !== index) return false;
  return version >= 13 ? batch.queue.topic.id === topic.topicId : batch.queue.topic.name === topic.name;
}
