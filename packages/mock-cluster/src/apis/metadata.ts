import { MetadataRequest, MetadataResponse, type MetadataResponseInput } from '@kiel/codec';
import { Code, codeNumber } from '../codes.ts';
import { addressFor } from '../core.ts';
import { type ClusterView, NO_TOPIC_ID, type PartitionView, type TopicView } from '../state/cluster-state.ts';
import { topicNameFault } from '../state/topic.ts';
import { type Context, defineApi } from './api.ts';

type TopicAnswer = NonNullable<MetadataResponseInput['topics']>[number];
type PartitionAnswer = NonNullable<TopicAnswer['partitions']>[number];

/** What a client without restrictions may do, as bits of Kafka's operations. */
const ALL_TOPIC_OPERATIONS = 3576;
const ALL_CLUSTER_OPERATIONS = 8096;
const NOT_ASKED = -2147483648;

export const metadata = defineApi('Metadata', 3, MetadataRequest, MetadataResponse, {
  touches: (request) => (request.topics ?? []).map(({ name }) => ({ topic: name ?? '', partition: -1 })),

  handle(ctx, request) {
    const view = ctx.faults.staleView ?? ctx.core.state.view();
    const { topics } = request;
    const isAll = topics === null || (ctx.version === 0 && topics.length === 0);
    const answers = isAll
      ? [...view.topics.values()].map((topic) => describe(ctx, request, topic))
      : topics.map(({ name, topicId }) => answerFor(ctx, request, view, name, topicId));
    return {
      throttleTimeMs: ctx.faults.throttleMs,
      brokers: view.brokers.map((node) => ({ nodeId: node.id, ...addressFor(node, ctx.kind), rack: node.rack })),
      clusterId: ctx.core.state.clusterId,
      controllerId: view.controllerId,
      topics: answers,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? ALL_CLUSTER_OPERATIONS : NOT_ASKED,
    };
  },
});

function answerFor(
  ctx: Context,
  request: MetadataRequest,
  view: ClusterView,
  name: string | null,
  topicId: string,
): TopicAnswer {
  if (name === null) {
    for (const topic of view.topics.values()) if (topic.id === topicId) return describe(ctx, request, topic);
    return failed(Code.UNKNOWN_TOPIC_ID, null, topicId);
  }
  const topic = view.topics.get(name);
  if (topic !== undefined) return describe(ctx, request, topic);
  const fault = ctx.faults.errorFor(name, -1);
  if (fault !== null) return failed(codeNumber(fault.error)!, name);
  const { state } = ctx.core;
  if (topicNameFault(name) !== null) {
    return failed(
      state.profile.refusesTopicNames ? Code.INVALID_TOPIC_EXCEPTION : Code.UNKNOWN_TOPIC_OR_PARTITION,
      name,
    );
  }
  const mayCreate = (ctx.version < 4 || request.allowAutoTopicCreation) && state.options.autoCreateTopics;
  if (!mayCreate || ctx.faults.staleView !== null) return failed(Code.UNKNOWN_TOPIC_OR_PARTITION, name);
  state.createTopic(name);
  // The answer was on its way before the topic existed; the next one has it.
  return failed(state.profile.isKraft ? Code.UNKNOWN_TOPIC_OR_PARTITION : Code.LEADER_NOT_AVAILABLE, name);
}

function failed(errorCode: number, name: string | null, topicId: string = NO_TOPIC_ID): TopicAnswer {
  return { errorCode, name, topicId, isInternal: false, partitions: [] };
}

function describe(ctx: Context, request: MetadataRequest, topic: TopicView): TopicAnswer {
  const fault = ctx.faults.errorFor(topic.name, -1);
  if (fault !== null) return failed(codeNumber(fault.error)!, topic.name, topic.id);
  return {
    errorCode: Code.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.isInternal,
    partitions: topic.partitions.map((partition) => describePartition(ctx, partition)),
    topicAuthorizedOperations: request.includeTopicAuthorizedOperations ? ALL_TOPIC_OPERATIONS : NOT_ASKED,
  };
}

function describePartition(ctx: Context, partition: PartitionView): PartitionAnswer {
  const { nodes } = ctx.core.state;
  return {
    errorCode: partition.leader === -1 ? Code.LEADER_NOT_AVAILABLE : Code.NONE,
    partitionIndex: partition.index,
    leaderId: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: [...partition.replicas],
    isrNodes: [...partition.isr],
    offlineReplicas: partition.replicas.filter((id) => !nodes.get(id)?.isUp),
  };
}
