import { KafkaError } from './errors.ts';

/**
 * What became of the transaction: `none`, there was none; `open`, it is to be aborted; `aborted`, nothing of it will
 * be seen by those who read committed records; `unknown`, its commit was asked for and no answer came.
 */
export type TransactionOutcome = 'none' | 'open' | 'aborted' | 'unknown';

/**
 * A transaction was not possible, or did not end as asked. `code` is one of `NO_TRANSACTION`, `TRANSACTION_OPEN`,
 * `TRANSACTION_FAILED` (a record or a request of it failed: abort it), `TRANSACTION_ABORTED`,
 * `TRANSACTION_OUTCOME_UNKNOWN`, `COORDINATOR_TIMEOUT`, `TRANSACTIONS_DISABLED`, `CLOSED`, or Kafka's name of the
 * error with which this producer's transactions are over, such as `PRODUCER_FENCED`.
 */
export class TransactionError extends KafkaError {
  override readonly name = 'TransactionError';
  readonly outcome: TransactionOutcome;
  /** What to do about it, in one sentence. */
  readonly hint: string;

  constructor(
    code: string,
    problem: string,
    details: {
      readonly outcome: TransactionOutcome;
      readonly hint: string;
      readonly retriable?: boolean;
      readonly cause?: unknown;
    },
  ) {
    super(code, `${problem}. ${details.hint}`, { retriable: details.retriable ?? false, cause: details.cause });
    this.outcome = details.outcome;
    this.hint = details.hint;
  }

  /** Without the cause, which may be circular. */
  toJSON(): Record<string, unknown> {
    const { name, code, message, outcome, hint, retriable } = this;
    return { name, code, message, outcome, hint, retriable };
  }
}
