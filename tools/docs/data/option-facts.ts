import type { ProducerOptions } from '../../../packages/producer/src/index.ts';

/** What the code does not say of an option: its unit, its group on the page, and what other clients call it. */
export interface OptionFacts {
  readonly group:
    | 'Where and who'
    | 'Records'
    | 'Batches'
    | 'Delivery'
    | 'Limits'
    | 'Network'
    | 'Security'
    | 'Insight'
    | 'Ports';
  readonly unit?: 'ms' | 'bytes' | 'records' | 'requests';
  /** A sentence more where the type's own does not suffice. */
  readonly more?: string;
  readonly java?: string;
  readonly librdkafka?: string;
  readonly kafkajs?: string;
}

/** Every option has an entry: a test compares this with the options themselves. */
export const optionFacts: Partial<Record<keyof ProducerOptions, OptionFacts>> = {
  brokers: {
    group: 'Where and who',
    java: 'bootstrap.servers',
    librdkafka: 'bootstrap.servers',
    kafkajs: 'brokers (Kafka)',
    more: 'One address is enough where it is up; two or three survive the loss of a broker at start.',
  },
  clientId: { group: 'Where and who', java: 'client.id', librdkafka: 'client.id', kafkajs: 'clientId (Kafka)' },
  rack: { group: 'Where and who', java: 'client.rack', librdkafka: 'client.rack (consumer only)' },
  serializer: { group: 'Records', java: 'value.serializer' },
  keyMaker: { group: 'Records' },
  partitioner: {
    group: 'Records',
    java: 'partitioner.class',
    librdkafka: 'partitioner',
    kafkajs: 'createPartitioner',
    more: 'Names: `default`, `perRecord`, `roundRobin`, `consistentRandom` (librdkafka’s default), `rackAware`. See [Keys in the same partitions](../migrate/partitioners.md).',
  },
  batchSize: {
    group: 'Batches',
    unit: 'records',
    more: 'It counts records over all topics and partitions; the limit of one batch is `batchBytes`.',
  },
  lingerMs: {
    group: 'Batches',
    unit: 'ms',
    java: 'linger.ms',
    librdkafka: 'linger.ms',
    more: 'A record waits less when `batchSize` or `batchBytes` is reached, or at `flush()` and `close()`.',
  },
  batchBytes: { group: 'Batches', unit: 'bytes', java: 'batch.size', librdkafka: 'batch.size' },
  compression: {
    group: 'Batches',
    java: 'compression.type',
    librdkafka: 'compression.codec',
    kafkajs: 'compression (send)',
  },
  compressionLevel: {
    group: 'Batches',
    java: 'compression.gzip.level, compression.lz4.level, compression.zstd.level',
    librdkafka: 'compression.level',
  },
  compressionMode: { group: 'Batches' },
  requiredAcks: { group: 'Delivery', java: 'acks', librdkafka: 'acks', kafkajs: 'acks (send)' },
  ackTimeout: {
    group: 'Delivery',
    unit: 'ms',
    java: 'request.timeout.ms (both in one)',
    librdkafka: 'request.timeout.ms',
    kafkajs: 'timeout (send)',
  },
  idempotent: {
    group: 'Delivery',
    java: 'enable.idempotence',
    librdkafka: 'enable.idempotence',
    kafkajs: 'idempotent',
  },
  transactionalId: {
    group: 'Delivery',
    java: 'transactional.id',
    librdkafka: 'transactional.id',
    kafkajs: 'transactionalId',
  },
  transactionTimeoutMs: {
    group: 'Delivery',
    unit: 'ms',
    java: 'transaction.timeout.ms',
    librdkafka: 'transaction.timeout.ms',
    kafkajs: 'transactionTimeout',
  },
  transactionTwoPhaseCommit: { group: 'Delivery', java: 'transaction.two.phase.commit.enable' },
  maxInFlight: {
    group: 'Delivery',
    unit: 'requests',
    java: 'max.in.flight.requests.per.connection',
    librdkafka: 'max.in.flight.requests.per.connection',
    kafkajs: 'maxInFlightRequests (all requests of the client)',
  },
  deliveryTimeoutMs: {
    group: 'Delivery',
    unit: 'ms',
    java: 'delivery.timeout.ms',
    librdkafka: 'message.timeout.ms',
    kafkajs: 'retry.retries (a count, not a time)',
    more: 'There is no count of retries: a record is tried until this time is over.',
  },
  maxRequestBytes: { group: 'Limits', unit: 'bytes', java: 'max.request.size', librdkafka: 'message.max.bytes' },
  bufferBytes: {
    group: 'Limits',
    unit: 'bytes',
    java: 'buffer.memory',
    librdkafka: 'queue.buffering.max.kbytes (KiB)',
  },
  maxBlockMs: {
    group: 'Limits',
    unit: 'ms',
    java: 'max.block.ms',
    more: 'Nothing blocks: `produce()` returns at once, and the record waits. In a transaction it is also how long a coordinator may leave a call without an answer.',
  },
  requestTimeoutMs: {
    group: 'Network',
    unit: 'ms',
    java: 'request.timeout.ms',
    librdkafka: 'socket.timeout.ms',
    kafkajs: 'requestTimeout (Kafka)',
  },
  retryBackoffMs: {
    group: 'Network',
    unit: 'ms',
    java: 'retry.backoff.ms',
    librdkafka: 'retry.backoff.ms',
    kafkajs: 'retry.initialRetryTime',
  },
  retryBackoffMaxMs: {
    group: 'Network',
    unit: 'ms',
    java: 'retry.backoff.max.ms',
    librdkafka: 'retry.backoff.max.ms',
    kafkajs: 'retry.maxRetryTime',
  },
  reconnectBackoffMs: {
    group: 'Network',
    unit: 'ms',
    java: 'reconnect.backoff.ms',
    librdkafka: 'reconnect.backoff.ms',
    more: 'It doubles with each further failure. Entries of `brokers` are asked again with the pauses of `retryBackoffMs`.',
  },
  reconnectBackoffMaxMs: {
    group: 'Network',
    unit: 'ms',
    java: 'reconnect.backoff.max.ms',
    librdkafka: 'reconnect.backoff.max.ms',
  },
  connectionSetupTimeoutMs: {
    group: 'Network',
    unit: 'ms',
    java: 'socket.connection.setup.timeout.ms',
    librdkafka: 'socket.connection.setup.timeout.ms',
    kafkajs: 'connectionTimeout, authenticationTimeout (Kafka)',
  },
  metadataMaxAgeMs: {
    group: 'Network',
    unit: 'ms',
    java: 'metadata.max.age.ms',
    librdkafka: 'topic.metadata.refresh.interval.ms',
    kafkajs: 'metadataMaxAge',
  },
  metadataMaxIdleMs: { group: 'Network', unit: 'ms', java: 'metadata.max.idle.ms' },
  connectionsMaxIdleMs: {
    group: 'Network',
    unit: 'ms',
    java: 'connections.max.idle.ms',
    librdkafka: 'connections.max.idle.ms',
  },
  autoCreateTopics: {
    group: 'Network',
    librdkafka: 'allow.auto.create.topics',
    kafkajs: 'allowAutoTopicCreation',
  },
  resolveBroker: { group: 'Network', more: 'See [Proxies and tunnels](../guide/proxies.md).' },
  socketFactory: {
    group: 'Network',
    kafkajs: 'socketFactory (Kafka)',
    more: 'See [Proxies and tunnels](../guide/proxies.md).',
  },
  tls: {
    group: 'Security',
    java: 'security.protocol, ssl.*',
    librdkafka: 'security.protocol, ssl.*',
    kafkajs: 'ssl (Kafka)',
    more: 'See [Security](../guide/security.md#tls).',
  },
  sasl: {
    group: 'Security',
    java: 'sasl.mechanism, sasl.jaas.config',
    librdkafka: 'sasl.mechanism, sasl.username, sasl.password',
    kafkajs: 'sasl (Kafka)',
    more: 'See [Security](../guide/security.md#sasl).',
  },
  allowedBrokers: { group: 'Security', more: 'See [Security](../guide/security.md#where-connections-go).' },
  logger: { group: 'Insight', librdkafka: 'log_cb', kafkajs: 'logCreator (Kafka)' },
  metricsPush: { group: 'Insight', java: 'enable.metrics.push', librdkafka: 'enable.metrics.push' },
  inspect: { group: 'Insight', more: 'See [The machine in your own app](../guide/xstate.md).' },
  transport: {
    group: 'Ports',
    more: 'For tests: `...cluster.inMemory()` sets all three. See [Testing](../guide/testing.md).',
  },
  clock: { group: 'Ports' },
  random: { group: 'Ports' },
};
