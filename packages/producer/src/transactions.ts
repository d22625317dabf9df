import type { Delivery } from './delivery.ts';
import { BrokerError, DeliveryError, KafkaError, type Persisted } from './errors.ts';
import type { Identity, PartitionQueue } from './partition-queue.ts';
import type { Clock } from './ports.ts';
import { TransactionContents } from './transaction-contents.ts';
import type { Answer, GroupMetadata, TransactionCoordinator, TransactionOffset } from './transaction-coordinator.ts';
import {
  abortedTransaction,
  doomed,
  endsByItself,
  failedTransaction,
  noneOpen,
  noTransaction,
  overlapping,
  producerClosed,
  TransactionError,
  type TransactionOutcome,
  unanswered,
  unknownOutcome,
} from './transaction-error.ts';
import type { TransactionMachineEvent, transactionMachine } from './transaction-machine.ts';

export type TransactionState =
  | 'uninitialized'
  | 'initializing'
  | 'ready'
  | 'inTransaction'
  | 'committing'
  | 'aborting'
  | 'abortableError'
  | 'fatalError';

/** What the sender asks before a batch of a transaction leaves. */
export interface TransactionGate {
  readonly transactionalId: string;
  /** Newer Produce requests mean the second version of transactions. */
  readonly mostProduceVersion: number;
  /** Whether batches of this partition may go: not before the coordinator knows of it. Enlisted when they may. */
  admits(queue: PartitionQueue, produceVersion: number): boolean;
  /** Batches are on their way. */
  shipped(): void;
}

/** What a transaction needs of the rest of the producer. */
export interface TransactionParts {
  readonly coordinator: TransactionCoordinator;
  readonly clock: Clock;
  /** The longest that a coordinator is asked for one thing. */
  readonly maxBlockMs: number;
  readonly transactionTimeoutMs: number;
  state(): TransactionState;
  tell(event: TransactionMachineEvent): void;
  /** Resolves when everything accepted so far is settled. */
  flush(): Promise<void>;
  /** Nothing is to be sent, and no answer is missing. */
  isQuiet(): boolean;
  /** Settles what is not settled. */
  failRecords(errorFor: (topic: string, partition: number, persisted: Persisted) => DeliveryError): void;
  adopt(identity: Identity): void;
  enlist(queue: PartitionQueue): void;
  /** Records are refused with this from now on; null: they are taken. */
  refuse(refusal: TransactionError | null): void;
  /** Nothing can be produced any more. */
  fatal(error: KafkaError): void;
  /** How long offsets take is measured. */
  timed(sent: Promise<void>): Promise<void>;
  /** A coordinator is being asked: the process has to live. */
  busy(isBusy: boolean): void;
}

/** A record that is refused with one of these was never part of the transaction. */
const harmless: ReadonlySet<string> = new Set([
  'NO_TRANSACTION',
  'TRANSACTION_FAILED',
  'TRANSACTION_ABORTED',
  'CLOSED',
]);

/** Answers to a first request to commit that exclude that it was committed. */
const excludesCommit: ReadonlySet<number> = new Set([47, 48, 49, 53, 90]);

/** The last Produce version of the first version of transactions. */
const lastProduceOfV1 = 11;

/**
 * One transaction after the other: what the machine's states do. Everything here asks the machine where it stands, and
 * holds what the open transaction consists of.
 */
export class Transactions implements TransactionGate {
  readonly transactionalId: string;
  readonly #parts: TransactionParts;
  readonly #contents: TransactionContents;
  #identity: Identity | null = null;
  /** Which transaction is open, or was the last. */
  #serial = 0;
  #beganAtMs = 0;
  /** Batches may leave. */
  #isGateOpen = false;
  #isV2 = false;
  /** Everything is delivered: the rest is the coordinator's. */
  #isDelivered = false;
  /** The coordinator was asked to commit, and its answer has not been seen. */
  #isCommitAsked = false;
  /** A request to commit was perhaps written, and will have no answer. */
  #isCommitInDoubt = false;
  #failure: KafkaError | null = null;
  /** Sequences were lost: they begin anew under the next epoch. */
  #wantsRestart = false;
  #needsNewEpoch = false;
  #landed: (() => void)[] = [];
  #initialization: Promise<void> = Promise.resolve();
  #ending: Promise<void> | null = null;
  #isBeginning = false;
  #isClosing = false;
  #busy = 0;
  /** Until when the coordinator may be asked while closing. */
  #closeDeadlineMs = Number.POSITIVE_INFINITY;
  /** Why there can be no transaction any more. */
  #over: TransactionError | null = null;
  /** Which transaction was committed last. */
  #committed = 0;
  /** Tells whoever waits for the function of `transaction()` that its transaction has ended without it. */
  #interrupt: ((error: TransactionError) => void) | null = null;

  constructor(transactionalId: string, parts: TransactionParts) {
    this.transactionalId = transactionalId;
    this.#parts = parts;
    this.#contents = new TransactionContents({
      coordinator: parts.coordinator,
      identity: () => this.#identity!,
      deadline: () => this.#deadline(),
      isOpen: () => this.#isGateOpen,
      work: (work) => this.#work(work),
      enlist: (queue) => parts.enlist(queue),
      refused: async (answer) => {
        this.#answerFailed(answer);
        return this.#over ?? (await this.#refusal());
      },
    });
  }

  get serial(): number {
    return this.#serial;
  }

  get state(): TransactionState {
    return this.#over !== null ? 'fatalError' : this.#parts.state();
  }

  /** Why there can be no transaction any more; null if there can. */
  get over(): TransactionError | null {
    return this.#over;
  }

  get isBusy(): boolean {
    return this.#busy > 0;
  }

  get mostProduceVersion(): number {
    return this.#isV2 ? Number.MAX_SAFE_INTEGER : lastProduceOfV1;
  }

  /** What the machine's states do. */
  implementations(): Parameters<typeof transactionMachine.provide>[0] {
    return {
      guards: { needsNewEpoch: () => this.#needsNewEpoch },
      actions: {
        requestId: () => {
          this.#initialization = this.#work(() => this.#initialize());
        },
        adopt: () => {
          if (this.#identity !== null) this.#parts.adopt(this.#identity);
        },
        openTransaction: () => this.#open(),
        requestCommit: () => this.#end(() => this.#commit()),
        requestAbort: () => this.#end(() => this.#abort()),
        failRecords: () => this.#failRecords(),
        reportDoom: () => {
          this.#over ??= this.#doomed(new KafkaError('FENCED', 'its machine was told so'), 'aborted');
          this.#parts.fatal(this.#over);
        },
      },
    };
  }

  /**
   * Begins a transaction; the first time, and after some failures, the coordinator is asked who this producer is.
   *
   * @returns the transaction's number.
   */
  async begin(): Promise<number> {
    this.#check();
    if (this.#isBeginning) throw overlapping(this.transactionalId, 'is being begun already');
    this.#isBeginning = true;
    try {
      // An abort that was not answered is no matter of doubt: it is only asked for once more.
      if (this.state === 'aborting' && this.#ending === null) await this.abort();
      this.#refuseOverlap();
      if (this.state === 'uninitialized') this.#parts.tell({ type: 'initialize' });
      if (this.state === 'initializing') await this.#initialization;
      this.#check();
      this.#parts.tell({ type: 'begin' });
      return this.#serial;
    } finally {
      this.#isBeginning = false;
    }
  }

  /**
   * What `work` gives, for the open transaction, whose end is not for others to choose meanwhile.
   *
   * @throws TransactionError when the transaction ends before: `work` may never return.
   */
  async during<Result>(work: () => Result | PromiseLike<Result>): Promise<Result> {
    const interrupted = new Promise<never>((_, reject) => {
      this.#interrupt = reject;
    });
    try {
      return await Promise.race([(async () => work())(), interrupted]);
    } finally {
      this.#interrupt = null;
    }
  }

  /** Delivers everything and commits; when it was not answered before, asks again. */
  async commit(): Promise<void> {
    this.#check();
    if (this.#interrupt !== null) throw endsByItself(this.transactionalId);
    await this.#committedNow();
  }

  /** As `commit`, of that transaction; whoever embeds the machine may have told it to commit before. */
  async commitOnce(serial: number): Promise<void> {
    if (this.#committed === serial) return;
    this.#check();
    await this.#committedNow();
  }

  async #committedNow(): Promise<void> {
    const { state } = this;
    if (state === 'abortableError') throw await this.#refusal();
    if (state === 'aborting') throw abortedTransaction('it is being aborted');
    if (state !== 'inTransaction' && state !== 'committing') throw noneOpen(this.transactionalId, 'commit');
    if (this.#ending === null) this.#parts.tell({ type: 'commit' });
    await this.#ending;
  }

  /** Takes everything back that the transaction did. */
  async abort(): Promise<void> {
    this.#check();
    const { state } = this;
    if (state === 'committing') {
      throw this.#ending === null
        ? unknownOutcome(null)
        : new TransactionError('TRANSACTION_OPEN', 'the transaction is being committed, and cannot be aborted', {
            outcome: 'open',
            hint: 'Await commit() first.',
          });
    }
    if (state !== 'inTransaction' && state !== 'abortableError' && state !== 'aborting')
      throw noneOpen(this.transactionalId, 'abort');
    if (this.#ending === null) this.#parts.tell({ type: 'abort' });
    await this.#ending;
  }

  /** Makes consumed offsets part of the transaction. */
  async sendOffsets(serial: number, offsets: readonly TransactionOffset[], group: GroupMetadata): Promise<void> {
    this.#check();
    if (serial === this.#serial && this.state === 'abortableError') throw await this.#refusal();
    if (!this.isOpen(serial)) throw noneOpen(this.transactionalId, 'sendOffsets');
    if (this.#failure !== null) throw await this.#refusal();
    if (offsets.length === 0) return;
    await this.#parts.timed(this.#contents.sendOffsets(offsets, group, this.#isV2));
  }

  /** This transaction takes records and offsets. */
  isOpen(serial: number): boolean {
    return serial === this.#serial && this.state === 'inTransaction';
  }

  /** For the naming of a record that failed. */
  track(delivery: Delivery): void {
    this.#contents.track(delivery);
  }

  admits(queue: PartitionQueue, produceVersion: number): boolean {
    if (!this.#isGateOpen) return false;
    if (produceVersion > lastProduceOfV1 || this.#contents.has(queue)) return true;
    this.#contents.want(queue);
    return false;
  }

  shipped(): void {
    this.#contents.isStarted = true;
  }

  /** A record was not delivered. */
  recordFailed(error: DeliveryError): void {
    if (harmless.has(error.code) || (error.code === 'CANCELLED' && error.persisted === 'no')) return;
    this.#fail(error);
  }

  /** Sequences were lost. A new epoch would let half a transaction stand alone: it has to be aborted first. */
  restartWanted(): void {
    this.#wantsRestart = true;
    this.#fail(new KafkaError('SEQUENCE_LOST', 'the order of records cannot be told to the broker any more'));
  }

  /** The sender has nothing to do. */
  quiet(): void {
    if (this.#landed.length === 0 || !this.#parts.isQuiet()) return;
    for (const resolve of this.#landed.splice(0)) resolve();
  }

  /** Aborts what is open, or lets a commit come to its end, for so long; then nothing is asked any more. */
  async close(timeoutMs: number): Promise<void> {
    if (this.#isClosing || this.#over !== null) return;
    this.#isClosing = true;
    const { coordinator } = this.#parts;
    this.#closeDeadlineMs = coordinator.deadline(timeoutMs);
    this.#parts.refuse(producerClosed(this.#outcome));
    const { state } = this;
    const isOpen = state === 'inTransaction' || state === 'abortableError' || state === 'aborting';
    let outcome: TransactionOutcome = isOpen ? 'aborted' : 'none';
    try {
      if (timeoutMs > 0 && (isOpen || this.#ending !== null)) {
        await coordinator.within(this.#ending ?? this.abort(), this.#closeDeadlineMs);
      }
    } catch {
      // Who asked for a commit is told by it; what was left open is aborted by its timeout, or by a successor.
    } finally {
      if (this.#isCommitAsked) outcome = 'unknown';
      else if (this.#isOpenAtAll) outcome = 'aborted';
      this.stop(producerClosed(outcome));
    }
  }

  /** The producer ends, or has failed. */
  stop(error: KafkaError): void {
    const over =
      error instanceof TransactionError
        ? error
        : new TransactionError(error.code, `the producer has failed: ${error.message}`, {
            outcome: this.#outcome,
            hint: 'Correct the cause, and make another producer.',
            cause: error,
          });
    this.#over ??= over;
    this.#isGateOpen = false;
    this.#interrupt?.(this.#over);
    this.#parts.coordinator.stop(this.#over);
    for (const resolve of this.#landed.splice(0)) resolve();
  }

  #open(): void {
    const { coordinator, clock } = this.#parts;
    this.#serial++;
    this.#beganAtMs = clock.now();
    this.#isV2 = coordinator.isV2;
    this.#isDelivered = false;
    this.#isCommitAsked = false;
    this.#isCommitInDoubt = false;
    this.#failure = null;
    this.#wantsRestart = false;
    this.#needsNewEpoch = false;
    this.#contents.clear();
    coordinator.unanswered = 0;
    this.#isGateOpen = true;
    this.#parts.refuse(null);
  }

  async #initialize(): Promise<void> {
    const { coordinator } = this.#parts;
    const answer = await coordinator.initialize(this.#identity, this.#deadline());
    if (answer.kind === 'done') {
      this.#identity = answer.value;
      this.#parts.tell({ type: 'initialized', ...named(answer.value) });
      return;
    }
    if (answer.kind === 'late') {
      this.#parts.tell({ type: 'refused' });
      throw unanswered(this.transactionalId, this.#parts.maxBlockMs, answer.error, 'none');
    }
    throw answer.kind === 'stopped' ? this.#over! : this.#doom(answer.error, this.#serial === 0 ? 'none' : 'aborted');
  }

  async #commit(): Promise<void> {
    const { coordinator } = this.#parts;
    if (!this.#isDelivered) {
      this.#parts.refuse(noTransaction(this.transactionalId));
      await this.#contents.offsetsSettled();
      await this.#parts.flush();
      await this.#contents.added();
      this.#check();
      if (this.#failure !== null) {
        this.#parts.tell({ type: 'failed', reason: this.#failure.message });
        throw await this.#refusal();
      }
      this.#isDelivered = true;
      this.#isGateOpen = false;
    }
    if (!this.#contents.isStarted) {
      this.#settle(this.#identity!, true);
      return;
    }
    const before = coordinator.unanswered;
    this.#isCommitAsked = true;
    const answer = await coordinator.end(this.#identity!, true, this.#isV2, this.#deadline());
    if (coordinator.unanswered > before) this.#isCommitInDoubt = true;
    if (answer.kind === 'done') {
      this.#settle(answer.value, true);
      return;
    }
    const { error } = answer;
    if (answer.kind === 'stopped') throw unknownOutcome(error);
    if (answer.kind === 'fatal') {
      const isExcluded = error instanceof BrokerError && excludesCommit.has(error.errorCode);
      throw this.#doom(error, isExcluded && !this.#isCommitInDoubt ? 'aborted' : 'unknown');
    }
    if (this.#isCommitInDoubt) throw unknownOutcome(error);
    this.#isCommitAsked = false;
    this.#failure = error;
    this.#parts.tell({ type: 'failed', reason: error.message });
    throw await this.#refusal();
  }

  async #abort(): Promise<void> {
    const { coordinator } = this.#parts;
    this.#isGateOpen = false;
    this.#failRecords();
    await this.#contents.added();
    await this.#contents.offsetsSettled();
    // A batch that is still out could come to the log after the transaction's end.
    if (!this.#parts.isQuiet()) await new Promise<void>((resolve) => this.#landed.push(resolve));
    this.#check();
    const isUncertain = coordinator.unanswered > 0;
    if (!this.#contents.isStarted && !isUncertain) {
      this.#settle(this.#identity!, false);
      return;
    }
    const answer = await coordinator.end(this.#identity!, false, this.#isV2, this.#deadline());
    if (answer.kind === 'done') {
      this.#settle(answer.value, false);
      return;
    }
    const { error } = answer;
    if (answer.kind === 'stopped') throw this.#over!;
    if (answer.kind === 'late') throw unanswered(this.transactionalId, this.#parts.maxBlockMs, error, 'aborted');
    const isUnknownThere = isUncertain && error instanceof BrokerError && error.errorCode === 48;
    if (answer.kind === 'fatal' && !isUnknownThere) throw this.#doom(error, 'aborted');
    // What the coordinator has open, if anything, is aborted when it gives the next epoch.
    this.#wantsRestart = true;
    this.#settle(this.#identity!, false);
  }

  /** The transaction is over at the coordinator. */
  #settle(identity: Identity, isCommitted: boolean): void {
    if (isCommitted) this.#committed = this.#serial;
    else this.#interrupt?.(this.#isClosing ? producerClosed('aborted') : abortedTransaction('it was aborted'));
    this.#isCommitAsked = false;
    this.#isCommitInDoubt = false;
    const isSame = identity === this.#identity;
    // In the first version the next transaction has the same epoch: a request of this one that comes late would
    // count for that (KIP-890). Another epoch makes it harmless.
    const { coordinator } = this.#parts;
    const isLateOneAbout = coordinator.unanswered > 0 && coordinator.canRenew;
    this.#needsNewEpoch = isSame && (this.#wantsRestart || isLateOneAbout);
    this.#identity = identity;
    this.#isGateOpen = false;
    this.#parts.refuse(this.#isClosing ? producerClosed(this.#outcome) : noTransaction(this.transactionalId));
    this.#parts.tell({ type: 'ended', ...named(identity) });
  }

  #answerFailed({ kind, error }: Exclude<Answer<null>, { kind: 'done' }>): void {
    if (kind === 'fatal') this.#doom(error, 'aborted');
    else if (kind !== 'stopped') this.#fail(error);
  }

  /** The open transaction can only be aborted. Told to the machine in a turn of its own: the sender may be at work. */
  #fail(error: KafkaError): void {
    if (!this.#isGateOpen || this.#failure !== null) return;
    this.#failure = error;
    this.#isGateOpen = false;
    this.#parts.refuse(failedTransaction(`it failed: ${error.message}`, error));
    queueMicrotask(() => {
      if (this.#failure === error) this.#parts.tell({ type: 'failed', reason: error.message });
    });
  }

  #failRecords(): void {
    const isChosen = this.#failure === null;
    const why = isChosen ? 'the transaction is aborted' : `the transaction has failed: ${this.#failure!.message}`;
    this.#parts.failRecords(
      (topic, partition, persisted) =>
        new DeliveryError(isChosen ? 'TRANSACTION_ABORTED' : 'TRANSACTION_FAILED', `topic "${topic}": ${why}`, {
          persisted,
          topic,
          partition,
          hint: 'Nobody who reads committed records sees it; produce it again in another transaction.',
          cause: this.#failure ?? undefined,
        }),
    );
  }

  #end(work: () => Promise<void>): void {
    if (this.#ending !== null) return;
    const ending = this.#work(async () => {
      try {
        await work();
      } finally {
        this.#ending = null;
      }
    });
    this.#ending = ending;
  }

  #work(work: () => Promise<void>): Promise<void> {
    this.#busy++;
    this.#parts.busy(true);
    const done = () => this.#parts.busy(--this.#busy > 0);
    // Begins after the machine has come to rest.
    const promise = Promise.resolve().then(work);
    // Whoever wants to know has the promise; the machine knows in any case.
    promise.then(done, done);
    return promise;
  }

  #doom(error: KafkaError, outcome: TransactionOutcome): TransactionError {
    this.#over ??= this.#doomed(error, outcome);
    this.#isGateOpen = false;
    this.#parts.tell({ type: 'doomed', reason: error.message });
    this.#interrupt?.(this.#over);
    this.#parts.coordinator.stop(this.#over);
    return this.#over;
  }

  /** Of the transaction that ends now, if there is one, by whatever comes between. */
  get #outcome(): TransactionOutcome {
    if (this.#isCommitAsked) return 'unknown';
    return this.#isOpenAtAll ? 'aborted' : 'none';
  }

  get #isOpenAtAll(): boolean {
    return this.#serial > 0 && ['inTransaction', 'committing', 'aborting', 'abortableError'].includes(this.state);
  }

  #deadline(): number {
    const { coordinator, maxBlockMs } = this.#parts;
    return Math.min(coordinator.deadline(maxBlockMs), this.#closeDeadlineMs);
  }

  #check(): void {
    if (this.#over !== null) throw this.#over;
  }

  #refuseOverlap(): void {
    const { state } = this;
    if (state === 'committing' && this.#ending === null) throw unknownOutcome(null);
    if (state === 'inTransaction' || state === 'abortableError') throw overlapping(this.transactionalId, 'is open');
    if (state === 'committing' || state === 'aborting') throw overlapping(this.transactionalId, 'is being ended');
  }

  #refusal(): Promise<TransactionError> {
    return this.#contents.refusal(this.#failure);
  }

  #doomed(error: KafkaError, outcome: TransactionOutcome): TransactionError {
    const { clock, transactionTimeoutMs } = this.#parts;
    const openForMs = this.#isOpenAtAll ? Math.round(clock.now() - this.#beganAtMs) : 0;
    return doomed(this.transactionalId, error, outcome, openForMs, transactionTimeoutMs);
  }
}

function named({ producerId, epoch }: Identity): { producerId: string; epoch: number } {
  return { producerId: String(producerId), epoch };
}
