import { FetchRequest, FetchResponse, type FetchResponseInput } from '@kiel/codec';
import { Code, codeNumber } from '../codes.ts';
import { addressFor } from '../core.ts';
import type { Touched } from '../faults/rule.ts';
import { forOldFetch } from '../records/old-sets.ts';
import { NO_TOPIC_ID } from '../state/cluster-state.ts';
import type { LogEntry } from '../state/partition-log.ts';
import type { LogWaiter, Partition, Topic } from '../state/topic.ts';
import { type Context, defineApi, Later } from './api.ts';

type FetchPartition = FetchRequest['topics'][number]['partitions'][number];
type PartitionData = NonNullable<NonNullable<FetchResponseInput['responses']>[number]['partitions']>[number];

const NO_RECORDS = new Uint8Array(0);
const READ_COMMITTED = 1;

export const fetch = defineApi('Fetch', 1, FetchRequest, FetchResponse, {
  touches: (request, core) =>
    request.topics.flatMap((data) => {
      const topic =
        data.topicId === NO_TOPIC_ID ? data.topic : (core.state.topicsById.get(data.topicId)?.name ?? data.topic);
      return data.partitions.map(({ partition }): Touched => ({ topic, partition }));
    }),

  handle(ctx, request) {
    // No sessions: one that a client wants to open gets the id 0, as from a broker whose session cache is full.
    if (request.sessionId !== 0) {
      const errorCode = Code.FETCH_SESSION_ID_NOT_FOUND;
      return { throttleTimeMs: 0, errorCode, sessionId: 0, responses: [] };
    }
    const first = collect(ctx, request);
    const isDone =
      first.hasError || first.bytes >= request.minBytes || request.maxWaitMs <= 0 || request.topics.length === 0;
    if (isDone) return first.response;
    return new Later((answer) => new FetchWait(ctx, request, answer));
  },
});

interface Collected {
  readonly response: FetchResponseInput;
  readonly bytes: number;
  readonly hasError: boolean;
}

function topicOf(ctx: Context, data: FetchRequest['topics'][number]): Topic | undefined {
  const { state } = ctx.core;
  return ctx.version >= 13 ? state.topicsById.get(data.topicId) : state.topics.get(data.topic);
}

function collect(ctx: Context, request: FetchRequest): Collected {
  let bytes = 0;
  let hasError = false;
  let room = request.maxBytes;
  const nodes = new Map<number, { nodeId: number; host: string; port: number; rack: string | null }>();
  const responses = request.topics.map((data) => {
    const topic = topicOf(ctx, data);
    const partitions = data.partitions.map((wanted): PartitionData => {
      const read = readPartition(ctx, request, data.topic, topic, wanted, room, bytes === 0);
      const size = read.records?.length ?? 0;
      bytes += size;
      room = Math.max(0, room - size);
      if (read.errorCode !== Code.NONE) hasError = true;
      if (read.currentLeader !== undefined) addNode(ctx, nodes, read.currentLeader.leaderId ?? -1);
      return read;
    });
    return { topic: data.topic, topicId: data.topicId, partitions };
  });
  const response: FetchResponseInput = { throttleTimeMs: ctx.faults.throttleMs, errorCode: 0, sessionId: 0, responses };
  if (nodes.size > 0 && ctx.version >= 16) response.nodeEndpoints = [...nodes.values()];
  return { response, bytes, hasError };
}

function addNode(
  ctx: Context,
  nodes: Map<number, { nodeId: number; host: string; port: number; rack: string | null }>,
  id: number,
): void {
  const node = ctx.core.state.nodes.get(id);
  if (node !== undefined) nodes.set(id, { nodeId: id, ...addressFor(node, ctx.kind), rack: node.rack });
}

function readPartition(
  ctx: Context,
  request: FetchRequest,
  name: string,
  topic: Topic | undefined,
  wanted: FetchPartition,
  room: number,
  isFirst: boolean,
): PartitionData {
  const fault = ctx.faults.errorFor(topic?.name ?? name, wanted.partition);
  if (fault !== null) {
    if (fault.hint !== undefined) ctx.faults.hint = fault.hint;
    return withLeader(ctx, topic?.partitions[wanted.partition], failed(wanted.partition, codeNumber(fault.error)!));
  }
  const partition = topic?.partitions[wanted.partition];
  if (partition === undefined) {
    const isUnknownId = ctx.version >= 13 && topic === undefined;
    const code = isUnknownId ? Code.UNKNOWN_TOPIC_ID : Code.UNKNOWN_TOPIC_OR_PARTITION;
    return { ...failed(wanted.partition, code), abortedTransactions: [] };
  }
  const code = leaderFault(ctx, partition, wanted.currentLeaderEpoch);
  if (code !== Code.NONE) return withLeader(ctx, partition, failed(wanted.partition, code));
  const strange = strangeReplica(ctx, request, partition);
  if (strange !== Code.NONE) return failed(wanted.partition, strange);
  const { log } = partition;
  const offset = Number(wanted.fetchOffset);
  if (offset < log.logStartOffset || offset > log.endOffset) return failed(wanted.partition, Code.OFFSET_OUT_OF_RANGE);
  const isCommitted = request.isolationLevel === READ_COMMITTED;
  const limit = isCommitted ? log.lastStableOffset : log.highWatermark;
  const maxBytes = Math.min(room, wanted.partitionMaxBytes);
  const entries = log.read(offset, limit, maxBytes, isFirst || ctx.version < 3);
  const end = entries.length === 0 ? offset : entries.at(-1)!.lastOffset + 1;
  return {
    partitionIndex: wanted.partition,
    errorCode: Code.NONE,
    highWatermark: BigInt(log.highWatermark),
    lastStableOffset: BigInt(log.lastStableOffset),
    logStartOffset: BigInt(log.logStartOffset),
    abortedTransactions: isCommitted
      ? log.abortedBetween(offset, end).map((t) => ({ producerId: t.producerId, firstOffset: BigInt(t.firstOffset) }))
      : null,
    records: bytesFor(ctx, entries, wanted.partitionMaxBytes),
  };
}

/** Fetching as a follower that is none: each age of brokers has its own answer. */
function strangeReplica(ctx: Context, request: FetchRequest, partition: Partition): number {
  const { isKraft, messageFormat } = ctx.core.state.profile;
  if (request.replicaId < 0 || partition.replicas.includes(request.replicaId)) return Code.NONE;
  if (isKraft) return Code.NOT_LEADER_OR_FOLLOWER;
  return messageFormat < 2 ? Code.UNKNOWN_SERVER_ERROR : Code.NONE;
}

/** The codes of a request that came to a broker which does not lead, or with a leader epoch other than the present. */
export function leaderFault(ctx: Context, partition: Partition, knownEpoch: number): number {
  if (knownEpoch >= 0 && knownEpoch < partition.leaderEpoch) return Code.FENCED_LEADER_EPOCH;
  if (knownEpoch >= 0 && knownEpoch > partition.leaderEpoch) return Code.UNKNOWN_LEADER_EPOCH;
  return partition.leader === ctx.broker.id ? Code.NONE : Code.NOT_LEADER_OR_FOLLOWER;
}

function bytesFor(ctx: Context, entries: readonly LogEntry[], maxBytes: number): Uint8Array {
  if (entries.length === 0) return NO_RECORDS;
  const parts = ctx.version < 4 ? forOldFetch(ctx, entries) : entries.map((entry) => entry.bytes);
  const all = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  // Before v3 the limit was hard, and the last message cut wherever it fell.
  return ctx.version < 3 && all.length > maxBytes ? all.subarray(0, maxBytes) : all;
}

function failed(partitionIndex: number, errorCode: number): PartitionData {
  return {
    partitionIndex,
    errorCode,
    highWatermark: -1n,
    lastStableOffset: -1n,
    logStartOffset: -1n,
    abortedTransactions: null,
    records: NO_RECORDS,
  };
}

function withLeader(ctx: Context, partition: Partition | undefined, data: PartitionData): PartitionData {
  const { errorCode } = data;
  const isStale = errorCode === Code.NOT_LEADER_OR_FOLLOWER || errorCode === Code.FENCED_LEADER_EPOCH;
  if (!isStale || partition === undefined || ctx.version < 16 || ctx.faults.hint === false) return data;
  return { ...data, currentLeader: { leaderId: partition.leader, leaderEpoch: partition.leaderEpoch } };
}

/** A fetch that waits for `minBytes`, an error, or the end of its patience. */
class FetchWait implements LogWaiter {
  readonly #ctx: Context;
  readonly #request: FetchRequest;
  readonly #answer: (response: FetchResponseInput) => void;
  readonly #partitions: Partition[] = [];
  readonly #timer: unknown;

  constructor(ctx: Context, request: FetchRequest, answer: (response: FetchResponseInput) => void) {
    this.#ctx = ctx;
    this.#request = request;
    this.#answer = answer;
    for (const data of request.topics) {
      for (const { partition } of data.partitions) {
        const found = topicOf(ctx, data)?.partitions[partition];
        if (found !== undefined) this.#partitions.push(found);
      }
    }
    this.#timer = ctx.clock.setTimeout(() => this.#finish(collect(ctx, request).response), request.maxWaitMs);
    for (const partition of this.#partitions) partition.waiters.add(this);
    ctx.session.onEnd.add(this.#forget);
  }

  logMoved(): void {
    const now = collect(this.#ctx, this.#request);
    if (now.hasError || now.bytes >= this.#request.minBytes) this.#finish(now.response);
  }

  #finish(response: FetchResponseInput): void {
    this.#forget();
    this.#ctx.session.onEnd.delete(this.#forget);
    this.#answer(response);
  }

  readonly #forget = (): void => {
    this.#ctx.clock.clearTimeout(this.#timer);
    for (const partition of this.#partitions) partition.waiters.delete(this);
  };
}
