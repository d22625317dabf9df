import type { Delivery } from './delivery.ts';
import type { AnyTopics, ProduceOptions, TopicMap } from './producer.ts';
import type { GroupMetadata, TransactionOffset } from './transaction-coordinator.ts';
import { readGroup, readOffsets } from './transaction-offsets.ts';
import type { Transactions } from './transactions.ts';

/** An open transaction: what is produced with it is seen as a whole, or not at all. */
export class Transaction<Topics extends AnyTopics = TopicMap> {
  readonly #transactions: Transactions;
  readonly #serial: number;
  readonly #produce: (topic: string, value: unknown, options: ProduceOptions | undefined, isOpen: boolean) => Delivery;

  constructor(
    transactions: Transactions,
    serial: number,
    produce: (topic: string, value: unknown, options: ProduceOptions | undefined, isOpen: boolean) => Delivery,
  ) {
    this.#transactions = transactions;
    this.#serial = serial;
    this.#produce = produce;
  }

  /** It takes records and offsets still. */
  get isOpen(): boolean {
    return this.#transactions.isOpen(this.#serial);
  }

  /**
   * As the producer's `produce`, as part of this transaction. There is no need to await the delivery: the commit does,
   * and it refuses when a record failed.
   */
  produce<Name extends string & keyof Topics>(topic: Name, value: Topics[Name], options?: ProduceOptions): Delivery {
    const delivery = this.#produce(topic, value, options, this.isOpen);
    if (this.isOpen) this.#transactions.track(delivery);
    return delivery;
  }

  /**
   * Makes a consumer group's offsets part of the transaction: they count when it is committed.
   *
   * @param offsets - of the next record to be read, for each partition.
   * @param group - the group's id, or what the consumer says of its membership: then a member that has lost its
   *   partitions cannot commit (KIP-447).
   * @returns rejects with TransactionError: the transaction can only be aborted then. There is no need to await it
   *   before the commit, which does, and which refuses when it failed.
   * @throws TypeError or RangeError at the call for what no offset or group can be. Nothing has changed then.
   */
  sendOffsets(offsets: readonly TransactionOffset[], group: GroupMetadata | string): Promise<void> {
    return this.#transactions.sendOffsets(this.#serial, readOffsets(offsets), readGroup(group));
  }
}
