export { SeededRandom } from './clock/random.ts';
export { type RunOptions, VirtualClock, VirtualTimeError } from './clock/virtual-clock.ts';
export { type BrokerOptions, type InMemoryClient, MockCluster, type MockClusterOptions } from './cluster.ts';
export { Code, type CodeName, codeName } from './codes.ts';
export {
  type Action,
  type ActionName,
  type ActionObject,
  actionNames,
  type ErrorAction,
  FaultSyntaxError,
} from './faults/action.ts';
export {
  type ParsedFault,
  parseFault,
  type Rule,
  type RuleOptions,
  type Touched,
  type When,
  type Where,
} from './faults/rule.ts';
export type { LoggedRecord, LogOptions, TransactionFate } from './logged-record.ts';
export type { LinkOptions } from './network/memory-network.ts';
export type { Address, Clock, Random, Socket, SocketEvents, Transport } from './ports.ts';
export { profileVersions } from './profiles/profile.ts';
export type { Outcome, RequestEntry, RequestFilter, RequestObserver } from './requests.ts';
export * from './security/index.ts';
export type { SaslExchange, SaslPort, SaslStep } from './session.ts';
export type { TopicOptions } from './state/cluster-state.ts';
export type { PushedMetrics, TelemetrySubscription } from './state/telemetry.ts';
export { describeRequest } from './verify/account.ts';
export type { Verdict, Violation, ViolationKind } from './verify/checker.ts';
export {
  type History,
  HistoryRecorder,
  type HistoryRecorderOptions,
  type OfferedRecord,
  type Persisted,
  type ProducerLike,
  type Report,
  type TransactionReport,
} from './verify/history.ts';
export { type ReadLog, verifyLogs } from './verify/read-log.ts';
