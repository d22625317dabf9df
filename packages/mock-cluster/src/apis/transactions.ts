import {
  AddOffsetsToTxnRequest,
  AddOffsetsToTxnResponse,
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
  EndTxnRequest,
  EndTxnResponse,
} from '@kiel/codec';
import { Code } from '../codes.ts';
import type { Partition } from '../state/topic.ts';
import { type Context, defineApi } from './api.ts';
import { notCoordinator } from './coordinator.ts';
import { fencedCode } from './init-producer-id.ts';

type TopicList = AddPartitionsToTxnRequest['v3AndBelowTopics'];

interface Ask {
  readonly transactionalId: string;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly verifyOnly: boolean;
  readonly topics: TopicList;
}

function resultsWith(topics: TopicList, codeOf: (topic: string, partition: number) => number) {
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: codeOf(name, partitionIndex),
    })),
  }));
}

function asksOf(ctx: Context, request: AddPartitionsToTxnRequest): Ask[] {
  if (ctx.version >= 4) return request.transactions.map((transaction) => ({ ...transaction }));
  return [
    {
      transactionalId: request.v3AndBelowTransactionalId,
      producerId: request.v3AndBelowProducerId,
      producerEpoch: request.v3AndBelowProducerEpoch,
      verifyOnly: false,
      topics: request.v3AndBelowTopics,
    },
  ];
}

export const addPartitionsToTxn = defineApi(
  'AddPartitionsToTxn',
  24,
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
  {
    touches: (request) =>
      [...request.v3AndBelowTopics, ...request.transactions.flatMap((t) => t.topics)].flatMap(({ name, partitions }) =>
        partitions.map((partition) => ({ topic: name, partition })),
      ),
    handle(ctx, request) {
      const results = asksOf(ctx, request).map((ask) => ({
        transactionalId: ask.transactionalId,
        topicResults: add(ctx, ask),
      }));
      const throttleTimeMs = ctx.faults.throttleMs;
      if (ctx.version >= 4) return { throttleTimeMs, errorCode: 0, resultsByTransaction: results };
      return { throttleTimeMs, resultsByTopicV3AndBelow: results[0]!.topicResults };
    },
    fail(request, errorCode, _message, ctx) {
      const results = asksOf(ctx, request).map(({ transactionalId, topics }) => ({
        transactionalId,
        topicResults: resultsWith(topics, () => errorCode),
      }));
      if (ctx.version >= 4) return { throttleTimeMs: 0, errorCode, resultsByTransaction: results };
      return { throttleTimeMs: 0, resultsByTopicV3AndBelow: results[0]!.topicResults };
    },
  },
);

function add(ctx: Context, ask: Ask) {
  const { state, transactions } = ctx.core;
  if (notCoordinator(ctx, ask.transactionalId)) return resultsWith(ask.topics, () => Code.NOT_COORDINATOR);
  const known: Partition[] = [];
  let areAllKnown = true;
  for (const { name, partitions } of ask.topics) {
    for (const index of partitions) {
      const partition = state.partition(name, index);
      if (partition === undefined) areAllKnown = false;
      else known.push(partition);
    }
  }
  if (!areAllKnown) {
    return resultsWith(ask.topics, (topic, index) =>
      state.partition(topic, index) === undefined ? Code.UNKNOWN_TOPIC_OR_PARTITION : Code.OPERATION_NOT_ATTEMPTED,
    );
  }
  const who = { producerId: ask.producerId, epoch: ask.producerEpoch };
  if (ask.verifyOnly) {
    const codes = new Map(
      known.map((p) => [p, transactions.verify(ask.transactionalId, who, p, ctx.version >= 5 ? 11 : 0)]),
    );
    return resultsWith(ask.topics, (topic, index) => codes.get(state.partition(topic, index)!)!);
  }
  const code = fencedCode(transactions.addPartitions(ask.transactionalId, who, known, ctx.clock), ctx.version < 2);
  return resultsWith(ask.topics, () => code);
}

export const addOffsetsToTxn = defineApi('AddOffsetsToTxn', 25, AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, {
  handle(ctx, request) {
    const { transactionalId, groupId } = request;
    const throttleTimeMs = ctx.faults.throttleMs;
    if (notCoordinator(ctx, transactionalId)) return { throttleTimeMs, errorCode: Code.NOT_COORDINATOR };
    const who = { producerId: request.producerId, epoch: request.producerEpoch };
    const code = ctx.core.transactions.addGroup(transactionalId, who, groupId, ctx.clock);
    return { throttleTimeMs, errorCode: fencedCode(code, ctx.version < 2) };
  },
  fail: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode }),
});

export const endTxn = defineApi('EndTxn', 26, EndTxnRequest, EndTxnResponse, {
  handle(ctx, request) {
    const { transactionalId } = request;
    const throttleTimeMs = ctx.faults.throttleMs;
    if (notCoordinator(ctx, transactionalId)) return { throttleTimeMs, errorCode: Code.NOT_COORDINATOR };
    const who = { producerId: request.producerId, epoch: request.producerEpoch };
    const bumps = ctx.version >= 5;
    const result = ctx.core.transactions.endTransaction(transactionalId, who, request.committed, bumps, ctx.clock);
    if (!('producerId' in result)) return { throttleTimeMs, errorCode: fencedCode(result.code, ctx.version < 2) };
    if (!bumps) return { throttleTimeMs, errorCode: 0 };
    return { throttleTimeMs, errorCode: 0, producerId: result.producerId, producerEpoch: result.epoch };
  },
  fail: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode }),
});
