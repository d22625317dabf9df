export { type BrokerPlace, KafkaAccess, type KafkaPlace, openKafka, type TopicOptions } from './access.ts';
export type { Broker } from './broker.ts';
export { KafkaCluster, type KafkaOptions, startKafka } from './cluster.ts';
export { cacheFolder, fetchJars, type Jars, kafkaJars } from './jars.ts';
export { javaAvailable, requireKafka } from './java.ts';
export type { ListenerOptions, Properties } from './properties.ts';
export { isAtLeast, kafkaVersions, type ToolName } from './releases.ts';
export type { RunOptions, RunResult } from './tool.ts';
