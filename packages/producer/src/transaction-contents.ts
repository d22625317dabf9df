import type { Delivery } from './delivery.ts';
import { DeliveryError, type KafkaError } from './errors.ts';
import type { Identity, PartitionQueue } from './partition-queue.ts';
import type { Answer, GroupMetadata, TransactionCoordinator, TransactionOffset } from './transaction-coordinator.ts';
import { failedTransaction, type TransactionError } from './transaction-error.ts';

/** What the contents need of the transactions that they belong to. */
export interface ContentsHost {
  readonly coordinator: TransactionCoordinator;
  identity(): Identity;
  /** Until when the coordinator may be asked. */
  deadline(): number;
  /** Something may still be added. */
  isOpen(): boolean;
  /** Keeps the process alive while it works. */
  work(work: () => Promise<void>): Promise<void>;
  /** A partition is known to the coordinator: its batches may go. */
  enlist(queue: PartitionQueue): void;
  /** The coordinator refused; the error that the user gets for it. */
  refused(answer: Exclude<Answer<null>, { kind: 'done' }>): Promise<TransactionError>;
}

/** What the open transaction consists of: the partitions that its coordinator knows of, offsets, and records. */
export class TransactionContents {
  /** The coordinator knows of the transaction, or may. */
  isStarted = false;
  readonly #host: ContentsHost;
  readonly #added = new Set<PartitionQueue>();
  readonly #wanted = new Set<PartitionQueue>();
  #adding: Promise<void> | null = null;
  readonly #offsetCalls = new Set<Promise<void>>();
  #deliveries: Delivery[] = [];

  constructor(host: ContentsHost) {
    this.#host = host;
  }

  /** Another transaction begins. */
  clear(): void {
    this.isStarted = false;
    this.#added.clear();
    this.#wanted.clear();
    this.#deliveries = [];
  }

  /** For the naming of a record that failed. */
  track(delivery: Delivery): void {
    this.#deliveries.push(delivery);
  }

  has(queue: PartitionQueue): boolean {
    return this.#added.has(queue);
  }

  /** Tells the coordinator of a partition; it is enlisted when the coordinator knows. */
  want(queue: PartitionQueue): void {
    this.#wanted.add(queue);
    this.#adding ??= this.#host.work(() => this.#add());
  }

  /** Resolves when no partition is being added. */
  async added(): Promise<void> {
    await this.#adding;
  }

  async offsetsSettled(): Promise<void> {
    await Promise.allSettled([...this.#offsetCalls]);
  }

  /** @param isV2 - offsets need not be announced to the transaction's coordinator. */
  async sendOffsets(offsets: readonly TransactionOffset[], group: GroupMetadata, isV2: boolean): Promise<void> {
    const call = this.#host.work(() => this.#sendOffsets(offsets, group, isV2));
    this.#offsetCalls.add(call);
    const done = () => this.#offsetCalls.delete(call);
    call.then(done, done);
    await call;
  }

  /** Says which record is to blame, where one is. All are settled by now. */
  async refusal(failure: KafkaError | null): Promise<TransactionError> {
    if (!(failure instanceof DeliveryError)) return failedTransaction(failure?.message ?? 'it failed', failure);
    const outcomes = await Promise.allSettled(this.#deliveries);
    const at = outcomes.findIndex((each) => each.status === 'rejected' && each.reason === failure);
    const which = at < 0 ? 'a record' : `record ${at + 1} of ${outcomes.length}`;
    const { topic, partition } = failure;
    const where = partition < 0 ? `topic "${topic}"` : `topic "${topic}", partition ${partition}`;
    return failedTransaction(`${which} (${where}) failed: ${failure.message}`, failure);
  }

  async #add(): Promise<void> {
    const { coordinator } = this.#host;
    const isOpen = () => this.#host.isOpen();
    // All that this turn finds go in one request.
    await null;
    while (this.#wanted.size > 0 && isOpen()) {
      const queues = [...this.#wanted];
      this.#wanted.clear();
      const answer = await coordinator.addPartitions(
        this.#host.identity(),
        byTopic(queues),
        this.#host.deadline(),
        isOpen,
      );
      if (answer.kind !== 'done') {
        void this.#host.refused(answer);
        break;
      }
      this.isStarted = true;
      for (const queue of queues) this.#added.add(queue);
      for (const queue of queues) this.#host.enlist(queue);
    }
    this.#adding = null;
  }

  async #sendOffsets(offsets: readonly TransactionOffset[], group: GroupMetadata, isV2: boolean): Promise<void> {
    const { coordinator } = this.#host;
    const identity = this.#host.identity();
    const isWanted = () => this.#host.isOpen();
    const deadlineMs = this.#host.deadline();
    if (isV2) this.isStarted = true;
    else {
      const added = await coordinator.addOffsets(identity, group.groupId, deadlineMs, isWanted);
      if (added.kind !== 'done') throw await this.#host.refused(added);
      this.isStarted = true;
    }
    const answer = await coordinator.commitOffsets(identity, group, offsets, isV2, deadlineMs, isWanted);
    if (answer.kind !== 'done') throw await this.#host.refused(answer);
  }
}

function byTopic(queues: readonly PartitionQueue[]): { name: string; partitions: number[] }[] {
  const topics = new Map<string, number[]>();
  for (const { topic, index } of queues) topics.set(topic.name, [...(topics.get(topic.name) ?? []), index]);
  return [...topics].map(([name, partitions]) => ({ name, partitions }));
}
