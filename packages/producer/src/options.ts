import { isIPv6 } from 'node:net';
import { maxDelayMs } from './backoff.ts';
import { ConfigError } from './errors.ts';
import type { InspectOption } from './inspection.ts';
import type { Logger } from './logger.ts';
import { nearestName } from './nearest-name.ts';
import { namedPartitioners, type PartitionerOption } from './partitioner.ts';
import type { Clock, Random, Transport } from './ports.ts';
import type { AllowedBrokers, ResolveBroker, SaslOptions, SocketFactory, TlsOptions } from './security/index.ts';

/** How the records of a batch are compressed; `null` is not at all. */
export type CompressionOption = 'gzip' | 'snappy' | 'lz4' | 'zstd' | null;

/** Makes the bytes of a record's value. Text is sent as UTF-8. */
export type Serializer = (value: unknown, topic: string) => Uint8Array | string | null;

/** Makes the key of a message that came without one; `null` is no key. */
export type KeyMaker = (value: unknown, topic: string) => Uint8Array | string | null;

/** Options of `createProducer`. Only `brokers` is needed. */
export interface ProducerOptions {
  /** `host` or `host:port` (9092 by default), one or several: where to learn about the cluster. */
  brokers: string | readonly string[];
  /** The name under which brokers log and count this client. Default: `kiel`. */
  clientId?: string;

  /** Makes bytes of values that are neither bytes nor null. Default: JSON. */
  serializer?: Serializer;
  /** Makes keys for messages that come without one. Default: no key. */
  keyMaker?: KeyMaker | null;
  /**
   * Chooses partitions: a name, or a function `(key, partitions, context)` that returns one of `partitions`.
   * Default: `default`: with a key as Java's client does (murmur2), without one a random partition a batch, fewer
   * to those whose queues are long.
   */
  partitioner?: PartitionerOption;

  /**
   * Messages waiting, over all topics, that start a flush. Default: 1, go as soon as possible; unlimited if only
   * `lingerMs` is given.
   */
  batchSize?: number;
  /** The longest that a record waits for company. Default: 0; with a `batchSize` above 1, 5,000. */
  lingerMs?: number;
  /** The most bytes of one batch before compression. Default: 256 KiB. */
  batchBytes?: number;
  /** How the records of a batch are compressed. Default: `null`, not at all. */
  compression?: CompressionOption;
  /**
   * The compression's own scale: gzip 1 to 9 (default 6), zstd -131072 to 22 (default 1). With lz4, 1 to 17 as in other
   * clients is taken and changes nothing: there is one encoder, and it is as fast as level 1.
   */
  compressionLevel?: number;
  /** -1: all in-sync replicas store a record before it counts as delivered; 1: the leader; 0: nobody is asked. Default: -1. */
  requiredAcks?: -1 | 0 | 1;
  /** How long a broker waits for its replicas. Default: 500 ms. */
  ackTimeout?: number;

  /** No record twice and none out of order, whatever the network does. Default: true, where brokers know it. */
  idempotent?: boolean;
  /** The name under which this producer's transactions survive a restart. Default: no transactions. */
  transactionalId?: string;
  /**
   * The longest that a transaction may be open: then its coordinator aborts it, and this producer is over. Brokers allow
   * up to 15 minutes, if not set otherwise. Default: 60 s.
   */
  transactionTimeoutMs?: number;
  /**
   * Transactions are open until this producer ends them, however long that takes (KIP-939): for a commit that an outside
   * coordinator decides on. Brokers have to allow it. Default: false.
   */
  transactionTwoPhaseCommit?: boolean;

  /** The most bytes of one request. Default: 1 MiB. */
  maxRequestBytes?: number;
  /** Memory for records that are not yet delivered. Default: 32 MiB. */
  bufferBytes?: number;
  /** The longest that a record waits for room in the buffer and for its topic's metadata. 0: not at all. Default: 60 s. */
  maxBlockMs?: number;
  /**
   * Produce requests on their way to one broker at a time, 5 at most if idempotent. Default: 5. With
   * `idempotent: false`, more than 1 lets a retried batch come after younger ones.
   */
  maxInFlight?: number;
  /** The longest from `produce()` to the record's settlement, everything included. Default: 120 s. */
  deliveryTimeoutMs?: number;
  /** The longest that a broker may take for one answer. Default: 30 s. */
  requestTimeoutMs?: number;
  /** The wait after a first failure; it doubles with each further one. Default: 100 ms. */
  retryBackoffMs?: number;
  /** The longest wait between attempts. Default: 1,000 ms. */
  retryBackoffMaxMs?: number;
  /** The wait before connecting again to a broker that failed. Default: 50 ms. */
  reconnectBackoffMs?: number;
  /** The longest wait before connecting again. Default: 1,000 ms. */
  reconnectBackoffMaxMs?: number;
  /** The longest that connecting, TLS and authentication may take, each. Default: 10 s. */
  connectionSetupTimeoutMs?: number;
  /** The cluster's picture is fetched anew when it is so old. Default: 5 minutes. */
  metadataMaxAgeMs?: number;
  /** Topics not produced to for so long are forgotten. Default: 5 minutes. */
  metadataMaxIdleMs?: number;
  /** Connections not used for so long are closed. Default: 9 minutes. */
  connectionsMaxIdleMs?: number;
  /** Topics that do not exist are created by the first record, where the cluster allows it. Default: true. */
  autoCreateTopics?: boolean;
  /** The rack or zone of this client, for the `rackAware` partitioner. */
  rack?: string;

  /** TLS: `true`, or the options of `node:tls`. Default: plain TCP. */
  tls?: TlsOptions | false;
  /** Authentication. Default: none. */
  sasl?: SaslOptions;
  /** Where to connect instead of the address that a broker advertises, for tunnels and port forwarding. */
  resolveBroker?: ResolveBroker;
  /** Makes the connection below TLS, for proxies with a protocol of their own. Default: TCP. */
  socketFactory?: SocketFactory;
  /** The addresses that a cluster may send this client to. Default: any. */
  allowedBrokers?: AllowedBrokers;

  /** Receives what happens, as pino and its likes do. Default: silent. */
  logger?: Logger;
  /** Tells brokers the metrics that they ask for (KIP-714); most ask for none. Default: true. */
  metricsPush?: boolean;
  /**
   * Observes the producer's machines: xstate's `inspect`, for Stately's inspector and the like. It sees states, events
   * and counters, and neither messages nor secrets. What it throws is logged and goes no further.
   */
  inspect?: InspectOption;

  /** The network. Default: TCP. */
  transport?: Transport;
  /** Time. Default: this machine's. */
  clock?: Clock;
  /** Randomness. Default: Math.random. */
  random?: Random;
  /**
   * `inline` compresses in the turn that sends, and a run depends on nothing but its inputs; `threaded` lets gzip and
   * zstd run beside it. Default: `inline` with a `clock` of your own, else `threaded`.
   */
  compressionMode?: 'inline' | 'threaded';
}

/** All options with their defaults filled in. */
export interface Settings {
  readonly brokers: readonly { readonly host: string; readonly port: number }[];
  readonly clientId: string;
  readonly serializer: Serializer | null;
  readonly keyMaker: KeyMaker | null;
  readonly partitioner: PartitionerOption;
  readonly batchSize: number;
  readonly lingerMs: number;
  readonly batchBytes: number;
  readonly compression: CompressionOption;
  readonly compressionLevel: number | undefined;
  readonly requiredAcks: -1 | 0 | 1;
  readonly ackTimeout: number;
  readonly idempotent: boolean;
  /** It was asked for by name, so a broker that cannot is an error rather than a warning. */
  readonly idempotentByName: boolean;
  readonly transactionalId: string | null;
  readonly transactionTimeoutMs: number;
  readonly transactionTwoPhaseCommit: boolean;
  readonly maxRequestBytes: number;
  readonly bufferBytes: number;
  readonly maxBlockMs: number;
  readonly maxInFlight: number;
  readonly deliveryTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
  readonly reconnectBackoffMs: number;
  readonly reconnectBackoffMaxMs: number;
  readonly connectionSetupTimeoutMs: number;
  readonly metadataMaxAgeMs: number;
  readonly metadataMaxIdleMs: number;
  readonly connectionsMaxIdleMs: number;
  readonly autoCreateTopics: boolean;
  readonly rack: string | null;
  readonly compressionMode: 'inline' | 'threaded';
  readonly metricsPush: boolean;
}

type Check = (value: unknown) => string | null;

const text: Check = (value) => (typeof value === 'string' && value !== '' ? null : 'must be text, and not empty');
const flag: Check = (value) => (typeof value === 'boolean' ? null : 'must be true or false');
const callable: Check = (value) => (typeof value === 'function' ? null : 'must be a function');
const object: Check = (value) => (typeof value === 'object' && value !== null ? null : 'must be an object');
const callableOrNull: Check = (value) => (value === null ? null : callable(value));
const delay: Check = (value) =>
  typeof value === 'number' && value >= 0 && value <= maxDelayMs
    ? null
    : `must be milliseconds from 0 to ${maxDelayMs}`;
const wait: Check = (value) =>
  typeof value === 'number' && value > 0 && value <= maxDelayMs
    ? null
    : `must be milliseconds above 0, to ${maxDelayMs}`;
const whole =
  (least: number, most: number): Check =>
  (value) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
      ? null
      : `must be a whole number from ${least} to ${most}`;
const oneOf =
  (...values: unknown[]): Check =>
  (value) =>
    values.includes(value) ? null : `must be ${values.map((each) => JSON.stringify(each)).join(', ')}`;

const checks: Readonly<Record<keyof ProducerOptions, Check>> = {
  brokers: (value) => {
    if (Array.isArray(value) && value.length === 0) return 'must have at least one entry';
    return typeof value === 'string' || Array.isArray(value) ? null : 'must be "host:port" or a list of such';
  },
  clientId: text,
  serializer: callable,
  keyMaker: callableOrNull,
  partitioner: (value) =>
    typeof value === 'function' || namedPartitioners.includes(value as never)
      ? null
      : `must be a function or one of ${namedPartitioners.map((name) => `"${name}"`).join(', ')}`,
  batchSize: (value) =>
    value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && (value as number) >= 1)
      ? null
      : 'must be a whole number of at least 1',
  lingerMs: delay,
  batchBytes: whole(128, 1 << 30),
  compression: oneOf(null, 'gzip', 'snappy', 'lz4', 'zstd'),
  compressionLevel: whole(-131_072, 22),
  requiredAcks: oneOf(-1, 0, 1),
  ackTimeout: delay,
  idempotent: flag,
  transactionalId: text,
  transactionTimeoutMs: whole(1, maxDelayMs),
  transactionTwoPhaseCommit: flag,
  maxRequestBytes: whole(1024, 1 << 30),
  bufferBytes: whole(1024, Number.MAX_SAFE_INTEGER),
  maxBlockMs: delay,
  maxInFlight: whole(1, 1_000_000),
  deliveryTimeoutMs: wait,
  requestTimeoutMs: wait,
  retryBackoffMs: delay,
  retryBackoffMaxMs: delay,
  reconnectBackoffMs: delay,
  reconnectBackoffMaxMs: delay,
  connectionSetupTimeoutMs: wait,
  metadataMaxAgeMs: wait,
  metadataMaxIdleMs: wait,
  connectionsMaxIdleMs: wait,
  autoCreateTopics: flag,
  rack: text,
  tls: (value) => (typeof value === 'boolean' || typeof value === 'function' ? null : object(value)),
  sasl: object,
  resolveBroker: callable,
  socketFactory: callable,
  allowedBrokers: (value) =>
    Array.isArray(value) || typeof value === 'function' ? null : 'must be a list or a function',
  logger: (value) => object(value) ?? missingMethod(value as object),
  metricsPush: flag,
  inspect: (value) =>
    typeof value === 'function' || typeof (value as { next?: unknown } | null)?.next === 'function'
      ? null
      : 'must be a function, or an observer with a method "next"',
  transport: object,
  clock: object,
  random: callable,
  compressionMode: oneOf('inline', 'threaded'),
};

function missingMethod(logger: object): string | null {
  const missing = ['debug', 'info', 'warn', 'error'].find((name) => !(name in logger));
  return missing === undefined ? null : `must have a method "${missing}"`;
}

/** Their values are never shown. */
const secret: ReadonlySet<string> = new Set(['sasl', 'tls']);

/** Names that users of other clients try, and what they are called here. */
const otherNames: Readonly<Record<string, keyof ProducerOptions>> = {
  'bootstrap.servers': 'brokers',
  bootstrapServers: 'brokers',
  bootstrapBrokers: 'brokers',
  acks: 'requiredAcks',
  'request.required.acks': 'requiredAcks',
  'linger.ms': 'lingerMs',
  'queue.buffering.max.ms': 'lingerMs',
  'batch.size': 'batchBytes',
  'buffer.memory': 'bufferBytes',
  'compression.type': 'compression',
  'compression.codec': 'compression',
  'enable.idempotence': 'idempotent',
  'max.in.flight.requests.per.connection': 'maxInFlight',
  maxInFlightRequests: 'maxInFlight',
  'max.request.size': 'maxRequestBytes',
  'transactional.id': 'transactionalId',
  'transaction.timeout.ms': 'transactionTimeoutMs',
  'transaction.two.phase.commit.enable': 'transactionTwoPhaseCommit',
  ssl: 'tls',
  timeout: 'ackTimeout',
  'request.timeout.ms': 'requestTimeoutMs',
  'delivery.timeout.ms': 'deliveryTimeoutMs',
  requestTimeout: 'requestTimeoutMs',
  connectionTimeout: 'connectionSetupTimeoutMs',
  'client.rack': 'rack',
  'enable.metrics.push': 'metricsPush',
};

/**
 * Checks the options and fills in the defaults.
 *
 * @throws ConfigError that names the option, what it may be, and the nearest right name of a wrong one.
 */
export function readOptions(options: ProducerOptions): Settings {
  if (typeof options !== 'object' || options === null) {
    throw new ConfigError('brokers', 'is missing: createProducer({ brokers: ["host:9092"] })');
  }
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, name) ? checks[name as keyof ProducerOptions] : undefined;
    if (check === undefined) throw new ConfigError(name, `does not exist${suggestion(name)}`);
    if (value === undefined) continue;
    const problem = check(value);
    if (problem !== null)
      throw new ConfigError(name, `${problem}, got ${secret.has(name) ? typeof value : describe(value)}`);
  }
  if (options.brokers === undefined) {
    throw new ConfigError('brokers', 'is missing: createProducer({ brokers: ["host:9092"] })');
  }
  const settings = withDefaults(options);
  checkTogether(options, settings);
  return settings;
}

function withDefaults(options: ProducerOptions): Settings {
  const requiredAcks = options.requiredAcks ?? -1;
  const retryBackoffMs = options.retryBackoffMs ?? 100;
  const reconnectBackoffMs = options.reconnectBackoffMs ?? 50;
  const batchSize = options.batchSize ?? (options.lingerMs === undefined ? 1 : Number.POSITIVE_INFINITY);
  const maxRequestBytes = options.maxRequestBytes ?? 1_048_576;
  // Whoever asks for fewer acknowledgements, or for more in flight, and says nothing of idempotence gets what he asks.
  const canBeIdempotent = requiredAcks === -1 && (options.maxInFlight ?? 5) <= 5;
  return {
    brokers: readBrokers(options.brokers),
    clientId: options.clientId ?? 'kiel',
    serializer: options.serializer ?? null,
    keyMaker: options.keyMaker ?? null,
    partitioner: options.partitioner ?? 'default',
    batchSize,
    lingerMs: options.lingerMs ?? (batchSize > 1 ? 5_000 : 0),
    batchBytes: Math.min(options.batchBytes ?? 262_144, maxRequestBytes),
    compression: options.compression ?? null,
    compressionLevel: options.compressionLevel,
    requiredAcks,
    ackTimeout: options.ackTimeout ?? 500,
    idempotent: options.idempotent ?? canBeIdempotent,
    idempotentByName: options.idempotent === true || options.transactionalId !== undefined,
    transactionalId: options.transactionalId ?? null,
    transactionTimeoutMs:
      options.transactionTimeoutMs ?? (options.transactionTwoPhaseCommit === true ? maxDelayMs : 60_000),
    transactionTwoPhaseCommit: options.transactionTwoPhaseCommit ?? false,
    maxRequestBytes,
    bufferBytes: options.bufferBytes ?? 33_554_432,
    maxBlockMs: options.maxBlockMs ?? 60_000,
    maxInFlight: options.maxInFlight ?? 5,
    deliveryTimeoutMs: options.deliveryTimeoutMs ?? 120_000,
    requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
    retryBackoffMs,
    retryBackoffMaxMs: options.retryBackoffMaxMs ?? Math.max(1_000, retryBackoffMs),
    reconnectBackoffMs,
    reconnectBackoffMaxMs: options.reconnectBackoffMaxMs ?? Math.max(1_000, reconnectBackoffMs),
    connectionSetupTimeoutMs: options.connectionSetupTimeoutMs ?? 10_000,
    metadataMaxAgeMs: options.metadataMaxAgeMs ?? 300_000,
    metadataMaxIdleMs: options.metadataMaxIdleMs ?? 300_000,
    connectionsMaxIdleMs: options.connectionsMaxIdleMs ?? 540_000,
    autoCreateTopics: options.autoCreateTopics ?? true,
    rack: options.rack ?? null,
    metricsPush: options.metricsPush ?? true,
    compressionMode: options.compressionMode ?? (options.clock === undefined ? 'threaded' : 'inline'),
  };
}

function checkTogether(options: ProducerOptions, settings: Settings): void {
  const { idempotent, requiredAcks, maxInFlight, transactionalId, compression, compressionLevel } = settings;
  if (idempotent && requiredAcks !== -1) {
    throw new ConfigError('requiredAcks', `must be -1 with idempotent: true, got ${requiredAcks}`);
  }
  if (idempotent && maxInFlight > 5) {
    throw new ConfigError(
      'maxInFlight',
      `must be at most 5 with idempotent: true, got ${maxInFlight}: brokers remember no more than five batches`,
    );
  }
  if (transactionalId !== null && !idempotent) {
    throw new ConfigError('transactionalId', 'needs idempotent: true, requiredAcks: -1 and maxInFlight of at most 5');
  }
  if (transactionalId === null && options.transactionTimeoutMs !== undefined) {
    throw new ConfigError('transactionTimeoutMs', 'has no meaning without transactionalId');
  }
  if (settings.transactionTwoPhaseCommit) {
    if (transactionalId === null) {
      throw new ConfigError('transactionTwoPhaseCommit', 'has no meaning without transactionalId');
    }
    if (options.transactionTimeoutMs !== undefined) {
      throw new ConfigError('transactionTimeoutMs', 'has no meaning with transactionTwoPhaseCommit: there is no limit');
    }
  }
  if (settings.retryBackoffMaxMs < settings.retryBackoffMs) {
    throw new ConfigError('retryBackoffMaxMs', `must be at least retryBackoffMs, which is ${settings.retryBackoffMs}`);
  }
  if (settings.reconnectBackoffMaxMs < settings.reconnectBackoffMs) {
    throw new ConfigError(
      'reconnectBackoffMaxMs',
      `must be at least reconnectBackoffMs, which is ${settings.reconnectBackoffMs}`,
    );
  }
  if (settings.lingerMs > settings.deliveryTimeoutMs) {
    throw new ConfigError('lingerMs', `must be less than deliveryTimeoutMs, which is ${settings.deliveryTimeoutMs}`);
  }
  if (options.batchBytes !== undefined && options.batchBytes > settings.maxRequestBytes) {
    throw new ConfigError('batchBytes', `must be at most maxRequestBytes, which is ${settings.maxRequestBytes}`);
  }
  if (compressionLevel !== undefined) checkLevel(compression, compressionLevel);
}

const levels = { gzip: [1, 9], lz4: [1, 17], zstd: [-131_072, 22] } as const;

function checkLevel(compression: CompressionOption, level: number): void {
  if (compression === null || compression === 'snappy') {
    throw new ConfigError('compressionLevel', `has no meaning with compression ${JSON.stringify(compression)}`);
  }
  const [least, most] = levels[compression];
  if (level < least || level > most) {
    throw new ConfigError('compressionLevel', `must be from ${least} to ${most} with ${compression}, got ${level}`);
  }
}

function readBrokers(brokers: string | readonly string[]): { host: string; port: number }[] {
  const entries = typeof brokers === 'string' ? brokers.split(',') : brokers;
  return entries.map((entry) => {
    const address = typeof entry === 'string' ? readAddress(entry.trim()) : null;
    if (address === null) {
      throw new ConfigError('brokers', `must hold "host" or "host:port", got ${describe(entry)}`);
    }
    return address;
  });
}

/** `host`, `host:port`, `[v6]`, `[v6]:port`, a bare IPv6 address; null if it is none of them. */
export function readAddress(entry: string): { host: string; port: number } | null {
  const bracketed = /^\[([0-9a-fA-F:.%\w]+)\](?::(\d+))?$/.exec(entry);
  const isBareV6 = bracketed === null && isIPv6(entry);
  const plain = bracketed === null && !isBareV6 ? /^([^\s:/@]+)(?::(\d+))?$/.exec(entry) : null;
  const host = bracketed?.[1] ?? (isBareV6 ? entry : plain?.[1]);
  if (host === undefined) return null;
  const port = Number(bracketed?.[2] ?? plain?.[2] ?? 9092);
  return port >= 1 && port <= 65_535 ? { host, port } : null;
}

function suggestion(name: string): string {
  const known = Object.hasOwn(otherNames, name) ? otherNames[name] : nearestName(name, Object.keys(checks));
  return known === undefined ? '' : `; did you mean "${known}"?`;
}

/** The value's type, and the value itself where it is short and no secret. */
function describe(value: unknown): string {
  // An address with a user in it has a password in it.
  if (typeof value === 'string' && value.includes('@')) return 'text with an @ in it';
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  return `a value of type ${typeof value}`;
}
