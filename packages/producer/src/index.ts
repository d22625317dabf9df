export { brokerMachine } from './broker-machine.ts';
export { type Delivery, DeliveryReport } from './delivery.ts';
export type { ProducerState } from './engine.ts';
export { type ErrorTreatment, errorTreatments, type Treatment, treatmentOf } from './error-treatment.ts';
export {
  BrokerError,
  BufferFullError,
  ConfigError,
  ConnectionError,
  type ConnectionErrorCode,
  DeliveryError,
  KafkaError,
  type Persisted,
} from './errors.ts';
export type { ProducerEvents } from './events.ts';
export { idempotenceMachine } from './idempotence-machine.ts';
export type { InspectOption } from './inspection.ts';
export type { Inspector, InspectorOptions, Recording } from './inspector/inspector.ts';
export { type LogDetails, type Logger, silentLogger } from './logger.ts';
export { metadataMachine } from './metadata-machine.ts';
export type { PossibleOptions as ProducerOptions } from './option-pairs.ts';
export type { CompressionOption, KeyMaker, ProducerOptions as AnyProducerOptions, Serializer } from './options.ts';
export { readAddress } from './options.ts';
export type {
  PartitionerContext,
  PartitionerFunction,
  PartitionerName,
  PartitionerOption,
} from './partitioner.ts';
export type { Address, Clock, Random, Socket, SocketEvents, Transport } from './ports.ts';
export {
  type AnyTopics,
  type CloseOptions,
  createProducer,
  type FlushOptions,
  type ProduceOptions,
  Producer,
  type TopicMap,
  type Unsubscribe,
} from './producer.ts';
export { type Backlog, producerMachine } from './producer-machine.ts';
export type { HeadersInput, TimestampInput } from './record-input.ts';
export * from './security/index.ts';
export { SystemClock } from './system-ports.ts';
export { TcpTransport } from './tcp-transport.ts';
export type { MetricKind, MetricUnit } from './telemetry/catalogue.ts';
export type { ProduceTrace, RequestContent, RequestTrace } from './telemetry/channels.ts';
export { prometheusText } from './telemetry/prometheus.ts';
export {
  describeMetrics,
  type MetricDescription,
  type MetricGroup,
  type MetricsSnapshot,
  type MetricValues,
} from './telemetry/snapshot.ts';
export { Transaction } from './transaction.ts';
export {
  type CoordinatorTreatment,
  coordinatorTreatmentOf,
  type GroupMetadata,
  type TransactionOffset,
} from './transaction-coordinator.ts';
export { TransactionError, type TransactionOutcome } from './transaction-error.ts';
export { transactionMachine } from './transaction-machine.ts';
