export type { Broker } from './broker.ts';
export { type KafkaCluster, type KafkaOptions, startKafka, type TopicOptions } from './cluster.ts';
export { cacheFolder, fetchJars, type Jars, kafkaJars } from './jars.ts';
export { javaAvailable, requireKafka } from './java.ts';
export { isAtLeast, kafkaVersions, type ToolName } from './releases.ts';
export type { RunOptions, RunResult } from './tool.ts';
