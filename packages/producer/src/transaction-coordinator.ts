import {
  AddOffsetsToTxnRequest,
  AddOffsetsToTxnResponse,
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
  EndTxnRequest,
  EndTxnResponse,
  FindCoordinatorRequest,
  FindCoordinatorResponse,
  InitProducerIdRequest,
  InitProducerIdResponse,
  TxnOffsetCommitRequest,
  TxnOffsetCommitResponse,
} from '@kiel/codec/client';
import { newestCommon } from './api-versions.ts';
import { backoffMs } from './backoff.ts';
import type { BrokerLink } from './broker-link.ts';
import type { Cluster } from './cluster.ts';
import { treatmentOf } from './error-treatment.ts';
import { BrokerError, ConnectionError, KafkaError, toError } from './errors.ts';
import type { Identity } from './partition-queue.ts';
import type { Clock, Random } from './ports.ts';

/** What a coordinator says in the end. `late`: it was not answered until the deadline, the cause is the last failure. */
export type Answer<Value> =
  | { readonly kind: 'done'; readonly value: Value }
  | { readonly kind: 'abortable' | 'fatal' | 'late' | 'stopped'; readonly error: KafkaError };

export interface CoordinatorSettings {
  readonly transactionalId: string;
  readonly transactionTimeoutMs: number;
  readonly transactionTwoPhaseCommit: boolean;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
}

export interface CoordinatorParts {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly random: Random;
  /** The picture of the cluster does not help any more. */
  metadataStale(): void;
}

/** Which consumer group's offsets, and on whose behalf (KIP-447): as the consumer says it. */
export interface GroupMetadata {
  readonly groupId: string;
  /** Absent: nobody checks that the group's member is still the owner of its partitions. */
  readonly generationId?: number;
  readonly memberId?: string;
  readonly groupInstanceId?: string | null;
}

/** The offset of the next record to be read. */
export interface TransactionOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint | number;
  readonly leaderEpoch?: number;
  readonly metadata?: string | null;
}

/** What to do with the error code of a coordinator. */
export type CoordinatorTreatment =
  /** The same request again, after a backoff. */
  | 'retry'
  /** Another broker is the coordinator now. */
  | 'rediscover'
  /** The transaction before this one is still being ended: soon again. */
  | 'wait'
  /** This transaction can only be aborted. */
  | 'abortable'
  /** This producer has no transactions any more. */
  | 'fatal'
  /** The request does not say. */
  | 'unexpected';

const treatments: Readonly<Record<number, CoordinatorTreatment>> = {
  3: 'retry',
  7: 'retry',
  12: 'abortable',
  14: 'retry',
  15: 'rediscover',
  16: 'rediscover',
  22: 'abortable',
  24: 'abortable',
  25: 'abortable',
  27: 'abortable',
  28: 'abortable',
  29: 'abortable',
  30: 'abortable',
  31: 'fatal',
  35: 'fatal',
  // A twin could go on with its work if these were recoverable (KAFKA-18019).
  47: 'fatal',
  48: 'fatal',
  49: 'fatal',
  50: 'fatal',
  51: 'wait',
  53: 'fatal',
  82: 'abortable',
  90: 'fatal',
  100: 'retry',
  110: 'abortable',
  113: 'abortable',
  120: 'abortable',
};

/** What the producer does about an error code in a coordinator's answer. */
export function coordinatorTreatmentOf(code: number): CoordinatorTreatment {
  return treatments[code] ?? (treatmentOf(code).retriable ? 'retry' : 'unexpected');
}

/** Before the second version of transactions; newer ones of these requests mean another protocol (KIP-890). */
const addPartitionsOfClients = { ...AddPartitionsToTxnRequest, maxVersion: 3 };
const endOfV1 = { ...EndTxnRequest, maxVersion: 4 };
const commitOffsetsOfV1 = { ...TxnOffsetCommitRequest, maxVersion: 4 };
/** The newest one names topics by their ids, which a caller does not have. */
const commitOffsetsByName = { ...TxnOffsetCommitRequest, maxVersion: 5 };
/** Where the coordinator is told who the producer was: 2.5 and later (KIP-360). */
const initializeAgain = { ...InitProducerIdRequest, minVersion: 3 };
const initializeTwoPhase = { ...InitProducerIdRequest, minVersion: 6 };

const groupKey = 0;
const transactionKey = 1;

/** Attempts on a coordinator that is still ending another transaction. */
const shortestWaitMs = 20;
const longestWaitMs = 100;

/** These failures come before a request is written. */
const unwritten: ReadonlySet<string> = new Set(['CONNECT_FAILED', 'NO_BROKERS', 'ADDRESS_NOT_ALLOWED']);

interface Attempt<Value> {
  readonly errorCode: number;
  readonly brokerMessage?: string | null;
  readonly value: Value;
}

/**
 * Speaks with the coordinators of the transaction and of consumer groups: finds them, follows them when they move, and
 * asks again until there is an answer or the deadline has come.
 */
export class TransactionCoordinator {
  /** Requests since `forgetUnanswered` that were perhaps written, and had no answer. */
  unanswered = 0;
  readonly #settings: CoordinatorSettings;
  readonly #parts: CoordinatorParts;
  readonly #found = new Map<string, BrokerLink>();
  readonly #waiting = new Set<() => void>();
  #stopped: KafkaError | null = null;

  constructor(settings: CoordinatorSettings, parts: CoordinatorParts) {
    this.#settings = settings;
    this.#parts = parts;
  }

  /** Every loop ends now with this error, and no timer is left. */
  stop(error: KafkaError): void {
    this.#stopped ??= error;
    for (const wake of [...this.#waiting]) wake();
  }

  /** The cluster has agreed on the second version of transactions, as far as the coordinator says. */
  get isV2(): boolean {
    const link = this.#found.get(keyOf(transactionKey, this.#settings.transactionalId));
    return (link?.connection?.features.get('transaction.version') ?? 0) >= 2;
  }

  /** A new epoch can be had in a way that tells this producer from a newer one: brokers of 2.5 and later. */
  get canRenew(): boolean {
    const link = this.#found.get(keyOf(transactionKey, this.#settings.transactionalId));
    const versions = link?.connection?.versions;
    return versions == null || newestCommon(versions, initializeAgain) >= 0;
  }

  /** A deadline that is so far from now. */
  deadline(timeoutMs: number): number {
    return this.#parts.clock.now() + timeoutMs;
  }

  /**
   * Asks who this producer is. Earlier producers with its name are fenced, and what they left open is aborted.
   *
   * @param current - who it was so far: the coordinator knows a request that is sent again by it, and refuses when
   *   another producer has taken the name since (KIP-360).
   */
  initialize(current: Identity | null, deadlineMs: number): Promise<Answer<Identity>> {
    const { transactionalId, transactionTimeoutMs, transactionTwoPhaseCommit: enable2Pc } = this.#settings;
    return this.#ask('InitProducerId', transactionKey, transactionalId, 'fatal', deadlineMs, async (link) => {
      const plain = current === null ? InitProducerIdRequest : initializeAgain;
      const message = enable2Pc ? initializeTwoPhase : plain;
      const { body } = await link.call(message, InitProducerIdResponse, () => ({
        transactionalId,
        transactionTimeoutMs,
        ...(enable2Pc ? { enable2Pc } : {}),
        ...(current === null ? {} : { producerId: current.producerId, producerEpoch: current.epoch }),
      }));
      const { errorCode, producerId, producerEpoch: epoch } = body;
      return { errorCode, value: { producerId, epoch } };
    });
  }

  /** Tells the coordinator that records of these partitions follow. */
  addPartitions(
    identity: Identity,
    topics: readonly { readonly name: string; readonly partitions: readonly number[] }[],
    deadlineMs: number,
    isWanted: () => boolean,
  ): Promise<Answer<null>> {
    const { transactionalId } = this.#settings;
    return this.#ask(
      'AddPartitionsToTxn',
      transactionKey,
      transactionalId,
      'abortable',
      deadlineMs,
      async (link) => {
        const { body } = await link.call(addPartitionsOfClients, AddPartitionsToTxnResponse, () => ({
          v3AndBelowTransactionalId: transactionalId,
          v3AndBelowProducerId: identity.producerId,
          v3AndBelowProducerEpoch: identity.epoch,
          v3AndBelowTopics: topics,
        }));
        const codes = body.resultsByTopicV3AndBelow.flatMap(({ name, resultsByPartition }) =>
          resultsByPartition.map(({ partitionIndex, partitionErrorCode }) => ({
            errorCode: partitionErrorCode,
            place: `${name}-${partitionIndex}`,
          })),
        );
        return { ...worst(codes), value: null };
      },
      isWanted,
    );
  }

  /** Makes a group's offsets part of the transaction (first version only). */
  addOffsets(identity: Identity, groupId: string, deadlineMs: number, isWanted: () => boolean): Promise<Answer<null>> {
    const { transactionalId } = this.#settings;
    return this.#ask(
      'AddOffsetsToTxn',
      transactionKey,
      transactionalId,
      'abortable',
      deadlineMs,
      async (link) => {
        const { body } = await link.call(AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, () => ({
          transactionalId,
          producerId: identity.producerId,
          producerEpoch: identity.epoch,
          groupId,
        }));
        return { errorCode: body.errorCode, value: null };
      },
      isWanted,
    );
  }

  /** Gives the offsets to the group's own coordinator; they count when the transaction is committed. */
  commitOffsets(
    identity: Identity,
    group: GroupMetadata,
    offsets: readonly TransactionOffset[],
    isV2: boolean,
    deadlineMs: number,
    isWanted: () => boolean,
  ): Promise<Answer<null>> {
    const { transactionalId } = this.#settings;
    const { groupId, generationId = -1, memberId = '', groupInstanceId = null } = group;
    const hasMember = generationId !== -1 || memberId !== '' || groupInstanceId !== null;
    const newest = isV2 ? commitOffsetsByName : commitOffsetsOfV1;
    const message = hasMember ? { ...newest, minVersion: 3 } : newest;
    return this.#ask(
      'TxnOffsetCommit',
      groupKey,
      groupId,
      'abortable',
      deadlineMs,
      async (link) => {
        const { body } = await link.call(message, TxnOffsetCommitResponse, (version) => {
          const hasMember = generationId !== -1 || memberId !== '' || groupInstanceId !== null;
          if (version < 3 && hasMember) {
            throw new KafkaError(
              'UNSUPPORTED_VERSION',
              `${link.name} is too old for group metadata: give the id alone`,
            );
          }
          return {
            transactionalId,
            groupId,
            producerId: identity.producerId,
            producerEpoch: identity.epoch,
            ...(version >= 3 ? { generationIdOrMemberEpoch: generationId, memberId, groupInstanceId } : {}),
            topics: offsetsByTopic(offsets, version >= 2),
          };
        });
        const codes = body.topics.flatMap(({ name, partitions }) =>
          partitions.map(({ partitionIndex, errorCode }) => ({ errorCode, place: `${name}-${partitionIndex}` })),
        );
        return { ...worst(codes), value: null };
      },
      isWanted,
    );
  }

  /**
   * Ends the transaction.
   *
   * @returns who the producer is after it: another epoch in the second version of transactions.
   */
  end(identity: Identity, isCommit: boolean, isV2: boolean, deadlineMs: number): Promise<Answer<Identity>> {
    const { transactionalId } = this.#settings;
    return this.#ask('EndTxn', transactionKey, transactionalId, 'fatal', deadlineMs, async (link) => {
      const { version, body } = await link.call(isV2 ? EndTxnRequest : endOfV1, EndTxnResponse, () => ({
        transactionalId,
        producerId: identity.producerId,
        producerEpoch: identity.epoch,
        committed: isCommit,
      }));
      const { errorCode, producerId, producerEpoch: epoch } = body;
      return { errorCode, value: version >= 5 && producerId >= 0n ? { producerId, epoch } : identity };
    });
  }

  /** @param isWanted - asked before each attempt: when nobody wants it any more, it ends as `late`. */
  async #ask<Value>(
    api: string,
    keyType: number,
    key: string,
    unexpected: 'abortable' | 'fatal',
    deadlineMs: number,
    attempt: (link: BrokerLink) => Promise<Attempt<Value>>,
    isWanted: () => boolean = () => true,
  ): Promise<Answer<Value>> {
    const { clock } = this.#parts;
    let failures = 0;
    let waits = 0;
    let last: KafkaError = new KafkaError('COORDINATOR_TIMEOUT', `${api}: no time was left`);
    for (;;) {
      if (this.#stopped !== null) return { kind: 'stopped', error: this.#stopped };
      if (clock.now() >= deadlineMs || !isWanted()) return { kind: 'late', error: last };
      try {
        const link = await this.#locate(keyType, key, deadlineMs);
        const { errorCode, brokerMessage = null, value } = await this.within(attempt(link), deadlineMs);
        if (errorCode === 0) return { kind: 'done', value };
        last = new BrokerError(errorCode, `${api} at ${link.name}`, brokerMessage);
        const treatment = coordinatorTreatmentOf(errorCode);
        if (treatment === 'fatal' || treatment === 'abortable') return { kind: treatment, error: last };
        if (treatment === 'unexpected') return { kind: unexpected, error: last };
        if (treatment === 'rediscover') this.#found.delete(keyOf(keyType, key));
        if (treatment === 'wait') {
          await this.#sleep(Math.min(shortestWaitMs + 10 * waits++, longestWaitMs), deadlineMs);
          continue;
        }
      } catch (thrown) {
        const failure = thrown instanceof KafkaError ? thrown : new KafkaError('INTERNAL', toError(thrown).message);
        // At the deadline, what a coordinator said before tells more than that it has not answered again.
        if (!(last instanceof BrokerError && clock.now() >= deadlineMs)) last = failure;
        if (this.#stopped !== null) return { kind: 'stopped', error: this.#stopped };
        if (failure instanceof BrokerError) {
          const treatment = coordinatorTreatmentOf(failure.errorCode);
          if (treatment === 'fatal' || treatment === 'abortable') return { kind: treatment, error: failure };
        } else if (!(failure instanceof ConnectionError) || failure.code === 'UNSUPPORTED_VERSION') {
          return { kind: 'fatal', error: failure };
        }
        if (failure instanceof ConnectionError) {
          // Whether the coordinator is at fault or on its way elsewhere: it is looked for anew.
          if (this.#found.delete(keyOf(keyType, key)) && !unwritten.has(failure.code)) this.unanswered++;
          this.#parts.metadataStale();
        }
      }
      const { retryBackoffMs, retryBackoffMaxMs } = this.#settings;
      await this.#sleep(backoffMs(++failures, retryBackoffMs, retryBackoffMaxMs, this.#parts.random), deadlineMs);
    }
  }

  async #locate(keyType: number, key: string, deadlineMs: number): Promise<BrokerLink> {
    const cached = this.#found.get(keyOf(keyType, key));
    if (cached !== undefined && !cached.isLeaving) return cached;
    this.#found.delete(keyOf(keyType, key));
    const { cluster } = this.#parts;
    if (cluster.anyNode() === null) await this.within(cluster.fetch([]), deadlineMs);
    const any = cluster.anyNode();
    if (any === null) throw new ConnectionError('NO_BROKERS', 'no broker is known yet');
    const { version, body } = await this.within(
      any.call(FindCoordinatorRequest, FindCoordinatorResponse, (version) => ({
        ...(version >= 1 ? { keyType } : {}),
        ...(version >= 4 ? { coordinatorKeys: [key] } : { key }),
      })),
      deadlineMs,
    );
    const found = version >= 4 ? body.coordinators[0] : body;
    if (found === undefined) throw new ConnectionError('PROTOCOL_VIOLATION', `${any.name} named no coordinator`);
    const { errorCode, errorMessage, nodeId, host, port } = found;
    if (errorCode !== 0) throw new BrokerError(errorCode, `FindCoordinator at ${any.name}`, errorMessage);
    const link = cluster.coordinator({ nodeId, host, port });
    if (link === null)
      throw new ConnectionError('PROTOCOL_VIOLATION', `${any.name} named a coordinator that cannot be`);
    this.#found.set(keyOf(keyType, key), link);
    return link;
  }

  /** The promise's outcome, or an error at the deadline. */
  within<Value>(promise: Promise<Value>, deadlineMs: number): Promise<Value> {
    const { clock } = this.#parts;
    return new Promise((resolve, reject) => {
      const end = (error: KafkaError) => {
        clock.clearTimeout(timer);
        this.#waiting.delete(stop);
        reject(error);
      };
      const stop = () => end(this.#stopped!);
      const timer = clock.setTimeout(
        () => end(new ConnectionError('REQUEST_TIMEOUT', 'the coordinator gave no answer in time')),
        Math.max(1, deadlineMs - clock.now()),
      );
      this.#waiting.add(stop);
      promise.then(
        (value) => {
          clock.clearTimeout(timer);
          this.#waiting.delete(stop);
          resolve(value);
        },
        (thrown: unknown) => end(thrown as KafkaError),
      );
    });
  }

  #sleep(delayMs: number, deadlineMs: number): Promise<void> {
    const { clock } = this.#parts;
    return new Promise((resolve) => {
      const wake = () => {
        clock.clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = clock.setTimeout(wake, Math.max(1, Math.min(delayMs, deadlineMs - clock.now())));
      this.#waiting.add(wake);
    });
  }
}

function keyOf(keyType: number, key: string): string {
  return `${keyType} ${key}`;
}

/** The code that decides: one that ends it before one that is waited out, and whatever says more than "not tried" (55). */
function worst(codes: readonly { readonly errorCode: number; readonly place: string }[]): {
  errorCode: number;
  brokerMessage: string | null;
} {
  const weight = (errorCode: number) => {
    if (errorCode === 0) return 0;
    if (errorCode === 55) return 1;
    const treatment = coordinatorTreatmentOf(errorCode);
    return treatment === 'fatal' ? 4 : treatment === 'abortable' || treatment === 'unexpected' ? 3 : 2;
  };
  let found: { readonly errorCode: number; readonly place: string } | null = null;
  for (const each of codes) if (weight(each.errorCode) > weight(found?.errorCode ?? 0)) found = each;
  return { errorCode: found?.errorCode ?? 0, brokerMessage: found?.place ?? null };
}

function offsetsByTopic(offsets: readonly TransactionOffset[], hasLeaderEpoch: boolean) {
  const topics = new Map<
    string,
    {
      partitionIndex: number;
      committedOffset: bigint;
      committedLeaderEpoch?: number;
      committedMetadata: string | null;
    }[]
  >();
  for (const { topic, partition, offset, leaderEpoch, metadata } of offsets) {
    const partitions = topics.get(topic) ?? [];
    topics.set(topic, partitions);
    partitions.push({
      partitionIndex: partition,
      committedOffset: BigInt(offset),
      ...(hasLeaderEpoch && leaderEpoch !== undefined ? { committedLeaderEpoch: leaderEpoch } : {}),
      committedMetadata: metadata ?? '',
    });
  }
  return [...topics].map(([name, partitions]) => ({ name, partitions }));
}
