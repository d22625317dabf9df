import { InitProducerIdRequest, InitProducerIdResponse } from '@kiel/codec/client';
import { type ActorRefFrom, createActor, fromCallback } from 'xstate';
import { Accumulator } from './accumulator.ts';
import { Alarm } from './alarm.ts';
import { backoffMs } from './backoff.ts';
import type { Batch } from './batch.ts';
import { BatchWriter } from './batch-writer.ts';
import type { BrokerLink } from './broker-link.ts';
import { brokerMachine } from './broker-machine.ts';
import { Cluster } from './cluster.ts';
import { batchCodecs } from './compression.ts';
import type { RecordDelivery } from './delivery.ts';
import { treatmentOf } from './error-treatment.ts';
import {
  BrokerError,
  ConfigError,
  ConnectionError,
  DeliveryError,
  KafkaError,
  type Persisted,
  toError,
} from './errors.ts';
import type { EventSink } from './events.ts';
import { idempotenceMachine } from './idempotence-machine.ts';
import { Intake } from './intake.ts';
import type { Logger } from './logger.ts';
import { metadataMachine } from './metadata-machine.ts';
import { Network } from './network.ts';
import type { Settings } from './options.ts';
import { Partitioner } from './partitioner.ts';
import type { Clock, Random, Transport } from './ports.ts';
import { type Backlog, producerMachine } from './producer-machine.ts';
import type { ResolveBroker, SaslMechanism } from './security/index.ts';
import { Sender } from './sender.ts';
import { SystemClock } from './system-ports.ts';
import { Topic } from './topic.ts';
import { TransactionCoordinator } from './transaction-coordinator.ts';
import { noTransaction, TransactionError } from './transaction-error.ts';
import { transactionMachine } from './transaction-machine.ts';
import { type TransactionState, Transactions } from './transactions.ts';

export interface EnginePorts {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly sasl: SaslMechanism | null;
  readonly resolveBroker: ResolveBroker | undefined;
  /** Whether a cluster may send this client there. */
  readonly isAllowed?: (host: string, port: number, nodeId: number) => boolean;
  readonly inspect: ((event: unknown) => void) | undefined;
}

export type ProducerState = 'idle' | 'batching' | 'flushing' | 'healing' | 'closing' | 'closed';

/** Records stamped with one reading of the clock, at most; a new turn of the loop reads it anew. */
const recordsPerStamp = 32;

const ready: Promise<void> = Promise.resolve();

/** So much is taken in one turn of the loop before `ready()` lets the sockets have theirs. */
const bytesPerTurn = 1_048_576;

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
  readonly #alarm: Alarm;
  #stampsLeft = 0;
  #isStampTurn = false;
  /** What had been taken when this turn of the loop began. */
  #turnBeganAtBytes = 0;
  #turn: Promise<void> | null = null;
  #isWakeScheduled = false;
  /** The machine believes that the sender works, and need not be told of more work. */
  #isRunning = false;
  #intakeDueMs = Number.POSITIVE_INFINITY;
  #fatalCause: KafkaError | null = null;
  #resolveClosed!: () => void;
  #isReleased = false;
  /** A connection has been of use: wrong credentials would have shown. */
  #hasConnected = false;

  constructor(settings: Settings, ports: EnginePorts, events: EventSink) {
    this.#settings = settings;
    this.#ports = ports;
    this.#events = events;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    const { clock, random } = ports;
    const { checksum, compressor, level, inlineBytes, names } = batchCodecs(settings.compression);
    ports.logger.debug('batches are checked and compressed', names);
    this.accumulator = new Accumulator(
      { ...settings, checksum },
      {
        lingering: () => this.#lingering(),
        due: (queue) => this.#sender.enlist(queue),
      },
    );
    this.intake = new Intake(
      this.accumulator,
      new Partitioner({ ...settings, random }),
      settings,
      this.#intakeEvents(),
    );
    this.#network = new Network(settings, ports, this.#networkEvents());
    this.#cluster = new Cluster(this.#network, random, settings.autoCreateTopics, {
      topicChanged: (topic, failure) => this.intake.topicChanged(topic, failure),
      leaderFound: (queue) => this.#sender.enlist(queue),
      rebootstrapped: (reason) => events.emit('rebootstrapped', { reason }),
      topics: () => this.accumulator.topics.values(),
    });
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
    const { accumulator } = this;
    const transactions = this.#transactions(settings.transactionalId);
    this.transactions = transactions;
    if (transactions !== null) this.refusal = noTransaction(transactions.transactionalId);
    this.#sender = new Sender(
      settings,
      { accumulator, cluster: this.#cluster, network: this.#network, writer, clock, random, transactions },
      this.#senderEvents(),
    );
    this.#alarm = new Alarm(clock, () => this.#tick());
    this.actor = createActor(this.#machine(), {
      input: { backlog: this.#backlog() },
      clock: {
        setTimeout: (callback: () => void, delayMs: number) => clock.setTimeout(callback, delayMs),
        clearTimeout: (id: unknown) => clock.clearTimeout(id),
      },
      ...(ports.inspect === undefined ? {} : { inspect: ports.inspect }),
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
      this.#turnBeganAtBytes = this.accumulator.acceptedBytes;
    });
  }

  /**
   * Resolves when there is room. A caller who awaits nothing else would starve the sockets, and fill the buffer to its
   * brim for nothing: after a good piece of work it resolves a turn of the loop later.
   */
  ready(): Promise<void> {
    if (!this.intake.hasRoom) return this.intake.room();
    const { acceptedBytes, bufferedBytes } = this.accumulator;
    // Nothing can leave yet: a caller that filled the buffer before the first connection would only take memory.
    if (this.#cluster.nodes.size === 0 && bufferedBytes > bytesPerTurn) return this.intake.admission();
    if (acceptedBytes - this.#turnBeganAtBytes < bytesPerTurn) return ready;
    this.#turn ??= new Promise((resolve) => {
      this.#ports.clock.setImmediate(() => {
        this.#turn = null;
        resolve(this.intake.room());
      });
    });
    return this.#turn;
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
    const error = (persisted: Persisted, partition: number) =>
      new DeliveryError('CANCELLED', `topic "${topic.name}": the record was taken back`, {
        persisted,
        topic: topic.name,
        partition,
        hint: persisted === 'no' ? 'Nothing was stored.' : 'It was on its way already.',
        cause: reason,
      });
    if (batch === null) this.intake.cancel(topic, delivery, error('no', -1));
    else if (batch.cancel(delivery.index, (persisted) => error(persisted, batch.queue.index), this.#reportFailure)) {
      this.#sender.cancelled(batch);
    } else if (!batch.isSettled) {
      this.transactions?.recordFailed(error('possibly', batch.queue.index));
    }
  }

  flush(): Promise<void> {
    return this.accumulator.flush();
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

  #close(timeoutMs: number): void {
    if (this.actor.getSnapshot().status === 'active') this.actor.send({ type: 'close', timeoutMs });
  }

  abandon(): void {
    this.actor.send({ type: 'abandon' });
  }

  /** Does at once, or in a turn of its own when requests are out anyway, what has become possible. */
  #wake(): void {
    if (this.#isWakeScheduled || this.#isReleased) return;
    this.#isWakeScheduled = true;
    this.#hold();
    if (this.#sender.inFlightRequests === 0) queueMicrotask(this.#awake);
    else this.#ports.clock.setImmediate(this.#awake);
  }

  readonly #reportFailure = (batch: Batch, _index: number, error: DeliveryError): void => {
    const { topic, index } = batch.queue;
    this.#events.emit('deliveryFailed', { topic: topic.name, partition: index, error });
  };

  readonly #awake = (): void => {
    this.#isWakeScheduled = false;
    if (this.#isReleased) return;
    if (this.#isRunning) this.#drain();
    else this.actor.send({ type: 'batch.ready' });
  };

  #drain(): void {
    this.#isRunning = true;
    this.#stampsLeft = 0;
    const { clock } = this.#ports;
    this.intake.admit();
    // Timers may fire a fraction of a millisecond early.
    const lingerEndsMs = this.accumulator.endLingersDue(clock.now() + 1);
    this.#sender.drain();
    if (this.#isRunning) this.#alarm.set(lingerEndsMs);
    this.#setAlarm();
  }

  #setAlarm(): void {
    const oldest = this.accumulator.oldest();
    const deadlineMs =
      oldest === undefined ? Number.POSITIVE_INFINITY : oldest.acceptedAtMs + this.#settings.deliveryTimeoutMs;
    this.#alarm.set(Math.min(deadlineMs, this.#sender.nextRetryAtMs, this.#intakeDueMs));
  }

  #tick(): void {
    const nowMs = this.#ports.clock.now();
    this.#sender.expire(nowMs);
    this.#intakeDueMs = this.intake.expire(nowMs);
    this.#drain();
  }

  #lingering(): void {
    this.#hold();
    if (this.#isRunning) this.#wake();
    else this.actor.send({ type: 'batch.opened' });
    this.#setAlarm();
  }

  #backlog(): Backlog {
    const { accumulator } = this;
    const { clock } = this.#ports;
    const settings = this.#settings;
    return {
      get unsettled() {
        return accumulator.unsettled;
      },
      get ready() {
        return accumulator.due > 0;
      },
      get dueInMs() {
        const endsMs = accumulator.lingerEndsMs ?? clock.now() + settings.lingerMs;
        return Math.max(0, Math.ceil(endsMs - clock.now()));
      },
    };
  }

  #machine(): typeof producerMachine {
    const settings = this.#settings;
    const { random } = this.#ports;
    const backoff = ({ context }: { context: { failures: number } }) =>
      backoffMs(context.failures, settings.retryBackoffMs, settings.retryBackoffMaxMs, random);
    return producerMachine.provide({
      actors: {
        sender: fromCallback<{ type: 'drain' }>(({ receive }) => {
          receive(() => this.#drain());
        }),
        metadata: metadataMachine.provide({
          guards: {
            isComplete: () => this.intake.waitingTopics.size === 0 && !this.#sender.isStuck,
            hasUnasked: () => this.#topicsInUse().some((topic) => !topic.isAsked),
            isInUse: () => this.#topicsInUse().length > 0,
          },
          delays: { maxAge: () => settings.metadataMaxAgeMs, backoff },
          actions: {
            fetch: () => this.#fetchMetadata(),
            reportFresh: () => this.actor.send({ type: 'metadata.fresh' }),
          },
        }),
        idempotence: idempotenceMachine.provide({
          delays: { backoff },
          actions: {
            requestId: () => this.#requestId(),
            adopt: ({ context }) =>
              this.#sender.adopt({ producerId: BigInt(context.producerId!), epoch: context.epoch }),
            giveUpIdempotence: () => this.#giveUpIdempotence(),
          },
        }),
        transaction: transactionMachine.provide(this.transactions?.implementations() ?? {}),
        broker: brokerMachine.provide(this.#network.implementations()),
      },
      actions: {
        refuseRecords: () => this.#refuseRecords(),
        failBacklog: () => this.#failBacklog(),
        release: () => this.#release(),
      },
    });
  }

  #fetchMetadata(): void {
    this.#retireIdleTopics();
    const topics = this.#topicsInUse();
    // In a turn of its own: it may need links, and those need the machine, which is at work just now.
    Promise.resolve()
      .then(() => this.#cluster.fetch(topics))
      .then(
        () => this.#tellChild('metadata', { type: 'fetched' }),
        (thrown: unknown) => {
          this.#ports.logger.warn('no metadata', { reason: toError(thrown).message });
          this.#tellChild('metadata', { type: 'failed' });
        },
      );
  }

  #topicsInUse(): Topic[] {
    return [...this.accumulator.topics.values()].filter((topic) => !topic.isIdle);
  }

  /** Brokers are not asked about topics that nobody uses. */
  #retireIdleTopics(): void {
    const usedSince = this.#ports.clock.now() - this.#settings.metadataMaxIdleMs;
    for (const topic of this.accumulator.topics.values()) {
      if (topic.usedAtMs >= usedSince || topic.waiting.length > 0) continue;
      if (topic.partitions.every((queue) => queue.length === 0)) topic.isIdle = true;
    }
  }

  #requestId(): void {
    Promise.resolve()
      .then(async () => {
        const link = this.#cluster.anyNode();
        if (link === null) throw new ConnectionError('NO_BROKERS', 'no broker is known yet');
        const { body } = await link.call(InitProducerIdRequest, InitProducerIdResponse, () => ({
          transactionalId: null,
          transactionTimeoutMs: 0x7fff_ffff,
        }));
        if (body.errorCode !== 0) throw new BrokerError(body.errorCode, `InitProducerId at ${link.name}`);
        const { producerId, producerEpoch } = body;
        this.#tellChild('idempotence', { type: 'identified', producerId: String(producerId), epoch: producerEpoch });
      })
      .catch((thrown: unknown) => {
        const error = toError(thrown);
        if (error instanceof ConnectionError && error.code === 'UNSUPPORTED_VERSION') {
          this.#tellChild('idempotence', { type: 'unsupported' });
          return;
        }
        const treatment = error instanceof BrokerError ? treatmentOf(error.errorCode).treatment : 'retry';
        if (treatment === 'failProducer' || treatment === 'fence') {
          this.#fatal(error as BrokerError);
          this.#tellChild('idempotence', { type: 'denied' });
          return;
        }
        this.#ports.logger.debug('no producer id', { reason: error.message });
        this.#tellChild('idempotence', { type: 'refused' });
      });
  }

  #tellChild(id: 'metadata' | 'idempotence' | 'transaction', event: { type: string } & Record<string, unknown>): void {
    if (this.#isReleased) return;
    const child = this.actor.getSnapshot().children[id] as { send(event: unknown): void } | undefined;
    child?.send(event);
  }

  #giveUpIdempotence(): void {
    const problem = 'the brokers are older than 0.11 and know nothing of idempotence';
    if (this.#settings.idempotentByName) {
      this.#fatal(new ConfigError('idempotent', `cannot be true: ${problem}`));
      return;
    }
    this.#ports.logger.warn('idempotence is off', { reason: problem });
    this.#events.emit('warning', {
      code: 'IDEMPOTENCE_UNSUPPORTED',
      message: `${problem}: a record may be stored twice; order is kept, one batch of a partition at a time`,
    });
    this.#sender.giveUpIdempotence();
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
    this.#failAll((topic, partition, persisted) => this.#endError(topic, partition, persisted));
  }

  #failAll(errorFor: (topic: string, partition: number, persisted: Persisted) => DeliveryError): void {
    this.intake.failAll((topic) => errorFor(topic.name, -1, 'no'));
    this.#sender.failAll((batch: Batch) => errorFor(batch.queue.topic.name, batch.queue.index, batch.persisted));
  }

  #transactions(transactionalId: string | null): Transactions | null {
    if (transactionalId === null) return null;
    const { clock, random } = this.#ports;
    const { maxBlockMs, transactionTimeoutMs } = this.#settings;
    const coordinator = new TransactionCoordinator(
      { ...this.#settings, transactionalId },
      { cluster: this.#cluster, clock, random, metadataStale: () => this.#whileActive({ type: 'metadata.stale' }) },
    );
    const child = () => this.actor.getSnapshot().children['transaction'];
    return new Transactions(transactionalId, {
      coordinator,
      clock,
      maxBlockMs,
      transactionTimeoutMs,
      state: () => (child()?.getSnapshot() as { value: TransactionState } | undefined)?.value ?? 'fatalError',
      tell: (event) => this.#tellChild('transaction', event),
      flush: () => this.accumulator.flush(),
      isQuiet: () => this.#sender.isQuiet,
      failRecords: (errorFor) => {
        this.#failAll(errorFor);
        this.#wake();
      },
      adopt: (identity) => this.#sender.adopt(identity),
      enlist: (queue) => this.#sender.enlist(queue),
      refuse: (refusal) => {
        if (this.refusal === null || this.refusal instanceof TransactionError) this.refusal = refusal;
      },
      fatal: (error) => this.#fatal(error),
      busy: (isBusy) => {
        if (isBusy) this.#hold();
        else this.#letGo();
      },
    });
  }

  #whileActive(event: { type: 'metadata.stale' }): void {
    if (this.actor.getSnapshot().status === 'active') this.actor.send(event);
  }

  /** The process may end when nothing is pending. */
  #letGo(): void {
    if (this.accumulator.unsettled > 0 || this.transactions?.isBusy === true) return;
    if (this.#ports.clock instanceof SystemClock) this.#ports.clock.release();
  }

  #endError(topic: string, partition: number, persisted: Persisted): DeliveryError {
    const cause = this.#fatalCause;
    if (cause === null) {
      return new DeliveryError('CLOSED', `topic "${topic}": the producer was closed before it was delivered`, {
        persisted,
        topic,
        partition,
        hint: 'Give close() more time, or await flush() before it.',
      });
    }
    const hint = cause instanceof BrokerError ? treatmentOf(cause.errorCode).hint : 'See the cause.';
    return new DeliveryError('PRODUCER_FAILED', `topic "${topic}": the producer has failed: ${cause.message}`, {
      persisted,
      topic,
      partition,
      hint,
      cause,
    });
  }

  #fatal(error: KafkaError): void {
    if (this.#fatalCause !== null) return;
    this.#fatalCause = error;
    this.#ports.logger.error('the producer has failed', { reason: error.message });
    this.transactions?.stop(error);
    this.actor.send({ type: 'failed' });
  }

  #release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.transactions?.stop(new KafkaError('CLOSED', 'the producer was closed'));
    this.#alarm.stop();
    this.#network.close();
    if (this.#ports.clock instanceof SystemClock) this.#ports.clock.release();
    this.#resolveClosed();
  }

  #hold(): void {
    if (this.#ports.clock instanceof SystemClock && !this.#isReleased) this.#ports.clock.hold();
  }

  #watchStates(): void {
    let last: unknown = 'idle';
    this.actor.subscribe({
      next: (snapshot) => {
        if (snapshot.value === last) return;
        const from = last as ProducerState;
        last = snapshot.value;
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

  #intakeEvents(): ConstructorParameters<typeof Intake>[3] {
    const cluster = () => this.#cluster;
    return {
      unknown: () => this.actor.send({ type: 'metadata.stale' }),
      waiting: (untilMs) => {
        this.#hold();
        this.#intakeDueMs = Math.min(this.#intakeDueMs, untilMs);
        this.#alarm.set(untilMs);
      },
      failed: (topic, error, isAwaited) => {
        this.transactions?.recordFailed(error);
        if (!isAwaited) this.#events.emit('deliveryFailed', { topic: topic.name, partition: error.partition, error });
      },
      get metadataFailure() {
        return cluster().failure;
      },
    };
  }

  #senderEvents(): ConstructorParameters<typeof Sender>[2] {
    return {
      wake: () => this.#wake(),
      quiet: () => {
        this.#letGo();
        this.transactions?.quiet();
        if (!this.#isRunning) return;
        this.#isRunning = false;
        this.actor.send({ type: 'sender.quiet' });
      },
      metadataStale: () => this.actor.send({ type: 'metadata.stale' }),
      identityWanted: () => this.actor.send({ type: 'identity.wanted' }),
      restartWanted: (renew) => {
        if (this.transactions !== null) this.transactions.restartWanted();
        else this.#tellChild('idempotence', { type: renew ? 'renew' : 'bump' });
      },
      lost: (error) => this.transactions?.recordFailed(error),
      delivered: (batch, baseOffset) => {
        if (!this.#events.has('delivered')) return;
        const { topic, index } = batch.queue;
        this.#events.emit('delivered', { topic: topic.name, partition: index, baseOffset, count: batch.count });
      },
      failed: (topic, error) =>
        this.#events.emit('deliveryFailed', { topic: topic.name, partition: error.partition, error }),
      fatal: (error) => this.#fatal(error),
    };
  }

  #networkEvents(): ConstructorParameters<typeof Network>[2] {
    const cluster = () => this.#cluster;
    return {
      linkAdded: (link) => this.#startLink(link),
      linkRemoved: (link) => {
        link.actor?.send({ type: 'close' });
        this.actor.send({ type: 'broker.gone', broker: link.key });
      },
      linkReady: (link) => {
        this.#hasConnected = true;
        this.#sender.linkReady(link);
      },
      linkFailed: (link) => {
        if (link.ready.size > 0) this.actor.send({ type: 'metadata.stale' });
      },
      linkLost: (link) => {
        if (link.ready.size > 0) this.actor.send({ type: 'metadata.stale' });
      },
      throttled: (link, throttleMs) => this.#events.emit('throttled', { broker: link.name, throttleMs }),
      refused: (link, error) => {
        this.#ports.logger.warn('a broker refuses this client', { broker: link.name, reason: error.message });
        const cause =
          error instanceof KafkaError ? error : new KafkaError(codeOf(error), error.message, { cause: error });
        // Once it worked elsewhere with the same settings, it may be that broker alone: what waits for it fails at
        // once, since trying again with the same credentials would only lock an account.
        if (this.#hasConnected) this.#sender.failLedBy(link, (batch) => refusedBy(link, cause, batch));
        else this.#fatal(cause);
      },
      get clusterId() {
        return cluster().clusterId;
      },
    };
  }

  #startLink(link: BrokerLink): void {
    if (this.actor.getSnapshot().status !== 'active') return;
    this.actor.send({ type: 'broker.found', broker: link.key });
    const actor = this.actor.getSnapshot().children[link.key];
    link.actor = (actor as ActorRefFrom<typeof brokerMachine> | undefined) ?? null;
  }
}

function refusedBy(link: BrokerLink, cause: KafkaError, batch: Batch): DeliveryError {
  const { topic, index } = batch.queue;
  return new DeliveryError(cause.code, `topic "${topic.name}": ${link.name} refuses this client: ${cause.message}`, {
    persisted: batch.persisted,
    topic: topic.name,
    partition: index,
    hint: 'Correct it there or here, then send again.',
    cause,
  });
}

function codeOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : 'CONNECT_FAILED';
}
