import { ProduceRequest, ProduceResponse, type ProduceResponseInput } from '@kiel/codec';
import { Code, codeNumber } from '../codes.ts';
import { addressFor } from '../core.ts';
import type { ErrorAction } from '../faults/action.ts';
import type { Touched } from '../faults/rule.ts';
import { checkBatch, checkFraming, type Refusal, stampBatch } from '../records/batch-check.ts';
import { Attribute, BATCH_HEADER_SIZE, BatchOffset, readBatchHeader, viewOf } from '../records/batch-header.ts';
import { appendOldSet } from '../records/old-sets.ts';
import { NO_TOPIC_ID } from '../state/cluster-state.ts';
import type { LogWaiter, Partition, Topic } from '../state/topic.ts';
import { type Context, defineApi, Later, NoReply } from './api.ts';

interface PartitionResult {
  index: number;
  errorCode: number;
  baseOffset: bigint;
  logAppendTimeMs: bigint;
  logStartOffset: bigint;
  recordErrors: { batchIndex: number; batchIndexErrorMessage: string | null }[];
  errorMessage: string | null;
  currentLeader?: { leaderId: number; leaderEpoch: number };
}

interface TopicResult {
  name: string;
  topicId: string;
  partitionResponses: PartitionResult[];
}

/** An append whose acknowledgement waits for the followers. */
interface Unreplicated {
  readonly partition: Partition;
  readonly endOffset: number;
  readonly leaderEpoch: number;
  readonly result: PartitionResult;
}

type TopicData = ProduceRequest['topicData'][number];

export const produce = defineApi('Produce', 0, ProduceRequest, ProduceResponse, {
  touches: (request, core) =>
    request.topicData.flatMap((data) => {
      const topic =
        data.topicId === NO_TOPIC_ID ? data.name : (core.state.topicsById.get(data.topicId)?.name ?? data.name);
      return data.partitionData.map(({ index }): Touched => ({ topic, partition: index }));
    }),

  handle(ctx, request) {
    const waiting: Unreplicated[] = [];
    const refuseAll = refusesAll(ctx, request);
    const unreadable = unreadableFor(ctx, request);
    if (unreadable !== null) return unreadable;
    const responses = request.topicData.map((data) => {
      const topic = topicOf(ctx, data);
      return {
        name: data.name,
        topicId: data.topicId,
        partitionResponses: data.partitionData.map(({ index, records }) => {
          if (refuseAll !== null) return failed(index, refuseAll);
          return produceTo(ctx, request, data, topic, index, records, waiting);
        }),
      };
    });
    if (request.acks === 0) {
      const first = responses.flatMap((t) => t.partitionResponses).find((p) => p.errorCode !== Code.NONE);
      return new NoReply(
        first === undefined ? null : `acks=0 and error ${first.errorCode} on partition ${first.index}`,
      );
    }
    const answer = (): ProduceResponseInput => withHints(ctx, request, responses);
    // 0.8 counts replicas, and waits for more than there are until the time is up.
    const isHopeless = (append: Unreplicated) => request.acks > append.partition.isr.length;
    const open = waiting.filter((append) => (request.acks === -1 ? isUnreplicated(append) : isHopeless(append)));
    if (open.length === 0) return answer();
    return new Later((done) => new ReplicationWait(ctx, request.timeoutMs, open, () => done(answer())));
  },
});

/** Requests on which brokers fail without an answer. */
function unreadableFor(ctx: Context, request: ProduceRequest): NoReply | null {
  const { profile } = ctx.core.state;
  for (const { partitionData } of request.topicData) {
    for (const { records } of partitionData) {
      if (records === null) {
        if (profile.closesOnBadFraming) return new NoReply('no records at all (null)');
        if (profile.isKraft) return new NoReply('no records at all (null): the broker fails and never answers', true);
      } else if (profile.closesOnBadFraming && ctx.version >= 3) {
        const framing = checkFraming(records, 7);
        if (framing !== null) return new NoReply(framing.reason);
      }
    }
  }
  return null;
}

/** What is wrong with the request as a whole. */
function refusesAll(ctx: Context, request: ProduceRequest): number | null {
  const { knowsInvalidRecord } = ctx.core.state.profile;
  if (knowsInvalidRecord && request.transactionalId === null && hasTransactionalBatch(request))
    return Code.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
  const acks = request.acks;
  const isValid = acks === -1 || acks === 0 || acks === 1;
  return isValid || ctx.core.state.profile.messageFormat === 0 ? null : Code.INVALID_REQUIRED_ACKS;
}

function topicOf(ctx: Context, data: TopicData): Topic | undefined {
  const { state } = ctx.core;
  return ctx.version >= 13 ? state.topicsById.get(data.topicId) : state.topics.get(data.name);
}

function produceTo(
  ctx: Context,
  request: ProduceRequest,
  data: TopicData,
  topic: Topic | undefined,
  index: number,
  records: Uint8Array | null,
  waiting: Unreplicated[],
): PartitionResult {
  const name = topic?.name ?? data.name;
  const fault = ctx.faults.errorFor(name, index);
  if (fault !== null) return failedByRule(ctx, index, fault);
  const partition = topic?.partitions[index];
  if (partition === undefined) {
    return failed(
      index,
      ctx.version >= 13 && topic === undefined ? Code.UNKNOWN_TOPIC_ID : Code.UNKNOWN_TOPIC_OR_PARTITION,
    );
  }
  if (ctx.version >= 3) {
    const { knowsInvalidRecord } = ctx.core.state.profile;
    if (records === null) return failed(index, Code.UNKNOWN_SERVER_ERROR);
    const framing = checkFraming(records, knowsInvalidRecord ? ctx.version : 7);
    if (framing !== null) return refused(ctx, partition, framing);
  }
  const result = append(ctx, request, partition, records ?? new Uint8Array(0), waiting);
  const after = result.errorCode === Code.NONE ? ctx.faults.errorAfter(name, index) : null;
  return after === null ? result : failedByRule(ctx, index, after);
}

function append(
  ctx: Context,
  request: ProduceRequest,
  partition: Partition,
  records: Uint8Array,
  waiting: Unreplicated[],
): PartitionResult {
  const { state } = ctx.core;
  const { topic, log, index } = partition;
  if (topic.isInternal) return failed(index, Code.INVALID_TOPIC_EXCEPTION);
  if (partition.leader !== ctx.broker.id) return failed(index, Code.NOT_LEADER_OR_FOLLOWER);
  if (ctx.version < 3 || state.profile.messageFormat < 2) {
    if (request.acks === -1 && isUnderReplicated(partition)) return failed(index, Code.NOT_ENOUGH_REPLICAS);
    return appendOld(ctx, partition, records, waiting);
  }
  const unverified = verifyTransaction(ctx, request, partition, records);
  if (unverified !== null) return unverified;
  if (request.acks === -1 && isUnderReplicated(partition)) return failed(index, Code.NOT_ENOUGH_REPLICAS);
  const nowMs = ctx.clock.epochMs();
  const bytes = ownBytes(ctx, records.subarray(0, readBatchHeader(records).size));
  const checked = checkBatch(bytes, {
    version: ctx.version,
    topic,
    nowMs,
    compressions: ctx.core.compressions,
    knowsZstd: state.profile.knowsInvalidRecord,
  });
  if (!checked.ok) return refused(ctx, partition, checked);
  const header = stampBatch(bytes, checked, topic, nowMs);
  if (header.producerId >= 0n) {
    const isTransactional = (header.attributes & Attribute.transactional) !== 0;
    const verdict = log.producers.check(header, isTransactional);
    if (verdict.kind === 'refuse')
      return { ...failed(index, verdict.code), logStartOffset: BigInt(log.logStartOffset) };
    if (verdict.kind === 'duplicate') {
      const { firstOffset, lastOffset, timestamp } = verdict.batch;
      const result = appended(partition, firstOffset, timestamp);
      waiting.push({ partition, endOffset: lastOffset + 1, leaderEpoch: partition.leaderEpoch, result });
      return result;
    }
  }
  const entry = log.appendBatch(bytes, header, partition.leaderEpoch);
  state.appended(partition, ctx.clock);
  const result = appended(partition, entry.baseOffset, topic.isLogAppendTime ? nowMs : -1);
  waiting.push({ partition, endOffset: entry.lastOffset + 1, leaderEpoch: partition.leaderEpoch, result });
  return result;
}

/**
 * Memory that the log may keep and write into. A copy, so that the frame can go and `requests()` shows what was
 * sent; the frame itself when nobody looks and the batch is most of it.
 */
function ownBytes(ctx: Context, batch: Uint8Array): Uint8Array {
  if (!ctx.core.keepsRequests() && batch.length * 2 > batch.buffer.byteLength) return batch;
  const bytes = Buffer.allocUnsafeSlow(batch.length);
  bytes.set(batch);
  return bytes;
}

function appendOld(ctx: Context, partition: Partition, records: Uint8Array, waiting: Unreplicated[]): PartitionResult {
  const outcome = appendOldSet(ctx, partition, records);
  if (!outcome.ok) return refused(ctx, partition, outcome);
  ctx.core.state.appended(partition, ctx.clock);
  const isEmpty = outcome.endOffset === outcome.baseOffset;
  const result = appended(partition, isEmpty ? -1 : outcome.baseOffset, outcome.logAppendTimeMs);
  waiting.push({ partition, endOffset: outcome.endOffset, leaderEpoch: partition.leaderEpoch, result });
  return result;
}

/** Since 3.6 a leader asks the coordinator about transactional batches; since 4.0 that adds the partition, too. */
function verifyTransaction(
  ctx: Context,
  request: ProduceRequest,
  partition: Partition,
  records: Uint8Array,
): PartitionResult | null {
  const { state, transactions } = ctx.core;
  if (state.profile.transactionVersion === 0 || request.transactionalId === null || records.length < BATCH_HEADER_SIZE)
    return null;
  const header = readBatchHeader(records);
  if ((header.attributes & Attribute.transactional) === 0 || header.producerId < 0n) return null;
  const known = partition.log.producers.get(header.producerId);
  // Before 4.0 an open transaction of this producer was enough, whatever its epoch.
  const isOldCheck = state.profile.transactionVersion === 1;
  const isOpen = known !== undefined && known.transactionStart !== null;
  if (isOpen && (isOldCheck || known.epoch === header.producerEpoch)) return null;
  const who = { producerId: header.producerId, epoch: header.producerEpoch };
  const adds = state.profile.transactionVersion === 2 && ctx.version >= 12;
  const code = adds
    ? transactions.addPartitions(request.transactionalId, who, [partition], ctx.clock)
    : transactions.verify(request.transactionalId, who, partition, ctx.version);
  if (code === Code.NONE) return null;
  if (code === Code.PRODUCER_FENCED) return failed(partition.index, Code.INVALID_PRODUCER_EPOCH);
  if (code === Code.CONCURRENT_TRANSACTIONS && !adds) {
    return failed(partition.index, Code.NOT_ENOUGH_REPLICAS, 'the transaction before this one is still ending');
  }
  const message = code === Code.INVALID_TXN_STATE ? 'the partition is not part of the transaction' : null;
  return failed(partition.index, code, message);
}

function hasTransactionalBatch(request: ProduceRequest): boolean {
  for (const { partitionData } of request.topicData) {
    for (const { records } of partitionData) {
      if (records === null || records.length < BATCH_HEADER_SIZE || records[BatchOffset.magic] !== 2) continue;
      if ((viewOf(records).getInt16(BatchOffset.attributes) & Attribute.transactional) !== 0) return true;
    }
  }
  return false;
}

function appended(partition: Partition, baseOffset: number, logAppendTimeMs: number): PartitionResult {
  return {
    index: partition.index,
    errorCode: Code.NONE,
    baseOffset: BigInt(baseOffset),
    logAppendTimeMs: BigInt(logAppendTimeMs),
    logStartOffset: BigInt(partition.log.logStartOffset),
    recordErrors: [],
    errorMessage: null,
  };
}

function failed(index: number, errorCode: number, errorMessage: string | null = null): PartitionResult {
  return {
    index,
    errorCode,
    baseOffset: -1n,
    logAppendTimeMs: -1n,
    logStartOffset: -1n,
    recordErrors: [],
    errorMessage,
  };
}

function refused(ctx: Context, partition: Partition, why: Refusal): PartitionResult {
  const { knowsInvalidRecord } = ctx.core.state.profile;
  const isUnnamed = why.code === Code.INVALID_RECORD && !knowsInvalidRecord;
  const code = isUnnamed ? Code.CORRUPT_MESSAGE : why.code;
  const result = failed(partition.index, code, why.recordFaults.length > 0 || why.isFraming ? why.reason : null);
  if (why.atLog) result.logStartOffset = BigInt(partition.log.logStartOffset);
  result.recordErrors = why.recordFaults.map((fault) => ({
    batchIndex: fault.batchIndex,
    batchIndexErrorMessage: fault.message,
  }));
  ctx.session.lastRefusal = why.reason;
  return result;
}

function failedByRule(ctx: Context, index: number, fault: ErrorAction): PartitionResult {
  const result = failed(index, codeNumber(fault.error)!, fault.message ?? null);
  if (fault.hint !== undefined) ctx.faults.hint = fault.hint;
  for (const batchIndex of fault.records ?? []) {
    result.recordErrors.push({ batchIndex, batchIndexErrorMessage: fault.message ?? null });
  }
  return result;
}

/** Names the present leaders to a client that came to the wrong one (KIP-951). */
function withHints(ctx: Context, request: ProduceRequest, responses: TopicResult[]): ProduceResponseInput {
  const nodes = new Map<number, { nodeId: number; host: string; port: number; rack: string | null }>();
  if (ctx.version >= 10 && ctx.faults.hint !== false) {
    for (const [t, response] of responses.entries()) {
      const topic = topicOf(ctx, request.topicData[t]!);
      for (const result of response.partitionResponses) {
        if (result.errorCode !== Code.NOT_LEADER_OR_FOLLOWER) continue;
        const partition = topic?.partitions[result.index];
        if (partition === undefined) continue;
        result.currentLeader = { leaderId: partition.leader, leaderEpoch: partition.leaderEpoch };
        const node = ctx.core.state.nodes.get(partition.leader);
        if (node !== undefined) nodes.set(node.id, { nodeId: node.id, ...addressFor(node, ctx.kind), rack: node.rack });
      }
    }
  }
  const answer: ProduceResponseInput = { responses, throttleTimeMs: ctx.version >= 1 ? ctx.faults.throttleMs : 0 };
  return nodes.size === 0 ? answer : { ...answer, nodeEndpoints: [...nodes.values()] };
}

/** A topic with fewer replicas than it wants in sync is content with all of them. */
function isUnderReplicated({ isr, replicas, topic }: Partition): boolean {
  return isr.length < Math.min(topic.minInsyncReplicas, replicas.length);
}

function isUnreplicated({ partition, endOffset }: Unreplicated): boolean {
  return partition.log.highWatermark < endOffset;
}

/** Waits until the followers have what acks=-1 promises, the time is up, or the leader is gone. */
class ReplicationWait implements LogWaiter {
  #open: Unreplicated[];
  readonly #done: () => void;
  readonly #ctx: Context;
  readonly #timer: unknown;

  constructor(ctx: Context, timeoutMs: number, open: Unreplicated[], done: () => void) {
    this.#ctx = ctx;
    this.#open = open;
    this.#done = done;
    this.#timer = ctx.clock.setTimeout(() => this.#timeOut(), Math.max(1, timeoutMs));
    for (const { partition } of open) partition.waiters.add(this);
  }

  logMoved(): void {
    this.#open = this.#open.filter((append) => {
      const { partition, result } = append;
      if (partition.leader !== this.#ctx.broker.id || partition.leaderEpoch !== append.leaderEpoch) {
        Object.assign(result, failed(result.index, Code.NOT_LEADER_OR_FOLLOWER));
      } else if (isUnreplicated(append)) {
        return true;
      } else if (isUnderReplicated(partition)) {
        Object.assign(result, failed(result.index, Code.NOT_ENOUGH_REPLICAS_AFTER_APPEND));
      }
      partition.waiters.delete(this);
      return false;
    });
    if (this.#open.length === 0) this.#finish();
  }

  #timeOut(): void {
    for (const { partition, result } of this.#open) {
      Object.assign(result, failed(result.index, Code.REQUEST_TIMED_OUT));
      partition.waiters.delete(this);
    }
    this.#open = [];
    this.#finish();
  }

  #finish(): void {
    this.#ctx.clock.clearTimeout(this.#timer);
    this.#done();
  }
}
