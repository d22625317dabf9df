import {
  type FetchRequestInput,
  type FetchResponseInput,
  type MetadataRequestInput,
  type MetadataResponseInput,
  type ProduceRequestInput,
  type ProduceResponseInput,
  RecordBatchBuilder,
} from '@kiel/codec';

// The messages that every implementation is measured on.

export const now = 1_700_000_000_000;
export const topicNames: readonly string[] = Array.from({ length: 100 }, (_, i) => `orders-of-region-${i}`);
export const uuids: readonly string[] = topicNames.map((_, i) => `Zm9vYmFyYmF6cXV4${String(i).padStart(2, '0')}ebHA`);
export const value: Buffer = Buffer.alloc(100, 'x');
const partitions = Array.from({ length: 12 }, (_, i) => i);

/** 100 topics by name. */
export const metadataRequest: MetadataRequestInput = {
  topics: topicNames.map((name) => ({ name })),
  allowAutoTopicCreation: true,
};

/** 100 topics of 12 partitions with three replicas each, on three brokers. */
export function metadataResponse(version: number): MetadataResponseInput {
  return {
    brokers: [1, 2, 3].map((nodeId) => ({ nodeId, host: `broker-${nodeId}.kafka.internal`, port: 9092, rack: 'a' })),
    clusterId: 'Zm9vYmFyYmF6cXV4eHA',
    controllerId: 1,
    topics: topicNames.map((name, t) => ({
      errorCode: 0,
      name,
      ...(version >= 10 && { topicId: uuids[t]! }),
      isInternal: false,
      partitions: partitions.map((partitionIndex) => ({
        errorCode: 0,
        partitionIndex,
        leaderId: (partitionIndex % 3) + 1,
        ...(version >= 7 && { leaderEpoch: 5 }),
        replicaNodes: [1, 2, 3],
        isrNodes: [1, 2, 3],
        offlineReplicas: [],
      })),
    })),
  };
}

function batchOf(count: number): Uint8Array {
  const builder = new RecordBatchBuilder({ limitBytes: 200 * count + 1024 });
  for (let i = 0; i < count; i++) builder.tryAppend(now, null, value);
  return builder.seal().slice();
}

/** 10 topics of 12 partitions with a batch of ten records of 100 B each. */
export function produceRequest(): ProduceRequestInput {
  return {
    acks: -1,
    timeoutMs: 30_000,
    topicData: topicNames.slice(0, 10).map((name) => ({
      name,
      partitionData: partitions.map((index) => ({ index, records: batchOf(10) })),
    })),
  };
}

/** The answer to it. */
export const produceResponse: ProduceResponseInput = {
  responses: topicNames.slice(0, 10).map((name) => ({
    name,
    partitionResponses: partitions.map((index) => ({
      index,
      errorCode: 0,
      baseOffset: 1_000_000n + BigInt(index),
      logAppendTimeMs: -1n,
      logStartOffset: 0n,
    })),
  })),
};

/** 10 topics of 12 partitions. */
export function fetchRequest(version: number): FetchRequestInput {
  return {
    replicaId: -1,
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: 1 << 20,
    isolationLevel: 1,
    sessionEpoch: -1,
    topics: topicNames.slice(0, 10).map((topic, t) => ({
      ...(version >= 13 ? { topicId: uuids[t]! } : { topic }),
      partitions: partitions.map((partition) => ({
        partition,
        fetchOffset: 1_000_000n + BigInt(partition),
        partitionMaxBytes: 1 << 20,
      })),
    })),
    forgottenTopicsData: [],
  };
}

/** 1 MB of records: 10 partitions with a batch of a thousand records of 100 B each. */
export function fetchResponse(version: number): FetchResponseInput {
  const records = batchOf(1000);
  return {
    responses: [
      {
        ...(version >= 13 ? { topicId: uuids[0]! } : { topic: topicNames[0]! }),
        partitions: partitions.slice(0, 10).map((partitionIndex) => ({
          partitionIndex,
          errorCode: 0,
          highWatermark: 1_000_000n,
          lastStableOffset: 1_000_000n,
          logStartOffset: 0n,
          abortedTransactions: [],
          records,
        })),
      },
    ],
  };
}
