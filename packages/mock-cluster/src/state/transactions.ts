import { Code } from '../codes.ts';
import type { Clock } from '../ports.ts';
import { readBatchHeader } from '../records/batch-header.ts';
import { markerBatch } from '../records/marker.ts';
import type { ClusterState } from './cluster-state.ts';
import type { Groups } from './groups.ts';
import type { Partition } from './topic.ts';

export type TransactionStatus =
  | 'Empty'
  | 'Ongoing'
  | 'PrepareCommit'
  | 'PrepareAbort'
  | 'CompleteCommit'
  | 'CompleteAbort';

export interface Transaction {
  readonly id: string;
  producerId: bigint;
  epoch: number;
  /** The epoch and id before the last bump, by which a retry is known; -1 if none. */
  lastEpoch: number;
  lastProducerId: bigint;
  timeoutMs: number;
  status: TransactionStatus;
  readonly partitions: Map<string, Partition>;
  readonly groups: Set<string>;
  timer: unknown;
  clock: Clock | null;
}

export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly epoch: number;
}

export type InitResult =
  | { readonly code: 0; readonly producerId: bigint; readonly epoch: number }
  | { readonly code: number };

const NO_PRODUCER = -1n;
/** Epochs end here: a producer that reaches it gets a new id. */
const LAST_EPOCH = 32_766;
const MAX_TIMEOUT_MS = 900_000;
const NEVER_MS = 0x7fff_ffff;

/** The transaction coordinator of the whole cluster, by the rules of the Java broker. */
export class Transactions {
  readonly #state: ClusterState;
  readonly #groups: Groups;
  readonly #transactions = new Map<string, Transaction>();
  /** How long markers take after the answer to EndTxn; CONCURRENT_TRANSACTIONS meanwhile. */
  markerDelayMs = 0;
  /** As `transaction.two.phase.commit.enable`. */
  allowsTwoPhaseCommit = false;

  constructor(state: ClusterState, groups: Groups) {
    this.#state = state;
    this.#groups = groups;
  }

  get(id: string): Transaction | undefined {
    return this.#transactions.get(id);
  }

  all(): IterableIterator<Transaction> {
    return this.#transactions.values();
  }

  /** @param isTwoPhase - the transaction is open until it is ended, whatever the timeout says (KIP-939). */
  initProducerId(
    id: string | null,
    askedTimeoutMs: number,
    current: ProducerIdentity,
    clock: Clock,
    isTwoPhase = false,
  ): InitResult {
    if (id === null) return { code: 0, producerId: this.#state.newProducerId(), epoch: 0 };
    if (id === '') return { code: Code.INVALID_REQUEST };
    if (isTwoPhase && !this.allowsTwoPhaseCommit) return { code: Code.TRANSACTIONAL_ID_AUTHORIZATION_FAILED };
    if (!isTwoPhase && (askedTimeoutMs <= 0 || askedTimeoutMs > MAX_TIMEOUT_MS)) {
      return { code: Code.INVALID_TRANSACTION_TIMEOUT };
    }
    const timeoutMs = isTwoPhase ? NEVER_MS : askedTimeoutMs;
    let tx = this.#transactions.get(id);
    if (tx === undefined) {
      tx = {
        id,
        producerId: this.#state.newProducerId(),
        epoch: -1,
        lastEpoch: -1,
        lastProducerId: NO_PRODUCER,
        timeoutMs,
        status: 'Empty',
        partitions: new Map(),
        groups: new Set(),
        timer: null,
        clock: null,
      };
      this.#transactions.set(id, tx);
    }
    if (!isKnownIdentity(tx, current)) return { code: Code.PRODUCER_FENCED };
    if (tx.status === 'PrepareAbort' || tx.status === 'PrepareCommit') return { code: Code.CONCURRENT_TRANSACTIONS };
    if (tx.status === 'Ongoing') {
      // The producer of the open transaction is fenced and its transaction aborted before the new one may begin.
      this.#bumpEpoch(tx);
      this.#end(tx, false, clock, 0);
      return { code: Code.CONCURRENT_TRANSACTIONS };
    }
    tx.timeoutMs = timeoutMs;
    return this.#nextIncarnation(tx, current);
  }

  /** AddPartitionsToTxn, or what Produce v12 implies. */
  addPartitions(id: string, who: ProducerIdentity, partitions: readonly Partition[], clock: Clock): number {
    const tx = this.#find(id, who);
    if (typeof tx === 'number') return tx;
    if (tx.status === 'PrepareAbort' || tx.status === 'PrepareCommit') return Code.CONCURRENT_TRANSACTIONS;
    this.#begin(tx, clock);
    for (const partition of partitions) tx.partitions.set(partitionKey(partition), partition);
    return Code.NONE;
  }

  addGroup(id: string, who: ProducerIdentity, group: string, clock: Clock): number {
    const tx = this.#find(id, who);
    if (typeof tx === 'number') return tx;
    if (tx.status === 'PrepareAbort' || tx.status === 'PrepareCommit') return Code.CONCURRENT_TRANSACTIONS;
    this.#begin(tx, clock);
    tx.groups.add(group);
    return Code.NONE;
  }

  /** Whether a transactional batch may be appended: the check that brokers make since 3.6. */
  verify(id: string, who: ProducerIdentity, partition: Partition, produceVersion: number): number {
    const tx = this.#find(id, who);
    if (typeof tx === 'number') return tx;
    if (tx.status === 'PrepareAbort' || tx.status === 'PrepareCommit') return Code.CONCURRENT_TRANSACTIONS;
    const isIn = tx.status === 'Ongoing' && tx.partitions.has(partitionKey(partition));
    if (isIn) return Code.NONE;
    return produceVersion >= 11 ? Code.TRANSACTION_ABORTABLE : Code.INVALID_TXN_STATE;
  }

  /** Whether offsets may be committed for this group without having been added first. */
  verifyGroup(id: string, who: ProducerIdentity, group: string, commitVersion: number): number {
    const { transactionVersion } = this.#state.profile;
    if (transactionVersion === 0) return Code.NONE;
    const tx = this.#find(id, who);
    if (typeof tx === 'number') return tx;
    if (tx.status === 'PrepareAbort' || tx.status === 'PrepareCommit') return Code.CONCURRENT_TRANSACTIONS;
    if (tx.status === 'Ongoing' && tx.groups.has(group)) return Code.NONE;
    return commitVersion >= 4 ? Code.TRANSACTION_ABORTABLE : Code.INVALID_TXN_STATE;
  }

  /** @param bumps - EndTxn v5 and later: every transaction ends with a new epoch (KIP-890). */
  endTransaction(id: string, who: ProducerIdentity, commit: boolean, bumps: boolean, clock: Clock): InitResult {
    if (id === '') return { code: Code.INVALID_REQUEST };
    const tx = this.#transactions.get(id);
    if (tx === undefined) return { code: Code.INVALID_PRODUCER_ID_MAPPING };
    const isRetry = bumps && isRetryOf(tx, who);
    if (tx.producerId !== who.producerId && !isRetry) return { code: Code.INVALID_PRODUCER_ID_MAPPING };
    if (tx.epoch !== who.epoch && !isRetry) return { code: Code.PRODUCER_FENCED };
    const done = (): InitResult => ({ code: 0, producerId: tx.producerId, epoch: tx.epoch });
    switch (tx.status) {
      case 'Ongoing':
        // A retry's epoch is the one before: then this transaction is another, already begun with the new epoch.
        if (isRetry) return { code: Code.PRODUCER_FENCED };
        return this.#finish(tx, commit, bumps, clock);
      case 'PrepareCommit':
        return { code: commit ? Code.CONCURRENT_TRANSACTIONS : Code.INVALID_TXN_STATE };
      case 'PrepareAbort':
        return { code: commit ? Code.INVALID_TXN_STATE : Code.CONCURRENT_TRANSACTIONS };
      case 'CompleteCommit':
        if (!bumps) return commit ? done() : { code: Code.INVALID_TXN_STATE };
        if (isRetry) return commit ? done() : { code: Code.INVALID_TXN_STATE };
        return commit ? { code: Code.INVALID_TXN_STATE } : this.#finish(tx, false, true, clock);
      case 'CompleteAbort':
        if (commit) return { code: Code.INVALID_TXN_STATE };
        return bumps && !isRetry ? this.#finish(tx, false, true, clock) : done();
      case 'Empty':
        return bumps && !commit ? this.#finish(tx, false, true, clock) : { code: Code.INVALID_TXN_STATE };
    }
  }

  /** Ends a transaction as its timeout does: aborted, its producer fenced. */
  expire(id: string, clock: Clock): boolean {
    const tx = this.#transactions.get(id);
    if (tx === undefined || tx.status !== 'Ongoing') return false;
    this.#bumpEpoch(tx);
    this.#end(tx, false, clock, 0);
    return true;
  }

  /** Drops all timers. */
  stop(): void {
    for (const tx of this.#transactions.values()) this.#clearTimer(tx);
  }

  #find(id: string, who: ProducerIdentity): Transaction | number {
    if (id === '') return Code.INVALID_REQUEST;
    const tx = this.#transactions.get(id);
    if (tx === undefined || tx.producerId !== who.producerId) return Code.INVALID_PRODUCER_ID_MAPPING;
    if (tx.epoch !== who.epoch) return Code.PRODUCER_FENCED;
    return tx;
  }

  #begin(tx: Transaction, clock: Clock): void {
    if (tx.status === 'Ongoing') return;
    tx.status = 'Ongoing';
    tx.partitions.clear();
    tx.groups.clear();
    tx.clock = clock;
    if (tx.timeoutMs === NEVER_MS) return;
    tx.timer = clock.setTimeout(() => this.expire(tx.id, clock), tx.timeoutMs);
    (tx.timer as { unref?: () => void }).unref?.();
  }

  #finish(tx: Transaction, commit: boolean, bumps: boolean, clock: Clock): InitResult {
    if (bumps) this.#bumpEpoch(tx);
    const answer = { code: 0 as const, producerId: tx.producerId, epoch: tx.epoch };
    this.#end(tx, commit, clock, this.markerDelayMs);
    if (bumps && tx.epoch > LAST_EPOCH) {
      tx.lastProducerId = tx.producerId;
      tx.producerId = this.#state.newProducerId();
      tx.epoch = 0;
      return { code: 0, producerId: tx.producerId, epoch: 0 };
    }
    return answer;
  }

  #end(tx: Transaction, commit: boolean, clock: Clock, delayMs: number): void {
    this.#clearTimer(tx);
    tx.status = commit ? 'PrepareCommit' : 'PrepareAbort';
    const { producerId, epoch } = tx;
    const complete = () => {
      tx.status = commit ? 'CompleteCommit' : 'CompleteAbort';
      for (const partition of tx.partitions.values()) {
        if (!partition.topic.isDeleted) this.#writeMarker(partition, producerId, epoch, commit, clock);
      }
      for (const group of tx.groups) this.#groups.endTransaction(group, producerId, commit);
      tx.partitions.clear();
      tx.groups.clear();
    };
    if (delayMs <= 0) complete();
    else clock.setTimeout(complete, delayMs);
  }

  #writeMarker(partition: Partition, producerId: bigint, epoch: number, commit: boolean, clock: Clock): void {
    const bytes = markerBatch({ producerId, epoch, commit, coordinatorEpoch: 0, timestamp: clock.epochMs() });
    partition.log.appendMarker(bytes, readBatchHeader(bytes), partition.leaderEpoch, commit, 0);
    this.#state.appended(partition, clock);
  }

  #nextIncarnation(tx: Transaction, current: ProducerIdentity): InitResult {
    const isFresh = tx.epoch === -1;
    const isRetry = current.epoch >= 0 && current.epoch !== tx.epoch && current.epoch === tx.lastEpoch;
    if (!isRetry) {
      if (tx.epoch >= LAST_EPOCH) {
        tx.lastProducerId = tx.producerId;
        tx.lastEpoch = current.epoch >= 0 ? tx.epoch : -1;
        tx.producerId = this.#state.newProducerId();
        tx.epoch = 0;
      } else {
        tx.lastEpoch = current.epoch >= 0 && !isFresh ? tx.epoch : -1;
        tx.epoch++;
      }
    }
    tx.status = 'Empty';
    tx.partitions.clear();
    tx.groups.clear();
    return { code: 0, producerId: tx.producerId, epoch: tx.epoch };
  }

  #bumpEpoch(tx: Transaction): void {
    tx.lastEpoch = tx.epoch;
    tx.epoch++;
  }

  #clearTimer(tx: Transaction): void {
    if (tx.timer !== null) tx.clock?.clearTimeout(tx.timer);
    tx.timer = null;
  }
}

export function partitionKey(partition: Partition): string {
  return `${partition.topic.id}/${partition.index}`;
}

function isKnownIdentity(tx: Transaction, current: ProducerIdentity): boolean {
  if (current.epoch < 0 || tx.epoch === -1) return true;
  if (current.producerId === tx.producerId) return current.epoch === tx.epoch || current.epoch === tx.lastEpoch;
  return current.producerId === tx.lastProducerId && current.epoch === tx.lastEpoch;
}

function isRetryOf(tx: Transaction, who: ProducerIdentity): boolean {
  if (who.producerId === tx.producerId) return who.epoch === tx.lastEpoch && who.epoch === tx.epoch - 1;
  return tx.lastProducerId !== NO_PRODUCER && who.producerId === tx.lastProducerId && who.epoch === tx.lastEpoch;
}
