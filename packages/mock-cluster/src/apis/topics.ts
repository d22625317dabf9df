import {
  CreatePartitionsRequest,
  CreatePartitionsResponse,
  CreateTopicsRequest,
  CreateTopicsResponse,
  DeleteRecordsRequest,
  DeleteRecordsResponse,
  DeleteTopicsRequest,
  DeleteTopicsResponse,
} from '@kiel/codec';
import { Code, codeNumber } from '../codes.ts';
import { NO_TOPIC_ID, type TopicOptions } from '../state/cluster-state.ts';
import { defaultTopicConfig, Topic, topicNameFault } from '../state/topic.ts';
import { type Context, defineApi } from './api.ts';

/** Brokers with ZooKeeper send admin requests back that did not come to the controller; KRaft's forward them. */
function isWrongController(ctx: Context): boolean {
  const { state } = ctx.core;
  return !state.profile.isKraft && state.controllerId !== ctx.broker.id;
}

type Creatable = CreateTopicsRequest['topics'][number];

export const createTopics = defineApi('CreateTopics', 19, CreateTopicsRequest, CreateTopicsResponse, {
  touches: (request) => request.topics.map(({ name }) => ({ topic: name, partition: -1 })),
  handle(ctx, request) {
    const names = request.topics.map(({ name }) => name);
    return {
      throttleTimeMs: ctx.faults.throttleMs,
      topics: request.topics
        .filter(({ name }, i) => names.indexOf(name) === i)
        .map((wanted) => {
          const isTwice = names.indexOf(wanted.name) !== names.lastIndexOf(wanted.name);
          return create(ctx, wanted, request.validateOnly, isTwice);
        }),
    };
  },
});

function create(ctx: Context, wanted: Creatable, validateOnly: boolean, isTwice: boolean) {
  const { name } = wanted;
  const failed = (errorCode: number, errorMessage: string) => ({ name, errorCode, errorMessage });
  const fault = ctx.faults.errorFor(name, -1);
  if (fault !== null) return failed(codeNumber(fault.error)!, fault.message ?? 'by a rule');
  if (isWrongController(ctx)) return failed(Code.NOT_CONTROLLER, 'this broker is not the controller');
  if (isTwice) return failed(Code.INVALID_REQUEST, 'the request names this topic more than once');
  const nameFault = topicNameFault(name);
  if (nameFault !== null) return failed(Code.INVALID_TOPIC_EXCEPTION, nameFault);
  const { state } = ctx.core;
  if (state.topics.has(name)) return failed(Code.TOPIC_ALREADY_EXISTS, `there is a topic "${name}"`);
  if (wanted.numPartitions === 0 || wanted.numPartitions < -1) {
    return failed(Code.INVALID_PARTITIONS, `${wanted.numPartitions} partitions`);
  }
  const assigned = wanted.assignments.length;
  const partitions = assigned > 0 ? assigned : wanted.numPartitions === -1 ? undefined : wanted.numPartitions;
  const factor = assigned > 0 ? wanted.assignments[0]!.brokerIds.length : wanted.replicationFactor;
  const options: TopicOptions = {
    ...(partitions === undefined ? {} : { partitions }),
    ...(factor === -1 ? {} : { replicationFactor: factor }),
    config: Object.fromEntries(
      wanted.configs.map((config) => [config.name, config.value ?? defaultTopicConfig[config.name] ?? '']),
    ),
  };
  const topic = state.createTopic(name, options);
  if (typeof topic === 'number') return failed(topic, 'it cannot be created so');
  if (validateOnly) state.deleteTopic(name, false);
  return {
    name,
    topicId: validateOnly ? NO_TOPIC_ID : topic.id,
    errorCode: Code.NONE,
    errorMessage: null,
    numPartitions: topic.partitions.length,
    replicationFactor: topic.partitions[0]!.replicas.length,
    configs: Object.entries(topic.settings()).map(([key, value]) => ({
      name: key,
      value,
      readOnly: false,
      configSource: key in topic.config ? 1 : 5,
      isSensitive: false,
    })),
  };
}

export const deleteTopics = defineApi('DeleteTopics', 20, DeleteTopicsRequest, DeleteTopicsResponse, {
  touches: (request) =>
    [...request.topicNames, ...request.topics.map(({ name }) => name ?? '')].map((topic) => ({ topic, partition: -1 })),
  handle(ctx, request) {
    const { state } = ctx.core;
    const wanted =
      ctx.version >= 6 ? request.topics : request.topicNames.map((name) => ({ name, topicId: NO_TOPIC_ID }));
    const responses = wanted.map(({ name, topicId }) => {
      const topic = name === null ? state.topicsById.get(topicId) : state.topics.get(name);
      const answer = { name: topic?.name ?? name, topicId: topic?.id ?? topicId };
      const fault = ctx.faults.errorFor(answer.name ?? '', -1);
      if (fault !== null)
        return { ...answer, errorCode: codeNumber(fault.error)!, errorMessage: fault.message ?? null };
      if (isWrongController(ctx))
        return { ...answer, errorCode: Code.NOT_CONTROLLER, errorMessage: 'not the controller' };
      if (topic === undefined) {
        const errorCode = name === null ? Code.UNKNOWN_TOPIC_ID : Code.UNKNOWN_TOPIC_OR_PARTITION;
        return { ...answer, errorCode, errorMessage: 'there is no such topic' };
      }
      state.deleteTopic(topic.name);
      return { ...answer, errorCode: Code.NONE };
    });
    return { throttleTimeMs: ctx.faults.throttleMs, responses };
  },
});

export const createPartitions = defineApi('CreatePartitions', 37, CreatePartitionsRequest, CreatePartitionsResponse, {
  touches: (request) => request.topics.map(({ name }) => ({ topic: name, partition: -1 })),
  handle: (ctx, request) => ({
    throttleTimeMs: ctx.faults.throttleMs,
    results: request.topics.map(({ name, count }) => {
      const fault = ctx.faults.errorFor(name, -1);
      if (fault !== null) return { name, errorCode: codeNumber(fault.error)!, errorMessage: fault.message ?? null };
      if (isWrongController(ctx)) return { name, errorCode: Code.NOT_CONTROLLER, errorMessage: null };
      const topic = ctx.core.state.topics.get(name);
      if (!(topic instanceof Topic)) return { name, errorCode: Code.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: null };
      const have = topic.partitions.length;
      if (count <= have) {
        return {
          name,
          errorCode: Code.INVALID_PARTITIONS,
          errorMessage: `the topic has ${have} partitions, not fewer than ${count}`,
        };
      }
      if (!request.validateOnly) ctx.core.state.growTopic(topic, count);
      return { name, errorCode: Code.NONE, errorMessage: null };
    }),
  }),
});

export const deleteRecords = defineApi('DeleteRecords', 21, DeleteRecordsRequest, DeleteRecordsResponse, {
  touches: (request) =>
    request.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex })),
    ),
  handle: (ctx, request) => ({
    throttleTimeMs: ctx.faults.throttleMs,
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, offset }) =>
        deleteBefore(ctx, name, partitionIndex, Number(offset)),
      ),
    })),
  }),
});

function deleteBefore(ctx: Context, name: string, partitionIndex: number, offset: number) {
  const failed = (errorCode: number) => ({ partitionIndex, lowWatermark: -1n, errorCode });
  const fault = ctx.faults.errorFor(name, partitionIndex);
  if (fault !== null) return failed(codeNumber(fault.error)!);
  const partition = ctx.core.state.partition(name, partitionIndex);
  if (partition === undefined) return failed(Code.UNKNOWN_TOPIC_OR_PARTITION);
  if (partition.leader !== ctx.broker.id) return failed(Code.NOT_LEADER_OR_FOLLOWER);
  const { log } = partition;
  const target = offset === -1 ? log.highWatermark : offset;
  if (target < 0 || target > log.highWatermark) return failed(Code.OFFSET_OUT_OF_RANGE);
  log.startAt(target);
  return { partitionIndex, lowWatermark: BigInt(log.logStartOffset), errorCode: Code.NONE };
}
