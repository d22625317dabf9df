import type { Persisted } from './errors.ts';

/**
 * What the producer does when a partition of a Produce answer, or the answer to InitProducerId or Metadata, holds
 * an error code. One table for the code and for the documentation.
 *
 * - `succeed`: the record is in the log.
 * - `retry`: the same batch again, after a backoff.
 * - `refresh`: as `retry`, and the cluster's picture is out of date.
 * - `split`: the batch is too large: two halves take its place; a lone record fails.
 * - `resequence`: the broker and the producer disagree about sequence numbers: see `verdict.ts`.
 * - `failRecord`: the records of this batch fail, the producer goes on.
 * - `failProducer`: nothing more can be produced with these settings.
 * - `fence`: another producer has taken this one's place.
 * - `rebootstrap`: the cluster behind the known brokers is another one: begin again at `brokers`.
 */
export type Treatment =
  | 'succeed'
  | 'retry'
  | 'refresh'
  | 'split'
  | 'resequence'
  | 'failRecord'
  | 'failProducer'
  | 'fence'
  | 'rebootstrap';

/** What is known and done of one error code. */
export interface ErrorTreatment {
  readonly code: number;
  /** Kafka's name. */
  readonly name: string;
  readonly treatment: Treatment;
  /** True when the same request may succeed later, unchanged. */
  readonly retriable: boolean;
  /**
   * Whether the records are in the log. `possibly`: brokers answer with this also after the append, when the leader
   * lost its place, its disk or its replicas while it waited for them.
   */
  readonly persisted: Persisted;
  /** For the user, in one sentence, when a record fails with it. */
  readonly hint: string;
}

/** Facts: the code and the name that Kafka gives to it. The hint only where a producer's user can do something. */
const rows: readonly (readonly [code: number, name: string, treatment: Treatment, hint?: string])[] = [
  [-1, 'UNKNOWN_SERVER_ERROR', 'failRecord', "The broker's own log says what went wrong."],
  [0, 'NONE', 'succeed'],
  [1, 'OFFSET_OUT_OF_RANGE', 'failRecord'],
  [2, 'CORRUPT_MESSAGE', 'retry', 'Bytes were damaged on the way; check the network and proxies in between.'],
  [3, 'UNKNOWN_TOPIC_OR_PARTITION', 'refresh', "Create the topic, or check its name and this user's right to see it."],
  [4, 'INVALID_FETCH_SIZE', 'failRecord'],
  [5, 'LEADER_NOT_AVAILABLE', 'refresh', 'The partition has no leader; check that enough brokers are up.'],
  [6, 'NOT_LEADER_OR_FOLLOWER', 'refresh', 'The leader kept moving; check the health of the cluster.'],
  [7, 'REQUEST_TIMED_OUT', 'retry', 'Replicas did not follow in ackTimeout; raise it, or check the replicas.'],
  [8, 'BROKER_NOT_AVAILABLE', 'refresh'],
  [9, 'REPLICA_NOT_AVAILABLE', 'refresh'],
  [
    10,
    'MESSAGE_TOO_LARGE',
    'split',
    'Raise max.message.bytes of the topic, send less in one record, or turn on compression.',
  ],
  [11, 'STALE_CONTROLLER_EPOCH', 'failRecord'],
  [12, 'OFFSET_METADATA_TOO_LARGE', 'failRecord'],
  [13, 'NETWORK_EXCEPTION', 'refresh'],
  [14, 'COORDINATOR_LOAD_IN_PROGRESS', 'retry'],
  [15, 'COORDINATOR_NOT_AVAILABLE', 'retry'],
  [16, 'NOT_COORDINATOR', 'retry'],
  [
    17,
    'INVALID_TOPIC_EXCEPTION',
    'failRecord',
    'A topic name has letters, digits, ".", "_" and "-" only, 249 at most.',
  ],
  [18, 'RECORD_LIST_TOO_LARGE', 'failRecord', "The batch is larger than the topic's segment.bytes; lower batchBytes."],
  [19, 'NOT_ENOUGH_REPLICAS', 'retry', 'Fewer replicas are in sync than min.insync.replicas; bring brokers back.'],
  [
    20,
    'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
    'retry',
    'The leader stored it but too few replicas did; bring brokers back.',
  ],
  [21, 'INVALID_REQUIRED_ACKS', 'failRecord', 'Set requiredAcks to -1, 0 or 1.'],
  [22, 'ILLEGAL_GENERATION', 'failRecord'],
  [23, 'INCONSISTENT_GROUP_PROTOCOL', 'failRecord'],
  [24, 'INVALID_GROUP_ID', 'failRecord'],
  [25, 'UNKNOWN_MEMBER_ID', 'failRecord'],
  [26, 'INVALID_SESSION_TIMEOUT', 'failRecord'],
  [27, 'REBALANCE_IN_PROGRESS', 'failRecord'],
  [28, 'INVALID_COMMIT_OFFSET_SIZE', 'failRecord'],
  [29, 'TOPIC_AUTHORIZATION_FAILED', 'failRecord', 'Give this user the right WRITE on the topic.'],
  [30, 'GROUP_AUTHORIZATION_FAILED', 'failRecord'],
  [
    31,
    'CLUSTER_AUTHORIZATION_FAILED',
    'failProducer',
    'Give this user the right IDEMPOTENT_WRITE on the cluster, or set idempotent: false.',
  ],
  [
    32,
    'INVALID_TIMESTAMP',
    'failRecord',
    "The timestamp is outside what the topic's message.timestamp settings allow.",
  ],
  [33, 'UNSUPPORTED_SASL_MECHANISM', 'failProducer', 'Choose a mechanism that the listener offers.'],
  [34, 'ILLEGAL_SASL_STATE', 'failProducer', 'The listener is not a SASL one; check the port and the sasl option.'],
  [35, 'UNSUPPORTED_VERSION', 'failProducer', 'The broker is too old for what was asked; see the compatibility table.'],
  [36, 'TOPIC_ALREADY_EXISTS', 'failRecord'],
  [37, 'INVALID_PARTITIONS', 'failRecord'],
  [
    38,
    'INVALID_REPLICATION_FACTOR',
    'failRecord',
    "The cluster has fewer brokers than new topics' replication factor.",
  ],
  [39, 'INVALID_REPLICA_ASSIGNMENT', 'failRecord'],
  [40, 'INVALID_CONFIG', 'failRecord'],
  [41, 'NOT_CONTROLLER', 'retry'],
  [42, 'INVALID_REQUEST', 'failRecord', 'The broker does not accept what this client sent; please report it.'],
  [
    43,
    'UNSUPPORTED_FOR_MESSAGE_FORMAT',
    'failRecord',
    'The topic is stored in an old message format, which has no headers and no idempotence.',
  ],
  [44, 'POLICY_VIOLATION', 'failRecord', "The cluster's own policy refuses it; ask who runs the cluster."],
  [45, 'OUT_OF_ORDER_SEQUENCE_NUMBER', 'resequence', 'The broker lost records that it had acknowledged before.'],
  [46, 'DUPLICATE_SEQUENCE_NUMBER', 'succeed'],
  [47, 'INVALID_PRODUCER_EPOCH', 'resequence', 'A newer producer with this id is at work.'],
  [48, 'INVALID_TXN_STATE', 'failRecord', 'The transaction is not open at the broker; abort it and begin again.'],
  [49, 'INVALID_PRODUCER_ID_MAPPING', 'fence', 'The transactional id belongs to another producer id now.'],
  [50, 'INVALID_TRANSACTION_TIMEOUT', 'failProducer', "Lower transactionTimeoutMs below the broker's maximum."],
  [51, 'CONCURRENT_TRANSACTIONS', 'retry'],
  [52, 'TRANSACTION_COORDINATOR_FENCED', 'failRecord'],
  [
    53,
    'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    'failProducer',
    'Give this user the right WRITE on the transactional id.',
  ],
  [54, 'SECURITY_DISABLED', 'failRecord'],
  [55, 'OPERATION_NOT_ATTEMPTED', 'failRecord', 'Another partition of the request failed; send it again.'],
  [56, 'KAFKA_STORAGE_ERROR', 'refresh', "A disk of the broker failed; check the broker's log."],
  [57, 'LOG_DIR_NOT_FOUND', 'failRecord'],
  [58, 'SASL_AUTHENTICATION_FAILED', 'failProducer', 'Check the credentials, and that the user exists.'],
  [59, 'UNKNOWN_PRODUCER_ID', 'resequence', 'The broker has forgotten this producer.'],
  [60, 'REASSIGNMENT_IN_PROGRESS', 'failRecord'],
  [61, 'DELEGATION_TOKEN_AUTH_DISABLED', 'failRecord'],
  [62, 'DELEGATION_TOKEN_NOT_FOUND', 'failRecord'],
  [63, 'DELEGATION_TOKEN_OWNER_MISMATCH', 'failRecord'],
  [64, 'DELEGATION_TOKEN_REQUEST_NOT_ALLOWED', 'failRecord'],
  [65, 'DELEGATION_TOKEN_AUTHORIZATION_FAILED', 'failRecord'],
  [66, 'DELEGATION_TOKEN_EXPIRED', 'failRecord'],
  [67, 'INVALID_PRINCIPAL_TYPE', 'failRecord'],
  [68, 'NON_EMPTY_GROUP', 'failRecord'],
  [69, 'GROUP_ID_NOT_FOUND', 'failRecord'],
  [70, 'FETCH_SESSION_ID_NOT_FOUND', 'retry'],
  [71, 'INVALID_FETCH_SESSION_EPOCH', 'retry'],
  [72, 'LISTENER_NOT_FOUND', 'refresh', "The partition's leader has no listener of the kind that this client uses."],
  [73, 'TOPIC_DELETION_DISABLED', 'failRecord'],
  [74, 'FENCED_LEADER_EPOCH', 'refresh'],
  [75, 'UNKNOWN_LEADER_EPOCH', 'retry'],
  [
    76,
    'UNSUPPORTED_COMPRESSION_TYPE',
    'failRecord',
    'The broker or topic does not take this compression; use another.',
  ],
  [77, 'STALE_BROKER_EPOCH', 'failRecord'],
  [78, 'OFFSET_NOT_AVAILABLE', 'retry'],
  [79, 'MEMBER_ID_REQUIRED', 'failRecord'],
  [80, 'PREFERRED_LEADER_NOT_AVAILABLE', 'refresh'],
  [81, 'GROUP_MAX_SIZE_REACHED', 'failRecord'],
  [82, 'FENCED_INSTANCE_ID', 'failRecord'],
  [83, 'ELIGIBLE_LEADERS_NOT_AVAILABLE', 'refresh'],
  [84, 'ELECTION_NOT_NEEDED', 'refresh'],
  [85, 'NO_REASSIGNMENT_IN_PROGRESS', 'failRecord'],
  [86, 'GROUP_SUBSCRIBED_TO_TOPIC', 'failRecord'],
  [87, 'INVALID_RECORD', 'failRecord', "The record breaks a rule of the topic, e.g. a compacted one's need for a key."],
  [88, 'UNSTABLE_OFFSET_COMMIT', 'retry'],
  [89, 'THROTTLING_QUOTA_EXCEEDED', 'retry'],
  [90, 'PRODUCER_FENCED', 'fence', 'Another producer with this transactional id has started.'],
  [91, 'RESOURCE_NOT_FOUND', 'failRecord'],
  [92, 'DUPLICATE_RESOURCE', 'failRecord'],
  [93, 'UNACCEPTABLE_CREDENTIAL', 'failRecord'],
  [94, 'INCONSISTENT_VOTER_SET', 'failRecord'],
  [95, 'INVALID_UPDATE_VERSION', 'failRecord'],
  [96, 'FEATURE_UPDATE_FAILED', 'failRecord'],
  [97, 'PRINCIPAL_DESERIALIZATION_FAILURE', 'failRecord'],
  [98, 'SNAPSHOT_NOT_FOUND', 'failRecord'],
  [99, 'POSITION_OUT_OF_RANGE', 'failRecord'],
  [100, 'UNKNOWN_TOPIC_ID', 'refresh', 'The topic was deleted, or deleted and created anew.'],
  [101, 'DUPLICATE_BROKER_REGISTRATION', 'failRecord'],
  [102, 'BROKER_ID_NOT_REGISTERED', 'failRecord'],
  [103, 'INCONSISTENT_TOPIC_ID', 'refresh', 'The topic was deleted and created anew.'],
  [104, 'INCONSISTENT_CLUSTER_ID', 'failRecord'],
  [105, 'TRANSACTIONAL_ID_NOT_FOUND', 'failRecord'],
  [106, 'FETCH_SESSION_TOPIC_ID_ERROR', 'retry'],
  [107, 'INELIGIBLE_REPLICA', 'failRecord'],
  [108, 'NEW_LEADER_ELECTED', 'failRecord'],
  [109, 'OFFSET_MOVED_TO_TIERED_STORAGE', 'failRecord'],
  [110, 'FENCED_MEMBER_EPOCH', 'failRecord'],
  [111, 'UNRELEASED_INSTANCE_ID', 'failRecord'],
  [112, 'UNSUPPORTED_ASSIGNOR', 'failRecord'],
  [113, 'STALE_MEMBER_EPOCH', 'failRecord'],
  [114, 'MISMATCHED_ENDPOINT_TYPE', 'failRecord'],
  [115, 'UNSUPPORTED_ENDPOINT_TYPE', 'failRecord'],
  [116, 'UNKNOWN_CONTROLLER_ID', 'failRecord'],
  [117, 'UNKNOWN_SUBSCRIPTION_ID', 'failRecord'],
  [118, 'TELEMETRY_TOO_LARGE', 'failRecord'],
  [119, 'INVALID_REGISTRATION', 'failRecord'],
  [120, 'TRANSACTION_ABORTABLE', 'failRecord', 'Abort the transaction and begin again.'],
  [121, 'INVALID_RECORD_STATE', 'failRecord'],
  [122, 'SHARE_SESSION_NOT_FOUND', 'retry'],
  [123, 'INVALID_SHARE_SESSION_EPOCH', 'retry'],
  [124, 'FENCED_STATE_EPOCH', 'failRecord'],
  [125, 'INVALID_VOTER_KEY', 'failRecord'],
  [126, 'DUPLICATE_VOTER', 'failRecord'],
  [127, 'VOTER_NOT_FOUND', 'failRecord'],
  [128, 'INVALID_REGULAR_EXPRESSION', 'failRecord'],
  [129, 'REBOOTSTRAP_REQUIRED', 'rebootstrap'],
  [130, 'STREAMS_INVALID_TOPOLOGY', 'failRecord'],
  [131, 'STREAMS_INVALID_TOPOLOGY_EPOCH', 'failRecord'],
  [132, 'STREAMS_TOPOLOGY_FENCED', 'failRecord'],
  [133, 'SHARE_SESSION_LIMIT_REACHED', 'retry'],
  [134, 'GROUP_DELETION_FAILED', 'failRecord'],
  [135, 'STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED', 'failRecord'],
  [136, 'CONTROLLER_ID_NOT_REGISTERED', 'failRecord'],
];

const retriableTreatments: ReadonlySet<Treatment> = new Set(['retry', 'refresh', 'rebootstrap']);
const stored: ReadonlySet<number> = new Set([0, 46]);
const perhapsStored: ReadonlySet<number> = new Set([-1, 3, 6, 7, 20, 56]);
const noHint = 'See the cause for what the broker said.';

/** Every error code of Kafka 0.8 to 4.4 and what the producer does about it. */
export const errorTreatments: readonly ErrorTreatment[] = rows.map(([code, name, treatment, hint = noHint]) => ({
  code,
  name,
  treatment,
  retriable: retriableTreatments.has(treatment),
  persisted: stored.has(code) ? 'yes' : perhapsStored.has(code) ? 'possibly' : 'no',
  hint,
}));

const byCode = new Map(errorTreatments.map((row) => [row.code, row]));

/** A code that came with a newer Kafka: not retried, since nobody knows what it would do. */
export function treatmentOf(code: number): ErrorTreatment {
  return byCode.get(code) ?? unknown(code);
}

function unknown(code: number): ErrorTreatment {
  const name = nameOfError(code);
  return { code, name, treatment: 'failRecord', retriable: false, persisted: 'possibly', hint: noHint };
}

export function nameOfError(code: number): string {
  return byCode.get(code)?.name ?? `UNKNOWN_${code}`;
}
