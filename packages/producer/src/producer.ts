import type { RecordBytes, RecordHeaders } from '@kiel/codec/client';
import type { ActorRefFrom } from 'xstate';
import { AbortWatch } from './abort-watch.ts';
import { checkCloseOptions, checkFlushOptions, checkProduceOptions } from './call-options.ts';
import type { Delivery, RecordDelivery } from './delivery.ts';
import { Engine, type ProducerState } from './engine.ts';
import { ConfigError, DeliveryError, type KafkaError, toError } from './errors.ts';
import { EventSink, type ProducerEvents } from './events.ts';
import type { Inspector, InspectorOptions, Recording } from './inspector/inspector.ts';
import { kindOf } from './kind-of.ts';
import { SafeLogger, silentLogger } from './logger.ts';
import type { PossibleOptions } from './option-pairs.ts';
import { readOptions, type Settings } from './options.ts';
import type { producerMachine } from './producer-machine.ts';
import {
  type HeadersInput,
  readHeaders,
  readKey,
  readTimestamp,
  readValue,
  type TimestampInput,
} from './record-input.ts';
import { allowList, saslMechanism, tlsConnector } from './security/index.ts';
import { SystemClock, systemRandom } from './system-ports.ts';
import { TcpTransport } from './tcp-transport.ts';
import { type ProduceTrace, produceChannel, traceProduce } from './telemetry/channels.ts';
import type { MetricsSnapshot } from './telemetry/snapshot.ts';
import type { Topic } from './topic.ts';
import { Transaction } from './transaction.ts';
import { noTransaction, TransactionError } from './transaction-error.ts';
import { runTransaction } from './transaction-run.ts';
import type { Transactions } from './transactions.ts';

/** Topics and the types of their values; without a map of one's own, all of them take anything. */
export type TopicMap = Record<string, unknown>;

/** What may be such a map. An interface has no index signature, and is let in by `any` alone. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type AnyTopics = Record<string, any>;

/** What can be said of one message beside its topic and value. */
export interface ProduceOptions {
  /** Messages of one key go to one partition. Text counts as UTF-8. */
  key?: Uint8Array | string | null;
  /** This partition, whatever key and partitioner say. */
  partition?: number;
  /** Pairs in order, a name as often as needed; or a plain object. */
  headers?: HeadersInput;
  /** Milliseconds since 1970, or a Date; now, if absent. */
  timestampMs?: TimestampInput;
  /**
   * Takes the message back while it waits; nothing of it is stored then. Once it was written to a socket, the
   * delivery fails all the same, as possibly persisted.
   */
  signal?: AbortSignal;
}

/** What can be said to `flush()`. */
export interface FlushOptions {
  /** Ends the waiting, and nothing else. */
  signal?: AbortSignal;
}

/** What can be said to `close()`. */
export interface CloseOptions {
  /** How long messages may still be delivered; then they fail. Default: `deliveryTimeoutMs`. */
  timeoutMs?: number;
  /** Fails what is left at once. */
  signal?: AbortSignal;
}

/** Why `close` was not free of losses: nothing, or how many deliveries failed in it is told by themselves. */
export type Unsubscribe = () => void;

/** A Kafka producer. It connects when the first message comes. */
export class Producer<Topics extends AnyTopics = TopicMap> implements AsyncDisposable {
  readonly #engine: Engine;
  readonly #events: EventSink;
  readonly #settings: Settings;
  readonly #aborts = new AbortWatch();
  #lastName: string | null = null;
  #lastTopic: Topic | null = null;
  #closing: Promise<void> | null = null;
  /** A call is being traced already. */
  #isTracing = false;

  /** @throws ConfigError for an option that does not exist or cannot be so. */
  constructor(options: PossibleOptions) {
    const settings = readOptions(options);
    const { sasl, tls } = options;
    const mechanism = configured(() => (sasl === undefined ? null : saslMechanism(sasl, options.clock)));
    const connector = configured(() => (tls === undefined || tls === false ? null : tlsConnector(tls)));
    if (connector !== null && options.transport !== undefined) {
      throw new ConfigError('tls', 'has no effect with a "transport" of your own: secure the connections there');
    }
    const isAllowed = configured(() => allowList(options.allowedBrokers, settings.brokers));
    const clock = options.clock ?? new SystemClock();
    const logger = new SafeLogger(options.logger ?? silentLogger, settings.clientId, () => clock.now());
    this.#settings = settings;
    this.#events = new EventSink(logger);
    this.#engine = new Engine(
      settings,
      {
        transport: options.transport ?? new TcpTransport(connector, options.socketFactory),
        clock,
        random: options.random ?? systemRandom,
        logger,
        sasl: mechanism,
        resolveBroker: options.resolveBroker,
        isAllowed,
        inspect: options.inspect,
        owner: this as unknown as Producer,
      },
      this.#events,
    );
  }

  /**
   * Queues one message and returns at once; await the result only if you need it.
   *
   * Messages of one partition are delivered in call order. Byte arrays are copied before this returns.
   *
   * @param value - `null` is a tombstone; bytes go as they are; anything else goes through the serializer.
   * @returns settles once, with topic, partition, offset (-1n with `requiredAcks: 0`) and timestamp, or rejects with
   *   DeliveryError, whose `persisted` tells its fate; BufferFullError over `bufferBytes`: await `ready()`.
   * @throws TypeError or RangeError for a topic, key, value, header, partition or timestamp that no record can have,
   *   and for a misspelt option (in the first calls of a topic, and in any that has no other); whatever the serializer
   *   throws. Nothing has changed then.
   */
  produce<Name extends string & keyof Topics>(topic: Name, value: Topics[Name], options?: ProduceOptions): Delivery {
    if (produceChannel.hasSubscribers && !this.#isTracing) return this.#traced(topic, value, options);
    const engine = this.#engine;
    const found = topic === this.#lastName ? this.#lastTopic! : this.#topic(topic);
    const bytes = readValue(topic, value, this.#settings.serializer);
    engine.stamp();
    found.usedAtMs = engine.nowMs;
    if (engine.refusal !== null) return this.#refuse(topic);
    if (found.isIdle) engine.revive(found);
    if (options === undefined && this.#settings.keyMaker === null) {
      return engine.intake.accept(found, -1, null, bytes, undefined, engine.epochMs, engine.nowMs, value);
    }
    return this.#produceWith(found, value, bytes, options ?? {});
  }

  /**
   * Runs `work` in a transaction: committed when it returns, aborted when it throws, and then what it threw is thrown.
   * It is not waited for when the transaction ends before it: by `abort()`, by `close()`, or because it is fenced.
   *
   * @returns what `work` returned.
   * @throws TransactionError when there can be no transaction, or it was not committed: `outcome` says what became of
   *   it, and the message which record is to blame. TypeError when `work` is no function.
   */
  async transaction<Result>(work: (tx: Transaction<Topics>) => Result | PromiseLike<Result>): Promise<Result> {
    const transactions = this.#transactions('transaction');
    return runTransaction(
      transactions,
      {
        begin: () => this.begin(),
        commit: (serial) => this.#engine.telemetry.timed('commit', transactions.commitOnce(serial)),
        abort: () => this.abort(),
        // What went wrong first is thrown.
        abortFailed: (thrown, failure) =>
          this.#events.emit('warning', {
            code: 'ABORT_FAILED',
            message: `a transaction was not aborted after "${toError(thrown).message}": ${toError(failure).message}`,
          }),
      },
      work,
    );
  }

  /**
   * Begins a transaction: what is produced until `commit()` is seen as a whole by those who read committed records, or
   * not at all. There is one at a time.
   *
   * @throws TransactionError `TRANSACTION_OPEN` when one is open, `COORDINATOR_TIMEOUT` after `maxBlockMs`, or why there
   *   can be none any more.
   */
  async begin(): Promise<Transaction<Topics>> {
    const transactions = this.#transactions('begin');
    const step = transactions.state === 'uninitialized' ? 'init' : 'begin';
    const serial = await this.#engine.telemetry.timed(step, transactions.begin());
    return new Transaction<Topics>(transactions, serial, (topic, value, options, isOpen) =>
      isOpen || this.#engine.refusal !== null
        ? this.produce(topic as string & keyof Topics, value as Topics[string & keyof Topics], options)
        : this.#refuseWith(topic, noTransaction(transactions.transactionalId)),
    );
  }

  /**
   * Delivers everything, and commits the open transaction.
   *
   * @throws TransactionError: `TRANSACTION_FAILED`, a record was not delivered, and `abort()` is to be called;
   *   `TRANSACTION_OUTCOME_UNKNOWN`, the coordinator did not answer in `maxBlockMs`: call it again to ask again.
   */
  async commit(): Promise<void> {
    await this.#engine.telemetry.timed('commit', this.#transactions('commit').commit());
  }

  /** Takes back what the open transaction did: its records are failed or never seen, its offsets do not count. */
  async abort(): Promise<void> {
    await this.#engine.telemetry.timed('abort', this.#transactions('abort').abort());
  }

  /** Resolves when everything accepted so far is settled, whatever comes after. Ends lingers. */
  flush(options: FlushOptions = {}): Promise<void> {
    checkFlushOptions(options);
    return abortable(this.#engine.flush(), options.signal);
  }

  /**
   * Takes no more messages, delivers what it has, and ends. Every delivery is settled when it resolves, and no
   * socket or timer is left. Further calls return the same.
   */
  close(options: CloseOptions = {}): Promise<void> {
    checkCloseOptions(options);
    const timeoutMs = options.timeoutMs ?? this.#settings.deliveryTimeoutMs;
    if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0)) {
      throw new TypeError(`close: timeoutMs must be milliseconds of at least 0, got ${String(timeoutMs)}`);
    }
    const { signal } = options;
    if (this.#closing === null) this.#closing = this.#engine.close(Math.min(timeoutMs, 0x7fff_ffff));
    if (signal !== undefined) {
      const abandon = () => this.#engine.abandon();
      if (signal.aborted) abandon();
      else signal.addEventListener('abort', abandon, { once: true });
      void this.#closing.then(() => signal.removeEventListener('abort', abandon));
    }
    return this.#closing;
  }

  /**
   * Resolves when messages would be taken without waiting for room in the buffer: at once while less than 15/16 of it
   * are in use, else when a quarter is free again.
   */
  ready(): Promise<void> {
    return this.#engine.ready();
  }

  /** The buffer has room: `ready()` would resolve at once. */
  get hasRoom(): boolean {
    return this.#engine.intake.hasAmpleRoom;
  }

  /** Messages that were accepted and are not on their way. */
  get unsentCount(): number {
    return this.#engine.accumulator.unsent;
  }

  /** Messages that were accepted and are not settled. */
  get unsettledCount(): number {
    return this.#engine.accumulator.unsettled;
  }

  /** Bytes of all messages that are not settled, counted against `bufferBytes`. */
  get bufferedBytes(): number {
    return this.#engine.accumulator.bufferedBytes;
  }

  /**
   * What it measures, at this moment: rates, averages and maxima of the last minute or so, and totals, by the names
   * that they have in Java's producer. Plain data; NaN where there was nothing to measure.
   */
  metrics(): MetricsSnapshot {
    return this.#engine.telemetry.snapshot();
  }

  /** `idle`, `batching`, `flushing`, `healing`, `closing` or `closed`. */
  get state(): ProducerState {
    return this.#engine.state;
  }

  /** The running machine: subscribe to it, or show it in an inspector. Its context holds counters and no message. */
  get actor(): ActorRefFrom<typeof producerMachine> {
    return this.#engine.actor;
  }

  /**
   * Opens a page on this machine that shows the producer while it works: its machines, brokers, partitions, rates and
   * latencies. Until this is called it costs nothing, and its code is not loaded. It does not keep the process alive.
   *
   * @returns where the page is. Its `close` ends it, and so does `await using`; the producer goes on.
   * @throws ConfigError for an option that cannot be so; an Error of `node:net` when the port is taken.
   */
  async inspector(options: InspectorOptions = {}): Promise<Inspector> {
    const { openInspector } = await import('./inspector/inspector.ts');
    const actions = { flush: () => this.flush(), close: () => this.close() };
    return openInspector(this.#engine.view(), actions, options);
  }

  /**
   * Writes what the inspector's page would show into a file, for `kiel inspect FILE`: an object of JSON a line, about
   * 10 KB/s while it is busy.
   *
   * @returns its `close` ends it, and so does `await using`.
   * @throws KafkaError `RECORDING_FAILED` when the file cannot be made.
   */
  async record(path: string): Promise<Recording> {
    const { openRecording } = await import('./inspector/inspector.ts');
    return openRecording(this.#engine.view(), path);
  }

  /**
   * A stream that takes values of one topic, or messages with a key and the like through `produce`'s options. It
   * waits for room in the buffer; closing it flushes, and an undelivered message is its error.
   */
  writable<Name extends string & keyof Topics>(
    topic: Name,
    optionsFor?: (value: Topics[Name]) => ProduceOptions,
  ): WritableStream<Topics[Name]> {
    let failure: DeliveryError | null = null;
    return new WritableStream<Topics[Name]>({
      write: async (value) => {
        if (failure !== null) throw failure;
        await this.ready();
        this.produce(topic, value, optionsFor?.(value)).catch((error: DeliveryError) => {
          failure ??= error;
        });
      },
      close: async () => {
        await this.flush();
        // Failures are told a turn after they settle the flush.
        await Promise.resolve();
        if (failure !== null) throw failure;
      },
    });
  }

  /** Listens; the function returned ends it. What a listener throws is logged and goes no further. */
  on<Name extends keyof ProducerEvents>(name: Name, listener: (event: ProducerEvents[Name]) => void): Unsubscribe {
    if (typeof listener !== 'function') throw new TypeError(`on("${name}"): the listener must be a function`);
    return this.#events.add(name, listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The same call, so that subscribers of `kiel:produce` see it. */
  #traced<Name extends string & keyof Topics>(topic: Name, value: Topics[Name], options?: ProduceOptions): Delivery {
    const producer = this as unknown as Producer;
    const trace: ProduceTrace = {
      producer,
      clientId: this.#settings.clientId,
      topic,
      value,
      options: options ?? {},
    };
    return traceProduce(trace, () => {
      this.#isTracing = true;
      try {
        return this.produce(topic, value, trace.options) as RecordDelivery;
      } finally {
        this.#isTracing = false;
      }
    });
  }

  #transactions(what: string): Transactions {
    const { transactions } = this.#engine;
    if (transactions !== null) return transactions;
    throw new TransactionError('TRANSACTIONS_DISABLED', `${what}: this producer has no transactions`, {
      outcome: 'none',
      hint: 'Give it a transactionalId.',
    });
  }

  #produceWith(topic: Topic, value: unknown, bytes: RecordBytes, options: ProduceOptions): Delivery {
    const engine = this.#engine;
    const { name } = topic;
    const { keyMaker } = this.#settings;
    const given = options.key === undefined ? keyMaker?.(value, name) : options.key;
    const key = given === undefined ? null : readKey(name, given);
    const partition = readPartition(name, options.partition);
    const headers: RecordHeaders | undefined = readHeaders(name, options.headers);
    const timestampMs = options.timestampMs === undefined ? engine.epochMs : readTimestamp(name, options.timestampMs);
    const { signal } = options;
    const isBare = given === undefined && partition < 0 && headers === undefined && options.timestampMs === undefined;
    if (topic.checkedCallsLeft > 0) {
      topic.checkedCallsLeft--;
      checkProduceOptions(name, options);
    } else if (isBare && signal === undefined) {
      checkProduceOptions(name, options);
    }
    if (signal?.aborted === true) {
      return engine.refuse(
        name,
        new DeliveryError('CANCELLED', `topic "${name}": the signal was aborted before`, {
          persisted: 'no',
          topic: name,
          partition,
          hint: 'Nothing was stored.',
          cause: signal.reason,
        }),
      );
    }
    // keyMaker may have closed the producer.
    if (engine.refusal !== null) return this.#refuse(name);
    const delivery = engine.intake.accept(topic, partition, key, bytes, headers, timestampMs, engine.nowMs, value);
    if (signal !== undefined) this.#watch(topic, delivery, signal);
    return delivery;
  }

  #watch(topic: Topic, delivery: RecordDelivery, signal: AbortSignal): void {
    const cancel = () => this.#engine.cancel(topic, delivery, signal.reason);
    delivery.whenSettled(this.#aborts.watch(signal, cancel));
  }

  #topic(name: string): Topic {
    if (typeof name !== 'string' || name === '') {
      throw new TypeError(`produce: the topic must be text, and not empty; got ${kindOf(name)}`);
    }
    if (this.#engine.refusal === null) {
      const topic = this.#engine.topic(name);
      this.#lastName = name;
      this.#lastTopic = topic;
      return topic;
    }
    return this.#engine.strayTopic(name);
  }

  #refuse(topic: string): Delivery {
    return this.#refuseWith(topic, this.#engine.refusal!);
  }

  #refuseWith(topic: string, refusal: KafkaError): Delivery {
    const isClosed = refusal.code === 'CLOSED';
    if (refusal instanceof TransactionError && !isClosed) {
      const { code, message, hint } = refusal;
      // The hint stands at the message's end already.
      const problem = `topic "${topic}": ${message.slice(0, -hint.length - 2)}`;
      return this.#engine.refuse(
        topic,
        new DeliveryError(code, problem, { persisted: 'no', topic, partition: -1, hint, cause: refusal }),
      );
    }
    return this.#engine.refuse(
      topic,
      new DeliveryError(refusal.code, `topic "${topic}": ${refusal.message}`, {
        persisted: 'no',
        topic,
        partition: -1,
        hint: isClosed
          ? 'Produce before close(), or make another producer.'
          : 'See the cause, and make another producer.',
        ...(refusal.cause === undefined ? {} : { cause: refusal.cause }),
      }),
    );
  }
}

/**
 * Makes a producer. Nothing is connected before the first message.
 *
 * @throws ConfigError that names the option, what it may be, and the nearest right name of a wrong one.
 */
export function createProducer<Topics extends AnyTopics = TopicMap>(options: PossibleOptions): Producer<Topics> {
  return new Producer<Topics>(options);
}

/** The security options have an error class of their own, of the same form. */
function configured<Value>(make: () => Value): Value {
  try {
    return make();
  } catch (thrown) {
    const { option, message } = thrown as { option?: unknown; message: string };
    if (typeof option !== 'string') throw thrown;
    throw new ConfigError(option, message.replace(/^option "[^"]*" /, ''));
  }
}

function readPartition(topic: string, partition: number | undefined): number {
  if (partition === undefined) return -1;
  if (!Number.isInteger(partition) || partition < 0 || partition > 0x7fff_ffff) {
    throw new RangeError(
      `produce to "${topic}": partition must be a whole number of at least 0, got ${typeof partition === 'number' ? partition : kindOf(partition)}`,
    );
  }
  return partition;
}

function abortable(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(toError(signal.reason));
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
