import {
  DescribeClusterRequest,
  DescribeClusterResponse,
  DescribeConfigsRequest,
  DescribeConfigsResponse,
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
} from '@kiel/codec';
import { Code, codeNumber } from '../codes.ts';
import { addressFor } from '../core.ts';
import { NO_TOPIC_ID, viewOfTopic } from '../state/cluster-state.ts';
import { topicNameFault } from '../state/topic.ts';
import { type Context, defineApi } from './api.ts';
import { leaderFault } from './fetch.ts';

export const describeCluster = defineApi('DescribeCluster', 60, DescribeClusterRequest, DescribeClusterResponse, {
  handle(ctx, request) {
    const { state } = ctx.core;
    const throttleTimeMs = ctx.faults.throttleMs;
    if (request.endpointType !== 1) {
      const errorCode = request.endpointType === 2 ? Code.MISMATCHED_ENDPOINT_TYPE : Code.UNSUPPORTED_ENDPOINT_TYPE;
      const errorMessage = 'this listener serves clients, not the controller quorum';
      return { throttleTimeMs, errorCode, errorMessage, clusterId: '', brokers: [] };
    }
    return {
      throttleTimeMs,
      errorCode: Code.NONE,
      clusterId: state.clusterId,
      controllerId: state.controllerId,
      brokers: state.liveBrokers().map((node) => ({
        brokerId: node.id,
        ...addressFor(node, ctx.kind),
        rack: node.rack,
        isFenced: false,
      })),
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? 8096 : -2147483648,
    };
  },
  fail: (_request, errorCode, errorMessage) => ({
    throttleTimeMs: 0,
    errorCode,
    errorMessage,
    clusterId: '',
    brokers: [],
  }),
});

const TOPIC_RESOURCE = 2;
const BROKER_RESOURCE = 4;
const LOGGER_RESOURCE = 8;

/** Where a value comes from, as DescribeConfigs numbers it. */
const Source = { TOPIC: 1, ALL_BROKERS: 3, STATIC_BROKER: 4, DEFAULT: 5 } as const;
const ConfigType = { BOOLEAN: 1, STRING: 2, INT: 3, LONG: 5, LIST: 7 } as const;

/** Of those configs that are no text. */
const configTypes: Readonly<Record<string, number>> = {
  'auto.create.topics.enable': ConfigType.BOOLEAN,
  'broker.id': ConfigType.INT,
  'cleanup.policy': ConfigType.LIST,
  'default.replication.factor': ConfigType.INT,
  'max.message.bytes': ConfigType.INT,
  'message.max.bytes': ConfigType.INT,
  'message.timestamp.after.max.ms': ConfigType.LONG,
  'message.timestamp.before.max.ms': ConfigType.LONG,
  'min.insync.replicas': ConfigType.INT,
  'num.partitions': ConfigType.INT,
  'retention.bytes': ConfigType.LONG,
  'retention.ms': ConfigType.LONG,
  'transaction.max.timeout.ms': ConfigType.INT,
};

/** Configs of a broker that cannot be changed while it runs. */
const fixedConfigs = new Set([
  'auto.create.topics.enable',
  'broker.id',
  'default.replication.factor',
  'num.partitions',
  'transaction.max.timeout.ms',
]);

export const describeConfigs = defineApi('DescribeConfigs', 32, DescribeConfigsRequest, DescribeConfigsResponse, {
  handle: (ctx, request) => ({
    throttleTimeMs: ctx.faults.throttleMs,
    results: request.resources.map((resource) => {
      const { resourceType, resourceName, configurationKeys } = resource;
      const failed = (errorCode: number, errorMessage: string) => ({
        errorCode,
        errorMessage,
        resourceType,
        resourceName,
        configs: [],
      });
      let values: Record<string, string>;
      let sourceOf = (_name: string): number => Source.DEFAULT;
      if (resourceType === TOPIC_RESOURCE) {
        if (topicNameFault(resourceName) !== null)
          return failed(Code.INVALID_TOPIC_EXCEPTION, topicNameFault(resourceName)!);
        const topic = ctx.core.state.topics.get(resourceName);
        if (topic === undefined) return failed(Code.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic "${resourceName}"`);
        values = topic.settings();
        sourceOf = (name) => (name in topic.config ? Source.TOPIC : inheritedSource(ctx, name));
      } else if (resourceType === BROKER_RESOURCE || resourceType === LOGGER_RESOURCE) {
        // Without a name a broker gives what was set for all of them at run time: here that is nothing.
        const isForAll = resourceName === '' && resourceType === BROKER_RESOURCE;
        if (!isForAll && resourceName !== String(ctx.broker.id)) {
          return failed(Code.INVALID_REQUEST, `this is broker ${ctx.broker.id}, asked was "${resourceName}"`);
        }
        values = isForAll || resourceType === LOGGER_RESOURCE ? {} : brokerConfig(ctx);
        sourceOf = (name) =>
          name === 'broker.id' || name === 'auto.create.topics.enable' ? Source.STATIC_BROKER : Source.DEFAULT;
      } else return failed(Code.INVALID_REQUEST, `resources of type ${resourceType} are not described here`);
      const areAllWanted = configurationKeys === null || configurationKeys.length === 0;
      const names = areAllWanted ? Object.keys(values) : configurationKeys;
      return {
        errorCode: Code.NONE,
        errorMessage: '',
        resourceType,
        resourceName,
        configs: names
          .filter((name) => name in values)
          .map((name) => ({
            name,
            value: values[name]!,
            readOnly: resourceType === BROKER_RESOURCE && fixedConfigs.has(name),
            isDefault: ctx.version === 0 ? sourceOf(name) === Source.DEFAULT : false,
            configSource: sourceOf(name),
            isSensitive: false,
            synonyms: [],
            ...(ctx.version >= 3 ? { configType: configTypes[name] ?? ConfigType.STRING } : {}),
            documentation: null,
          })),
      };
    }),
  }),
});

/** With eligible leader replicas (KIP-966) a cluster keeps `min.insync.replicas` among its own settings. */
function inheritedSource(ctx: Context, name: string): number {
  const hasElr = ctx.core.state.profile.features.some(
    (feature) => feature.name === 'eligible.leader.replicas.version' && feature.finalized > 0,
  );
  return hasElr && name === 'min.insync.replicas' ? Source.ALL_BROKERS : Source.DEFAULT;
}

function brokerConfig(ctx: Context): Record<string, string> {
  const { options } = ctx.core.state;
  return {
    'auto.create.topics.enable': String(options.autoCreateTopics),
    'broker.id': String(ctx.broker.id),
    'default.replication.factor': String(options.replicationFactor),
    'message.max.bytes': '1048588',
    'min.insync.replicas': '1',
    'num.partitions': String(options.defaultPartitions),
    'transaction.max.timeout.ms': '900000',
  };
}

export const describeTopicPartitions = defineApi(
  'DescribeTopicPartitions',
  75,
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
  {
    touches: (request) => request.topics.map(({ name }) => ({ topic: name, partition: -1 })),
    handle(ctx, request) {
      const { state } = ctx.core;
      const { cursor } = request;
      const names = request.topics.length > 0 ? request.topics.map(({ name }) => name) : [...state.topics.keys()];
      names.sort();
      let room = Math.max(1, Math.min(request.responsePartitionLimit, 2000));
      let nextCursor: { topicName: string; partitionIndex: number } | null = null;
      const topics = [];
      for (const name of names) {
        if (cursor !== null && name < cursor.topicName) continue;
        if (room === 0) {
          nextCursor ??= { topicName: name, partitionIndex: 0 };
          break;
        }
        const topic = state.topics.get(name);
        if (topic === undefined) {
          const errorCode =
            topicNameFault(name) === null ? Code.UNKNOWN_TOPIC_OR_PARTITION : Code.INVALID_TOPIC_EXCEPTION;
          topics.push({ errorCode, name, topicId: NO_TOPIC_ID, partitions: [] });
          continue;
        }
        const first = cursor?.topicName === name ? cursor.partitionIndex : 0;
        const rest = viewOfTopic(topic).partitions.slice(first);
        const shown = rest.slice(0, room);
        room -= shown.length;
        if (shown.length < rest.length) nextCursor = { topicName: name, partitionIndex: first + shown.length };
        topics.push({
          errorCode: Code.NONE,
          name,
          topicId: topic.id,
          isInternal: topic.isInternal,
          topicAuthorizedOperations: 3576,
          partitions: shown.map((partition) => ({
            errorCode: partition.leader === -1 ? Code.LEADER_NOT_AVAILABLE : Code.NONE,
            partitionIndex: partition.index,
            leaderId: partition.leader,
            leaderEpoch: partition.leaderEpoch,
            replicaNodes: [...partition.replicas],
            isrNodes: [...partition.isr],
            eligibleLeaderReplicas: [],
            lastKnownElr: [],
            offlineReplicas: partition.replicas.filter((id) => !state.nodes.get(id)?.isUp),
          })),
        });
        if (nextCursor !== null) break;
      }
      return { throttleTimeMs: ctx.faults.throttleMs, topics, nextCursor };
    },
  },
);

export const offsetForLeaderEpoch = defineApi(
  'OffsetForLeaderEpoch',
  23,
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
  {
    touches: (request) =>
      request.topics.flatMap(({ topic, partitions }) => partitions.map(({ partition }) => ({ topic, partition }))),
    handle: (ctx, request) => ({
      throttleTimeMs: ctx.faults.throttleMs,
      topics: request.topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition: index, currentLeaderEpoch, leaderEpoch }) => {
          const failed = (errorCode: number) => ({ errorCode, partition: index, leaderEpoch: -1, endOffset: -1n });
          const fault = ctx.faults.errorFor(topic, index);
          if (fault !== null) return failed(codeNumber(fault.error)!);
          const partition = ctx.core.state.partition(topic, index);
          if (partition === undefined) return failed(Code.UNKNOWN_TOPIC_OR_PARTITION);
          const code = leaderFault(ctx, partition, currentLeaderEpoch);
          if (code !== Code.NONE) return failed(code);
          const end = partition.log.endOfEpoch(leaderEpoch);
          return { errorCode: 0, partition: index, leaderEpoch: end.epoch, endOffset: BigInt(end.endOffset) };
        }),
      })),
    }),
  },
);
