import { KafkaError } from '@kiel/codec/client';
import { nameOfError, treatmentOf } from './error-treatment.ts';

export { KafkaError };

/** An option that does not exist, or a value it cannot have. Found before anything is sent. */
export class ConfigError extends KafkaError {
  override readonly name = 'ConfigError';
  /** The option as a path: `retryBackoffMs`, `sasl.username`. */
  readonly option: string;

  constructor(option: string, problem: string) {
    super('INVALID_CONFIG', `option "${option}" ${problem}`);
    this.option = option;
  }
}

/** A broker answered with a non-zero error code. `code` is Kafka's name for it, or `UNKNOWN_` and its number. */
export class BrokerError extends KafkaError {
  override readonly name = 'BrokerError';
  /** Kafka's number, also when this version does not know it. */
  readonly errorCode: number;
  /** What the broker said beside the number, if anything. */
  readonly brokerMessage: string | null;

  constructor(errorCode: number, context: string, brokerMessage: string | null = null) {
    const code = nameOfError(errorCode);
    const said = brokerMessage === null || brokerMessage === '' ? '' : `: ${brokerMessage}`;
    super(code, `${context}: ${code} (${errorCode})${said}`, { retriable: treatmentOf(errorCode).retriable });
    this.errorCode = errorCode;
    this.brokerMessage = brokerMessage;
  }
}

/** What can be wrong with a connection. */
export type ConnectionErrorCode =
  /** The connection could not be made. */
  | 'CONNECT_FAILED'
  /** It was made and ended, by the peer or by the network. */
  | 'CONNECTION_LOST'
  /** No answer in `requestTimeoutMs`, or no end of the set-up in `connectionSetupTimeoutMs`. */
  | 'REQUEST_TIMEOUT'
  /** The peer sent what no Kafka broker sends. */
  | 'PROTOCOL_VIOLATION'
  /** The broker and this client have no version of a needed request in common. */
  | 'UNSUPPORTED_VERSION'
  /** None of the brokers can be reached; `cause` is an AggregateError with a ConnectionError for each. */
  | 'NO_BROKERS'
  /** The cluster advertises a broker where `allowedBrokers` does not let this client go. */
  | 'ADDRESS_NOT_ALLOWED'
  /** The producer closed it. */
  | 'CLOSED';

/** The network, or what stood at its other end. */
export class ConnectionError extends KafkaError {
  override readonly name = 'ConnectionError';
  declare readonly code: ConnectionErrorCode;

  constructor(code: ConnectionErrorCode, message: string, options: { cause?: unknown; retriable?: boolean } = {}) {
    super(code, message, { retriable: options.retriable ?? code !== 'CLOSED', cause: options.cause });
  }
}

/**
 * Whether the log holds the record: `no`, never; `possibly`, it was written to a socket and nobody can tell;
 * `yes`, a broker stored it, but not as safely as asked.
 */
export type Persisted = 'no' | 'possibly' | 'yes';

export interface DeliveryErrorDetails {
  readonly persisted: Persisted;
  readonly topic: string;
  /** -1: not chosen yet. */
  readonly partition: number;
  /** What to do about it, in one sentence. */
  readonly hint: string;
  readonly retriable?: boolean;
  readonly cause?: unknown;
}

/**
 * A record was not delivered. `code` is Kafka's name of the broker's error, or one of `DELIVERY_TIMEOUT`,
 * `METADATA_TIMEOUT`, `BUFFER_FULL`, `MESSAGE_TOO_LARGE`, `UNKNOWN_PARTITION`, `PARTITIONER_FAILED`, `CANCELLED`,
 * `CLOSED`, `PRODUCER_FAILED`.
 */
export class DeliveryError extends KafkaError {
  override readonly name: string = 'DeliveryError';
  readonly persisted: Persisted;
  readonly topic: string;
  readonly partition: number;
  readonly hint: string;

  constructor(code: string, problem: string, details: DeliveryErrorDetails) {
    super(code, `${problem.replace(/\.$/, '')}. ${details.hint}`, {
      retriable: details.retriable ?? false,
      cause: details.cause,
    });
    this.persisted = details.persisted;
    this.topic = details.topic;
    this.partition = details.partition;
    this.hint = details.hint;
  }

  /** Without the cause, which may be circular. */
  toJSON(): Record<string, unknown> {
    const { name, code, message, persisted, topic, partition, hint, retriable } = this;
    return { name, code, message, persisted, topic, partition, hint, retriable };
  }
}

/** The record found no room in `bufferBytes`, for `maxBlockMs` at the most. Nothing was stored. */
export class BufferFullError extends DeliveryError {
  override readonly name = 'BufferFullError';

  constructor(topic: string, bufferBytes: number, waitedMs: number) {
    const waited = waitedMs === 0 ? '' : ` for ${Math.round(waitedMs)} ms`;
    super('BUFFER_FULL', `no room${waited} in the ${bufferBytes} bytes of the buffer (topic "${topic}")`, {
      persisted: 'no',
      topic,
      partition: -1,
      hint: 'Await ready() before you produce more, or raise bufferBytes.',
      retriable: true,
    });
  }
}

/** Whatever was thrown, as an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
