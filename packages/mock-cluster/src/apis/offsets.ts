import {
  OffsetCommitRequest,
  OffsetCommitResponse,
  OffsetFetchRequest,
  OffsetFetchResponse,
  TxnOffsetCommitRequest,
  TxnOffsetCommitResponse,
} from '@kiel/codec';
import { Code, codeNumber } from '../codes.ts';
import { NO_TOPIC_ID } from '../state/cluster-state.ts';
import { type Context, defineApi } from './api.ts';
import { notCoordinator } from './coordinator.ts';

interface TopicRef {
  readonly name: string;
  readonly topicId: string;
}

/** The name of a topic that a request gives by name or, in its newest versions, by id. */
function nameOf(ctx: Context, { name, topicId }: TopicRef): string | undefined {
  return topicId === NO_TOPIC_ID ? name : ctx.core.state.topicsById.get(topicId)?.name;
}

interface CommitTopic extends TopicRef {
  readonly partitions: readonly {
    readonly partitionIndex: number;
    readonly committedOffset: bigint;
    readonly committedLeaderEpoch: number;
    readonly committedMetadata: string | null;
  }[];
}

type Store = (
  topic: string,
  partition: number,
  offset: { offset: bigint; leaderEpoch: number; metadata: string | null },
) => void;

function commitAll(ctx: Context, topics: readonly CommitTopic[], code: number, store: Store) {
  return topics.map((topic) => {
    const name = nameOf(ctx, topic);
    const partitions = topic.partitions.map((committed) => {
      const { partitionIndex } = committed;
      const fault = ctx.faults.errorFor(name ?? topic.name, partitionIndex);
      if (fault !== null) return { partitionIndex, errorCode: codeNumber(fault.error)! };
      if (name === undefined) return { partitionIndex, errorCode: Code.UNKNOWN_TOPIC_ID };
      if (ctx.core.state.partition(name, partitionIndex) === undefined) {
        return { partitionIndex, errorCode: Code.UNKNOWN_TOPIC_OR_PARTITION };
      }
      if (code !== Code.NONE) return { partitionIndex, errorCode: code };
      if ((committed.committedMetadata?.length ?? 0) > 4096) {
        return { partitionIndex, errorCode: Code.OFFSET_METADATA_TOO_LARGE };
      }
      store(name, partitionIndex, {
        offset: committed.committedOffset,
        leaderEpoch: committed.committedLeaderEpoch,
        metadata: committed.committedMetadata ?? '',
      });
      return { partitionIndex, errorCode: Code.NONE };
    });
    return { name: topic.name, topicId: topic.topicId, partitions };
  });
}

function touchesOf(topics: readonly CommitTopic[]) {
  return topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex })),
  );
}

export const offsetCommit = defineApi('OffsetCommit', 8, OffsetCommitRequest, OffsetCommitResponse, {
  touches: (request) => touchesOf(request.topics),
  handle(ctx, request) {
    const { groupId } = request;
    const { groups, members } = ctx.core;
    let code: number = Code.NONE;
    if (groupId === '' && ctx.version >= 1) code = Code.INVALID_GROUP_ID;
    else if (notCoordinator(ctx, groupId)) code = Code.NOT_COORDINATOR;
    else code = members.checkCommit(groupId, request.memberId, request.generationIdOrMemberEpoch, groups.has(groupId));
    const store: Store = (topic, partition, offset) => groups.commit(groupId, topic, partition, offset);
    return { throttleTimeMs: ctx.faults.throttleMs, topics: commitAll(ctx, request.topics, code, store) };
  },
});

export const txnOffsetCommit = defineApi('TxnOffsetCommit', 28, TxnOffsetCommitRequest, TxnOffsetCommitResponse, {
  touches: (request) => touchesOf(request.topics),
  handle(ctx, request) {
    const { groupId, transactionalId, producerId } = request;
    const { groups, transactions, members, state } = ctx.core;
    const who = { producerId, epoch: request.producerEpoch };
    // Before version 3 a transaction could not say which member it commits for: it need not to this day.
    const isMember = request.memberId !== '' || request.generationIdOrMemberEpoch >= 0;
    let code: number = Code.NONE;
    if (groupId === '') code = Code.INVALID_GROUP_ID;
    else if (notCoordinator(ctx, groupId)) code = Code.NOT_COORDINATOR;
    else if (isMember)
      code = members.checkCommit(groupId, request.memberId, request.generationIdOrMemberEpoch, groups.has(groupId));
    if (code === Code.NONE) {
      // From v5 on, committing the offsets adds the group to the transaction (KIP-890).
      const adds = ctx.version >= 5 && state.profile.transactionVersion === 2;
      code = adds
        ? transactions.addGroup(transactionalId, who, groupId, ctx.clock)
        : transactions.verifyGroup(transactionalId, who, groupId, ctx.version);
      if (code === Code.PRODUCER_FENCED) code = Code.INVALID_PRODUCER_EPOCH;
    }
    if (code === Code.INVALID_PRODUCER_EPOCH && state.profile.forgetsOffsetsOnRefusal) {
      for (const { topic, partition } of touchesOf(request.topics)) {
        groups.dropPending(groupId, producerId, topic, partition);
      }
    }
    const store: Store = (topic, partition, offset) =>
      groups.commitInTransaction(groupId, producerId, topic, partition, offset);
    return { throttleTimeMs: ctx.faults.throttleMs, topics: commitAll(ctx, request.topics, code, store) };
  },
});

interface Wanted extends TopicRef {
  readonly partitionIndexes: readonly number[];
}

function fetchGroup(ctx: Context, groupId: string, topics: readonly Wanted[] | null, requireStable: boolean) {
  const { groups } = ctx.core;
  const wanted = topics ?? allCommitted(ctx, groupId);
  return wanted.map((topic) => {
    const name = nameOf(ctx, topic);
    const partitions = topic.partitionIndexes.map((partitionIndex) => {
      const none = { partitionIndex, committedOffset: -1n, committedLeaderEpoch: -1, metadata: '' };
      if (name === undefined) return { ...none, errorCode: Code.UNKNOWN_TOPIC_ID };
      if (requireStable && groups.isPending(groupId, name, partitionIndex)) {
        return { ...none, errorCode: Code.UNSTABLE_OFFSET_COMMIT };
      }
      const found = groups.fetch(groupId, name, partitionIndex);
      if (found === undefined) return { ...none, errorCode: Code.NONE };
      return {
        partitionIndex,
        committedOffset: found.offset,
        committedLeaderEpoch: found.leaderEpoch,
        metadata: found.metadata,
        errorCode: Code.NONE,
      };
    });
    return { name: topic.name, topicId: topic.topicId, partitions };
  });
}

function allCommitted(ctx: Context, groupId: string): Wanted[] {
  const byTopic = new Map<string, number[]>();
  for (const [topic, partition] of ctx.core.groups.all(groupId)) {
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition]);
  }
  return [...byTopic].map(([name, partitionIndexes]) => ({
    name,
    topicId: ctx.core.state.topics.get(name)?.id ?? NO_TOPIC_ID,
    partitionIndexes,
  }));
}

export const offsetFetch = defineApi('OffsetFetch', 9, OffsetFetchRequest, OffsetFetchResponse, {
  handle(ctx, request) {
    const throttleTimeMs = ctx.faults.throttleMs;
    const { requireStable } = request;
    if (ctx.version >= 8) {
      const groups = request.groups.map(({ groupId, topics }) => {
        if (notCoordinator(ctx, groupId)) return { groupId, topics: [], errorCode: Code.NOT_COORDINATOR };
        return { groupId, topics: fetchGroup(ctx, groupId, topics, requireStable), errorCode: Code.NONE };
      });
      return { throttleTimeMs, groups };
    }
    const { groupId } = request;
    const topics = request.topics?.map((topic) => ({ ...topic, topicId: NO_TOPIC_ID })) ?? null;
    if (notCoordinator(ctx, groupId)) {
      if (ctx.version >= 2) return { throttleTimeMs, topics: [], errorCode: Code.NOT_COORDINATOR };
      return { topics: unanswered(topics ?? [], Code.NOT_COORDINATOR) };
    }
    return {
      throttleTimeMs,
      topics: fetchGroup(ctx, groupId, topics, requireStable).map(({ topicId: _, ...rest }) => rest),
    };
  },
  fail(request, errorCode, _message, ctx) {
    if (ctx.version >= 8) return { groups: request.groups.map(({ groupId }) => ({ groupId, topics: [], errorCode })) };
    if (ctx.version >= 2) return { topics: [], errorCode };
    return { topics: unanswered(request.topics ?? [], errorCode) };
  },
});

function unanswered(
  topics: readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[],
  errorCode: number,
) {
  return topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => ({
      partitionIndex,
      committedOffset: -1n,
      metadata: '',
      errorCode,
    })),
  }));
}
