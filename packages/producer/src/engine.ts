import { type ActorRefFrom, createActor } from 'xstate';
import { Accumulator } from './accumulator.ts';
import type { Batch } from './batch.ts';
import { cancelledBy, endedBefore } from './batch-errors.ts';
import { BatchWriter } from './batch-writer.ts';
import { Cluster } from './cluster.ts';
import { batchCodecs } from './compression.ts';
import type { RecordDelivery } from './delivery.ts';
import { type DeliveryError, KafkaError, type Persisted, toError } from './errors.ts';
import type { EventSink } from './events.ts';
import { type InspectOption, survivable } from './inspection.ts';
import type { EngineView } from './inspector/engine-view.ts';
import { Intake } from './intake.ts';
import { LinkWatch } from './link-watch.ts';
import { wireMachines } from './machine-wiring.ts';
import { MetadataRefresh } from './metadata-refresh.ts';
import { Network, type NetworkPorts } from './network.ts';
import type { Settings } from './options.ts';
import { Partitioner } from './partitioner.ts';
import type { Producer } from './producer.ts';
import { ProducerId } from './producer-id.ts';
import type { producerMachine } from './producer-machine.ts';
import { Pump } from './pump.ts';
import { Sender } from './sender.ts';
import type { Gauges } from './telemetry/catalogue.ts';
import { PushStarter, type PushStarterParts } from './telemetry/push/push-starter.ts';
import { Telemetry } from './telemetry/telemetry.ts';
import { Topic } from './topic.ts';
import { noTransaction, TransactionError } from './transaction-error.ts';
import { openTransactions } from './transaction-wiring.ts';
import type { TransactionState, Transactions } from './transactions.ts';
import { Turnstile } from './turnstile.ts';
import type { Watcher } from './watcher.ts';

export interface EnginePorts extends Omit<NetworkPorts, 'telemetry'> {
  readonly inspect: InspectOption | undefined;
  /** Named to whoever traces its requests. */
  readonly owner: Producer;
}

/** The states of the producer's machine. */
export type ProducerState = 'idle' | 'batching' | 'flushing' | 'healing' | 'closing' | 'closed';

/** Records stamped with one reading of the clock, at most; a new turn of the loop reads it anew. */
const recordsPerStamp = 32;

/** Puts the machines and the plain parts together: what a machine decides is done here, and what happens is told to it. */
export class Engine {
  readonly accumulator: Accumulator;
  readonly intake: Intake;
  readonly actor: ActorRefFrom<typeof producerMachine>;
  /** Why records are refused; null while they are taken. */
  refusal: KafkaError | null = null;
  /**
   * The clock, read once for many records: monotonic, and the wall clock's milliseconds. They begin as no number so
   * that V8 keeps references here: fields of doubles are boxed anew for every call that passes them on, which was
   * more than half of all that a record allocated (npm run bench -- --workload garbage).
   */
  nowMs: number = undefined as unknown as number;
  epochMs: number = undefined as unknown as number;
  readonly closed: Promise<void>;
  /** Null without transactionalId. */
  readonly transactions: Transactions | null;
  readonly #settings: Settings;
  readonly #ports: EnginePorts;
  readonly #events: EventSink;
  readonly #network: Network;
  readonly #cluster: Cluster;
  readonly #sender: Sender;
  readonly #pump: Pump;
  readonly #turnstile: Turnstile;
  readonly telemetry: Telemetry;
  /** Null where metrics are not to be pushed. */
  readonly #push: PushStarter | null;
  #stampsLeft = 0;
  #isStampTurn = false;
  #fatalCause: KafkaError | null = null;
  #resolveClosed!: () => void;
  #isReleased = false;
  /** Nearly always none. */
  #watchers: readonly Watcher[] = [];

  constructor(settings: Settings, ports: EnginePorts, events: EventSink) {
    this.#settings = settings;
    this.#ports = ports;
    this.#events = events;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    const { clock, random, logger } = ports;
    const telemetry = new Telemetry({ clientId: settings.clientId, clock, logger, gauges: () => this.#gauges() });
    this.telemetry = telemetry;
    const { checksum, compressor, level, inlineBytes, names } = batchCodecs(settings.compression);
    logger.debug('batches are checked and compressed', names);
    const accumulator = new Accumulator(
      { ...settings, checksum },
      {
        lingering: () => this.#pump.lingering(),
        due: (queue) => this.#sender.enlist(queue),
      },
    );
    this.accumulator = accumulator;
    const intake = new Intake(accumulator, new Partitioner({ ...settings, random }), settings, this.#intakeEvents());
    this.intake = intake;
    const network = new Network(settings, { ...ports, telemetry }, this.#linkWatch());
    this.#network = network;
    const cluster = new Cluster(network, random, settings.autoCreateTopics, {
      turn: () => new Promise((resolve) => clock.setImmediate(resolve)),
      topicChanged: (topic, failure) => this.intake.topicChanged(topic, failure),
      leaderFound: (queue) => this.#sender.enlist(queue),
      rebootstrapped: (reason) => {
        telemetry.rebootstrapped(reason);
        events.emit('rebootstrapped', { reason });
      },
      topics: () => this.accumulator.topics.values(),
    });
    this.#cluster = cluster;
    this.#turnstile = new Turnstile(accumulator, intake, cluster, clock, settings.compression);
    const writer = new BatchWriter(
      {
        compression: settings.compression,
        compressionLevel: settings.compressionLevel ?? level,
        // A level of the caller's own may take any time.
        inlineBytes: settings.compressionLevel === undefined ? inlineBytes : 0,
        compressor,
        checksum,
        isThreaded: settings.compressionMode === 'threaded',
        isTransactional: settings.transactionalId !== null,
      },
      (batch) => this.#sender.enlist(batch.queue),
    );
    const transactions = this.#transactions(settings.transactionalId);
    this.transactions = transactions;
    if (transactions !== null) this.refusal = noTransaction(transactions.transactionalId);
    const sender = new Sender(
      settings,
      { accumulator, cluster, network, writer, clock, random, transactions },
      this.#senderEvents(),
    );
    this.#sender = sender;
    const pump = new Pump(settings, {
      accumulator,
      intake,
      sender,
      clock,
      actor: () => this.actor,
      drained: () => {
        this.#stampsLeft = 0;
      },
    });
    this.#pump = pump;
    const { metadataMaxIdleMs } = settings;
    const tell = (event: { type: string }) => {
      if (event.type === 'fetched') telemetry.metadataFetched();
      this.#tellChild('metadata', event);
    };
    const metadata = new MetadataRefresh({ accumulator, cluster, clock, logger, metadataMaxIdleMs, tell });
    const producerId = new ProducerId({
      cluster,
      logger,
      events,
      sender,
      isRequired: settings.idempotentByName,
      tell: (event) => this.#tellChild('idempotence', event),
      fatal: (error) => this.#fatal(error),
    });
    const machine = wireMachines(settings, {
      intake,
      sender,
      network,
      pump,
      metadata,
      transactions,
      random,
      producerId,
      metadataFresh: () => this.actor.send({ type: 'metadata.fresh' }),
      refuseRecords: () => this.#refuseRecords(),
      failBacklog: () => this.#failBacklog(),
      release: () => this.#release(),
    });
    const inspect = ports.inspect === undefined ? undefined : survivable(ports.inspect, logger);
    this.#push = settings.metricsPush ? this.#pushStarter(inspect) : null;
    this.actor = createActor(machine, {
      input: { backlog: pump.backlog() },
      clock: {
        setTimeout: (callback: () => void, delayMs: number) => clock.setTimeout(callback, delayMs),
        clearTimeout: (id: unknown) => clock.clearTimeout(id),
      },
      ...(inspect === undefined ? {} : { inspect }),
    });
    this.#watchStates();
    this.actor.start();
  }

  get state(): ProducerState {
    return this.actor.getSnapshot().value as ProducerState;
  }

  /** Reads the clock if it was not read in this turn, or for many records. */
  stamp(): void {
    if (this.#stampsLeft-- > 0) return;
    this.#stampsLeft = recordsPerStamp - 1;
    const { clock } = this.#ports;
    this.nowMs = clock.now();
    this.epochMs = clock.epochMs();
    if (this.#isStampTurn) return;
    this.#isStampTurn = true;
    clock.setImmediate(() => {
      this.#isStampTurn = false;
      this.#stampsLeft = 0;
      this.#turnstile.turn();
    });
  }

  /** Resolves when a caller may go on. */
  ready(): Promise<void> {
    return this.#turnstile.ready();
  }

  topic(name: string): Topic {
    return this.accumulator.topic(name);
  }

  /** A topic is used again after a long time: what is known of it serves until there is news. */
  revive(topic: Topic): void {
    topic.isIdle = false;
    topic.isAsked = false;
    this.actor.send({ type: 'metadata.stale' });
  }

  /** A topic that nothing will be sent to. */
  strayTopic(name: string): Topic {
    return this.accumulator.topics.get(name) ?? new Topic(name);
  }

  /** A delivery that has failed before it began. */
  refuse(name: string, error: DeliveryError): RecordDelivery {
    return this.intake.refuse(this.strayTopic(name), error);
  }

  /** The caller takes a record back. */
  cancel(topic: Topic, delivery: RecordDelivery, reason: unknown): void {
    const { batch } = delivery;
    if (batch === null) {
      this.intake.cancel(delivery, cancelledBy(reason, topic.name, -1, 'no'));
      return;
    }
    const { index } = batch.queue;
    const errorFor = (persisted: Persisted) => cancelledBy(reason, topic.name, index, persisted);
    if (batch.cancel(delivery.index, errorFor, this.#reportFailure)) this.#sender.cancelled(batch);
    else if (!batch.isSettled) this.transactions?.recordFailed(errorFor('possibly'));
  }

  flush(): Promise<void> {
    return this.telemetry.flushing(this.accumulator.flush());
  }

  close(timeoutMs: number): Promise<void> {
    const { transactions } = this;
    if (transactions === null) this.#close(timeoutMs);
    else {
      const endsMs = this.#ports.clock.now() + timeoutMs;
      void transactions.close(timeoutMs).then(() => this.#close(Math.max(0, endsMs - this.#ports.clock.now())));
    }
    return this.closed;
  }

  abandon(): void {
    this.actor.send({ type: 'abandon' });
  }

  /** What an inspector reads: nothing is copied, and nothing is done until it looks. */
  view(): EngineView {
    return {
      settings: this.#settings,
      clock: this.#ports.clock,
      accumulator: this.accumulator,
      intake: this.intake,
      links: this.#network.links,
      actor: this.actor,
      events: this.#events,
      inFlightRequests: () => this.#sender.inFlightRequests,
      watch: (watcher) => {
        this.#watchers = [...this.#watchers, watcher];
        return () => {
          this.#watchers = this.#watchers.filter((each) => each !== watcher);
        };
      },
    };
  }

  #close(timeoutMs: number): void {
    if (this.actor.getSnapshot().status === 'active') this.actor.send({ type: 'close', timeoutMs });
  }

  readonly #reportFailure = (batch: Batch, _index: number, error: DeliveryError): void => {
    const { topic, index } = batch.queue;
    this.#events.emit('deliveryFailed', { topic: topic.name, partition: index, error });
  };

  #tellChild(id: 'metadata' | 'idempotence' | 'transaction', event: { type: string }): void {
    if (this.#isReleased) return;
    const child = this.actor.getSnapshot().children[id] as { send(event: unknown): void } | undefined;
    child?.send(event);
  }

  #refuseRecords(): void {
    if (this.refusal instanceof TransactionError) this.refusal = null;
    this.refusal ??=
      this.#fatalCause === null
        ? new KafkaError('CLOSED', 'the producer was closed')
        : new KafkaError('PRODUCER_FAILED', `the producer has failed: ${this.#fatalCause.message}`, {
            cause: this.#fatalCause,
          });
    // What was accepted goes out without waiting for company.
    void this.accumulator.flush();
  }

  #failBacklog(): void {
    this.#failAll((topic, partition, persisted) => endedBefore(topic, partition, persisted, this.#fatalCause));
  }

  #failAll(errorFor: (topic: string, partition: number, persisted: Persisted) => DeliveryError): void {
    this.intake.failAll((topic) => errorFor(topic.name, -1, 'no'));
    this.#sender.failAll((batch: Batch) => errorFor(batch.queue.topic.name, batch.queue.index, batch.persisted));
  }

  #fatal(error: KafkaError): void {
    if (this.#fatalCause !== null) return;
    this.#fatalCause = error;
    this.telemetry.fatal(error);
    this.transactions?.stop(error);
    this.actor.send({ type: 'failed' });
  }

  #release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.transactions?.stop(new KafkaError('CLOSED', 'the producer was closed'));
    this.#pump.stop();
    const farewell = this.#push?.close() ?? null;
    if (farewell === null) this.#leave();
    else {
      this.#pump.holdOn();
      void farewell.then(() => this.#leave());
    }
  }

  #leave(): void {
    this.#network.close();
    this.#pump.letGo();
    this.#ports.logger.end();
    this.#resolveClosed();
  }

  #gauges(): Gauges {
    const { accumulator, intake } = this;
    const { connectionsOpened, connectionsClosed } = this.telemetry.meters;
    let requestsInFlight = 0;
    for (const { connection } of this.#network.links.values()) requestsInFlight += connection?.pendingRequests ?? 0;
    return {
      bufferBytes: this.#settings.bufferBytes,
      bufferedBytes: accumulator.bufferedBytes,
      waiting: intake.waitingForRoom,
      requestsInFlight,
      connections: connectionsOpened.total - connectionsClosed.total,
      unsettled: accumulator.unsettled,
      unsent: accumulator.unsent,
    };
  }

  #pushStarter(inspect: PushStarterParts['inspect']): PushStarter {
    const { clock, random, logger } = this.#ports;
    const { rack, transactionalId } = this.#settings;
    const labels = {
      ...(rack === null ? {} : { client_rack: rack }),
      ...(transactionalId === null ? {} : { transactional_id: transactionalId }),
    };
    const snapshot = () => this.telemetry.snapshot();
    return new PushStarter({
      clock,
      random,
      logger,
      labels,
      inspect,
      snapshot,
      links: () => this.#network.links.values(),
    });
  }

  /** The process may end when nothing is pending. */
  #letGo(): void {
    if (this.accumulator.unsettled > 0 || this.transactions?.isBusy === true) return;
    this.#pump.letGo();
  }

  #watchStates(): void {
    let last: unknown = 'idle';
    this.actor.subscribe({
      next: (snapshot) => {
        if (snapshot.value === last) return;
        const from = last as ProducerState;
        last = snapshot.value;
        this.#ports.logger.debug('state changed', { from, to: snapshot.value as ProducerState });
        this.#events.emit('stateChanged', { from, to: snapshot.value as ProducerState });
      },
      // A fault of ours: it must not leave anybody waiting.
      error: (thrown) => {
        this.#fatalCause ??= new KafkaError('INTERNAL', `a fault in the producer: ${toError(thrown).message}`, {
          cause: thrown,
        });
        this.#ports.logger.error('a fault in the producer', { reason: toError(thrown).message });
        this.#refuseRecords();
        this.#failBacklog();
        this.#release();
      },
    });
  }

  #transactions(transactionalId: string | null): Transactions | null {
    if (transactionalId === null) return null;
    const { clock, random } = this.#ports;
    const child = () => this.actor.getSnapshot().children['transaction'];
    return openTransactions(transactionalId, this.#settings, {
      accumulator: this.accumulator,
      cluster: this.#cluster,
      clock,
      random,
      sender: () => this.#sender,
      pump: () => this.#pump,
      state: () => (child()?.getSnapshot() as { value: TransactionState } | undefined)?.value,
      tell: (event) => this.#tellChild('transaction', event),
      failRecords: (errorFor) => this.#failAll(errorFor),
      refuse: (refusal) => {
        if (this.refusal === null || this.refusal instanceof TransactionError) this.refusal = refusal;
      },
      fatal: (error) => this.#fatal(error),
      timed: (sent) => this.telemetry.timed('sendOffsets', sent),
      metadataStale: () => {
        if (this.actor.getSnapshot().status === 'active') this.actor.send({ type: 'metadata.stale' });
      },
      letGo: () => this.#letGo(),
    });
  }

  #intakeEvents(): ConstructorParameters<typeof Intake>[3] {
    const cluster = () => this.#cluster;
    return {
      unknown: () => this.actor.send({ type: 'metadata.stale' }),
      waiting: (untilMs) => this.#pump.waiting(untilMs),
      failed: (topic, error, isAwaited) => {
        this.transactions?.recordFailed(error);
        this.telemetry.refused(topic, error);
        for (const watcher of this.#watchers) watcher.lost(1);
        if (!isAwaited) this.#events.emit('deliveryFailed', { topic: topic.name, partition: error.partition, error });
      },
      tooLate: (topic) => (this.refusal === null ? null : endedBefore(topic.name, -1, 'no', this.#fatalCause)),
      waits: () => this.telemetry.waits(this.intake.waitingForRoom > 0, this.intake.waitingTopics.size > 0),
      get metadataFailure() {
        return cluster().failure;
      },
    };
  }

  #senderEvents(): ConstructorParameters<typeof Sender>[2] {
    return {
      wake: () => this.#pump.wake(),
      quiet: () => {
        this.transactions?.quiet();
        this.#pump.quiet(() => this.#letGo());
      },
      metadataStale: () => this.actor.send({ type: 'metadata.stale' }),
      identityWanted: () => this.actor.send({ type: 'identity.wanted' }),
      restartWanted: (renew) => {
        if (this.transactions !== null) this.transactions.restartWanted();
        else this.#tellChild('idempotence', { type: renew ? 'renew' : 'bump' });
      },
      lost: (error, count) => {
        this.transactions?.recordFailed(error);
        this.telemetry.failed(error, count);
        for (const watcher of this.#watchers) watcher.lost(count);
      },
      shipped: (batches, sentAtMs) => this.telemetry.shipped(batches, sentAtMs),
      split: (batch) => this.telemetry.split(batch),
      returned: (batch) => {
        this.telemetry.returned(batch);
        for (const watcher of this.#watchers) watcher.returned(batch);
      },
      answered: (link, sentAtMs, throttleMs) => {
        this.telemetry.produced(link, sentAtMs, throttleMs);
        for (const watcher of this.#watchers) watcher.answered(link, sentAtMs);
      },
      delivered: (batch, baseOffset) => {
        this.telemetry.delivered(batch);
        for (const watcher of this.#watchers) watcher.delivered(batch);
        if (!this.#events.has('delivered')) return;
        const { topic, index } = batch.queue;
        this.#events.emit('delivered', { topic: topic.name, partition: index, baseOffset, count: batch.count });
      },
      failed: (topic, error) =>
        this.#events.emit('deliveryFailed', { topic: topic.name, partition: error.partition, error }),
      fatal: (error) => this.#fatal(error),
    };
  }

  #linkWatch(): LinkWatch {
    return new LinkWatch({
      events: this.#events,
      logger: this.#ports.logger,
      telemetry: this.telemetry,
      hearsAgainAfterMs: this.#settings.requiredAcks === 0 ? this.#settings.retryBackoffMaxMs : null,
      clock: this.#ports.clock,
      actor: () => this.actor,
      clusterId: () => this.#cluster.clusterId,
      knowsProducerIds: () => this.#network.knowsProducerIds,
      idsKnown: () => this.#tellChild('idempotence', { type: 'supported' }),
      linkReady: (link) => {
        this.#sender.linkReady(link);
        this.#push?.linkReady(link);
      },
      failLedBy: (link, errorFor) => this.#sender.failLedBy(link, errorFor),
      fatal: (error) => this.#fatal(error),
    });
  }
}
