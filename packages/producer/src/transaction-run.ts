import { kindOf } from './kind-of.ts';
import { afterAbort, TransactionError } from './transaction-error.ts';
import type { Transactions } from './transactions.ts';

/** What `transaction()` does by way of the producer, which measures it. */
export interface TransactionRunHost<Tx> {
  begin(): Promise<Tx>;
  commit(serial: number): Promise<void>;
  abort(): Promise<void>;
  /** The abort after `thrown` failed as well. */
  abortFailed(thrown: unknown, failure: unknown): void;
}

/**
 * Begins a transaction, lets `work` fill it, and ends it by what `work` does.
 *
 * @throws TypeError, before anything has begun, when `work` is no function.
 */
export async function runTransaction<Tx, Result>(
  transactions: Transactions,
  host: TransactionRunHost<Tx>,
  work: (tx: Tx) => Result | PromiseLike<Result>,
): Promise<Result> {
  if (typeof work !== 'function') {
    throw new TypeError(`transaction: needs a function, got ${kindOf(work)}`);
  }
  const tx = await host.begin();
  const { serial } = transactions;
  try {
    const result = await transactions.during(() => work(tx));
    await host.commit(serial);
    return result;
  } catch (thrown) {
    const { state } = transactions;
    const isOpen = state === 'inTransaction' || state === 'abortableError';
    // Another may have been begun by whoever ended this one.
    if (!isOpen || transactions.serial !== serial) throw thrown;
    const isOurs = thrown instanceof TransactionError && thrown.outcome === 'open';
    try {
      await host.abort();
    } catch (failure) {
      // A transaction that failed since another producer has the name says so; else what went wrong first is thrown.
      if (isOurs && failure instanceof TransactionError && !failure.retriable) throw failure;
      // That the abort was not answered changes nothing: it was not committed.
      host.abortFailed(thrown, failure);
    }
    throw isOurs ? afterAbort(thrown) : thrown;
  }
}
