import { batchHeaderBytes } from '@kiel/codec/client';
import type { Batch } from '../batch.ts';
import type { BrokerLink } from '../broker-link.ts';
import { treatmentOf } from '../error-treatment.ts';
import { BrokerError, BufferFullError, type DeliveryError, type KafkaError } from '../errors.ts';
import type { SafeLogger } from '../logger.ts';
import type { Clock } from '../ports.ts';
import type { Topic } from '../topic.ts';
import type { Gauges } from './catalogue.ts';
import { Meters, type NodeMeters, type Stopwatch } from './meters.ts';
import { type MetricsSnapshot, takeSnapshot } from './snapshot.ts';

export interface TelemetryParts {
  readonly clientId: string;
  readonly clock: Clock;
  readonly logger: SafeLogger;
  gauges(): Gauges;
}

/**
 * Hears from everywhere in the producer what happens, counts it, and says what a user should know of it. It is told of
 * batches, requests and connections, never of single records.
 */
export class Telemetry {
  readonly meters: Meters;
  readonly #parts: TelemetryParts;
  #bootstraps = 0;
  #flushes = 0;

  constructor(parts: TelemetryParts) {
    this.#parts = parts;
    this.meters = new Meters(parts.clock.now());
  }

  snapshot(): MetricsSnapshot {
    const { clientId, clock, gauges } = this.#parts;
    return takeSnapshot(clientId, { meters: this.meters, gauges: gauges() }, clock.now(), clock.epochMs());
  }

  // ---- connections

  /** @param nodeId - null for an entry of `brokers`: they are counted from -1. */
  node(nodeId: number | null): NodeMeters {
    return this.meters.node(nodeId ?? --this.#bootstraps);
  }

  /** An entry of `brokers` turned out to be this node. */
  adopted(meters: NodeMeters, nodeId: number): void {
    const { nodes } = this.meters;
    nodes.delete(meters.nodeId);
    meters.nodeId = nodeId;
    nodes.set(nodeId, meters);
  }

  forgotten(meters: NodeMeters): void {
    const { nodes } = this.meters;
    if (nodes.get(meters.nodeId) === meters) nodes.delete(meters.nodeId);
  }

  opened(): void {
    this.meters.connectionsOpened.record(1, this.#now());
  }

  closed(): void {
    this.meters.connectionsClosed.record(1, this.#now());
  }

  /** @param again - the session of a connection in use was renewed. */
  authenticated(again: boolean, startedMs: number, hasEnd: boolean): void {
    const nowMs = this.#now();
    const { meters } = this;
    if (again) {
      meters.reauthentications.record(1, nowMs);
      meters.reauthenticationMs.record(nowMs - startedMs, nowMs);
      return;
    }
    meters.authentications.record(1, nowMs);
    if (!hasEnd) meters.authenticationsForGood++;
  }

  unauthenticated(again: boolean): void {
    const { failedAuthentications, failedReauthentications } = this.meters;
    (again ? failedReauthentications : failedAuthentications).record(1, this.#now());
  }

  linkFailed(link: BrokerLink, error: KafkaError): void {
    if (error.code === 'CLOSED') return;
    const hint = 'It is tried again with a growing pause. Check that it runs, and host, port, tls and sasl.';
    this.#parts.logger.info('a broker cannot be reached', { broker: link.name, reason: error.message, hint });
  }

  /** A connection in use has ended. That one closes while nothing waits for it is no news. */
  linkLost(link: BrokerLink, error: KafkaError): void {
    const details = { broker: link.name, reason: error.message };
    if (link.ready.size > 0 || link.inFlight > 0) this.#parts.logger.info('a connection was lost', details);
    else this.#parts.logger.debug('a connection has ended', details);
  }

  throttled(link: BrokerLink, throttleMs: number): void {
    const hint = "Send less, or raise this client's quota.";
    this.#parts.logger.info('a broker asks for a pause', { broker: link.name, throttleMs, hint });
  }

  rebootstrapped(reason: string): void {
    const hint = 'If none of them is right any more, correct "brokers".';
    this.#parts.logger.info('the entries of "brokers" are asked again', { reason, hint });
  }

  fatal(error: KafkaError): void {
    this.#parts.logger.error('the producer has failed', {
      code: error.code,
      reason: error.message,
      hint: hintOf(error.cause instanceof BrokerError ? error.cause : error),
    });
  }

  metadataFetched(): void {
    this.meters.metadataAtMs = this.#now();
  }

  // ---- batches

  /** A Produce request was written. */
  shipped(batches: readonly Batch[], nowMs: number): void {
    const { meters } = this;
    let records = 0;
    for (const batch of batches) {
      const { count, builder, compressed } = batch;
      const { sizeBytes } = builder;
      const wireBytes = compressed === null ? sizeBytes : batchHeaderBytes + compressed.length;
      const ratio = wireBytes / sizeBytes;
      records += count;
      meters.batchBytes.record(wireBytes, nowMs);
      meters.queueMs.record(nowMs - batch.acceptedAtMs, nowMs);
      meters.compression.record(ratio, nowMs);
      meters.recordBytes.record((sizeBytes - batchHeaderBytes) / count, nowMs);
      meters.largestRecordBytes.record(batch.largestBytes, nowMs);
      const topic = meters.topic(batch.queue.topic.name);
      topic.records.record(count, nowMs);
      topic.bytes.record(wireBytes, nowMs);
      topic.compression.record(ratio, nowMs);
    }
    meters.records.record(records, nowMs);
    meters.recordsPerRequest.record(records, nowMs);
  }

  /** Its answer has come. */
  produced(link: BrokerLink, sentAtMs: number, throttleMs: number): void {
    const nowMs = this.#now();
    link.meters.produced(nowMs - sentAtMs, nowMs);
    this.meters.throttleMs.record(throttleMs, nowMs);
  }

  delivered(batch: Batch): void {
    this.meters.topic(batch.queue.topic.name).delivered += batch.count;
  }

  /** The batch has to be sent again. */
  returned(batch: Batch): void {
    const nowMs = this.#now();
    this.meters.retries.record(batch.count, nowMs);
    this.meters.topic(batch.queue.topic.name).retries.record(batch.count, nowMs);
    const { logger } = this.#parts;
    if (logger.isSilent) return;
    const { topic, index } = batch.queue;
    const { count: records, attempts, lastFailure } = batch;
    const reason = lastFailure?.message ?? null;
    const details = { topic: topic.name, partition: index, records, attempts, reason };
    // Leaders move and connections end: that is told once it lasts.
    if (attempts < 4) logger.debug('a batch is sent again', details);
    else logger.warn('a batch is sent again and again', { ...details, hint: hintOf(lastFailure) });
  }

  /** So many records have failed alike. */
  failed(error: DeliveryError, count: number): void {
    const { code, topic, partition, persisted, hint, message: reason } = error;
    this.#countErrors(topic, code, count);
    const { logger } = this.#parts;
    if (logger.isSilent) return;
    const details = { topic, partition, records: count, code, persisted, reason, hint };
    if (code === 'CLOSED') logger.debug('records were not delivered', details);
    else logger.warn('records were not delivered', details);
  }

  /** A record failed that was in no batch yet. */
  refused(topic: Topic, error: DeliveryError): void {
    this.#countErrors(topic.name, error.code, 1);
    const isForRoom = error instanceof BufferFullError;
    if (isForRoom) this.meters.exhausted.record(1, this.#now());
    const { logger } = this.#parts;
    if (logger.isSilent) return;
    const { code, hint, message: reason } = error;
    const details = { topic: topic.name, code, reason, hint };
    if (isForRoom) logger.warn('there is no room in the buffer', details);
    else logger.debug('a record was not taken', details);
  }

  split(batch: Batch): void {
    this.meters.batchSplits.record(1, this.#now());
    const { topic, index } = batch.queue;
    const hint = "Lower batchBytes, or raise the topic's max.message.bytes.";
    const details = { topic: topic.name, partition: index, records: batch.count, bytes: batch.sizeBytes, hint };
    this.#parts.logger.info('a batch was too large and is sent in parts', details);
  }

  // ---- waiting

  /** Whether anybody waits for room in the buffer, and any record for news of its topic. */
  waits(forRoom: boolean, forMetadata: boolean): void {
    this.#time(this.meters.roomWait, forRoom);
    this.#time(this.meters.metadataWait, forMetadata);
  }

  /** Until `done` is settled somebody waits for everything to be delivered. */
  flushing(done: Promise<void>): Promise<void> {
    this.#flushes++;
    this.#time(this.meters.flush, true);
    const end = () => this.#time(this.meters.flush, --this.#flushes > 0);
    done.then(end, end);
    return done;
  }

  /** @param step - of a transaction, that `done` waits for. */
  async timed<Result>(step: keyof Meters['transactionMs'], done: Promise<Result>): Promise<Result> {
    const startedMs = this.#now();
    try {
      return await done;
    } finally {
      this.meters.transactionMs[step] += this.#now() - startedMs;
    }
  }

  #time(stopwatch: Stopwatch, isSo: boolean): void {
    if (stopwatch.isRunning === isSo) return;
    if (isSo) stopwatch.start(this.#now());
    else stopwatch.stop(this.#now());
  }

  #countErrors(topicName: string, code: string, count: number): void {
    const nowMs = this.#now();
    const topic = this.meters.topic(topicName);
    this.meters.errors.record(count, nowMs);
    topic.errors.record(count, nowMs);
    topic.errorCodes.set(code, (topic.errorCodes.get(code) ?? 0) + count);
  }

  #now(): number {
    return this.#parts.clock.now();
  }
}

function hintOf(error: Error | null): string {
  if (error instanceof BrokerError) return treatmentOf(error.errorCode).hint;
  const { hint } = (error ?? {}) as { hint?: unknown };
  return typeof hint === 'string' ? hint : 'Check the health of the broker and the way to it.';
}
