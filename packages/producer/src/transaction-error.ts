import { BrokerError, KafkaError } from './errors.ts';

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
    super(code, `${problem.replace(/\.$/, '')}. ${details.hint}`, {
      retriable: details.retriable ?? false,
      cause: details.cause,
    });
    this.outcome = details.outcome;
    this.hint = details.hint;
  }

  /** Without the cause, which may be circular. */
  toJSON(): Record<string, unknown> {
    const { name, code, message, outcome, hint, retriable } = this;
    return { name, code, message, outcome, hint, retriable };
  }
}

/** For records that come when no transaction is open. */
export function noTransaction(transactionalId: string): TransactionError {
  return new TransactionError('NO_TRANSACTION', `no transaction of "${transactionalId}" is open`, {
    outcome: 'none',
    hint: 'Produce between begin() and commit(), or in transaction().',
  });
}

export function noneOpen(transactionalId: string, call: string): TransactionError {
  return new TransactionError('NO_TRANSACTION', `${call}: no transaction of "${transactionalId}" is open`, {
    outcome: 'none',
    hint: 'Call begin() first, or use transaction().',
  });
}

export function overlapping(transactionalId: string, what: string): TransactionError {
  return new TransactionError('TRANSACTION_OPEN', `a transaction of "${transactionalId}" ${what}`, {
    outcome: 'open',
    hint: 'Await its end first, or use another producer with another transactionalId.',
  });
}

export function endsByItself(transactionalId: string): TransactionError {
  return new TransactionError(
    'TRANSACTION_OPEN',
    `commit: transaction() commits the transaction of "${transactionalId}" when its function returns`,
    { outcome: 'open', hint: 'Return from that function to commit; throw in it, or call abort(), to take it back.' },
  );
}

const callAbort = 'Call abort(), then begin again.';

/** The same, after an abort of the transaction that it left open. */
export function afterAbort(error: TransactionError): TransactionError {
  const { code, message, hint, retriable, cause } = error;
  return new TransactionError(code, message.slice(0, -`. ${hint}`.length), {
    outcome: 'aborted',
    hint: hint.replace(callAbort, 'It was aborted: begin again.'),
    retriable,
    cause,
  });
}

export function failedTransaction(problem: string, cause: KafkaError | null): TransactionError {
  const first = cause?.code === 'UNSUPPORTED_VERSION' ? null : advice('', cause);
  return new TransactionError('TRANSACTION_FAILED', `the transaction cannot be committed: ${problem}`, {
    outcome: 'open',
    hint: `${first === null ? '' : `${first}. `}${callAbort}`,
    retriable: true,
    cause: cause ?? undefined,
  });
}

export function abortedTransaction(problem: string): TransactionError {
  return new TransactionError('TRANSACTION_ABORTED', `the transaction cannot be committed: ${problem}`, {
    outcome: 'aborted',
    hint: 'Begin another one.',
    retriable: true,
  });
}

export function unknownOutcome(cause: KafkaError | null): TransactionError {
  const why = cause === null ? '' : `: ${cause.message}`;
  return new TransactionError(
    'TRANSACTION_OUTCOME_UNKNOWN',
    `the transaction was to be committed, and its coordinator has not answered${why}`,
    {
      outcome: 'unknown',
      hint: 'Call commit() again to learn of it; nothing else can be begun before.',
      retriable: true,
      cause: cause ?? undefined,
    },
  );
}

/** A coordinator gave no answer in time, to something other than a commit. */
export function unanswered(
  transactionalId: string,
  maxBlockMs: number,
  cause: KafkaError,
  outcome: TransactionOutcome,
): TransactionError {
  return new TransactionError(
    'COORDINATOR_TIMEOUT',
    `the coordinator of "${transactionalId}" gave no answer in ${maxBlockMs} ms: ${cause.message}`,
    {
      outcome,
      hint:
        outcome === 'none'
          ? 'Check the cluster, then begin again.'
          : 'Nothing was committed; begin again when the cluster is well.',
      retriable: true,
      cause,
    },
  );
}

export function producerClosed(outcome: TransactionOutcome): TransactionError {
  return new TransactionError('CLOSED', 'the producer was closed', { outcome, hint: 'Make another producer.' });
}

const fencing: ReadonlySet<number> = new Set([47, 49, 90]);

/** What the user has to change, where it is for him to change something; null if it is not. */
function advice(transactionalId: string, error: KafkaError | null): string | null {
  if (error?.code === 'UNSUPPORTED_VERSION') return 'Leave the option out that asks for it, or use newer brokers';
  if (!(error instanceof BrokerError)) return null;
  switch (error.errorCode) {
    case 29:
      return 'Give this user the right Write on the topic';
    case 30:
      return 'Give this user the right Read on the consumer group';
    case 50:
      return "Lower transactionTimeoutMs, or raise the brokers' transaction.max.timeout.ms";
    case 53:
      return (
        `Give this user the rights Describe and Write on the transactional id "${transactionalId}", and for ` +
        'transactionTwoPhaseCommit also TwoPhaseCommit on it and transaction.two.phase.commit.enable at the brokers'
      );
    default:
      return null;
  }
}

/** @param openForMs - how long the transaction was open; 0 if none was. */
export function doomed(
  transactionalId: string,
  error: KafkaError,
  outcome: TransactionOutcome,
  openForMs: number,
  transactionTimeoutMs: number,
): TransactionError {
  const isLate = openForMs >= transactionTimeoutMs;
  const why = isLate
    ? `it was open for ${openForMs} ms, longer than transactionTimeoutMs (${transactionTimeoutMs}) allows`
    : 'another producer with this transactionalId has most likely begun its work';
  const isFenced = error instanceof BrokerError && fencing.has(error.errorCode);
  const sentences = [
    outcome === 'none' ? '' : `${fates[outcome]}${isFenced || isLate ? `: ${why}` : ''}`,
    advice(transactionalId, error) ?? '',
    'Close this producer; a new one may go on then.',
  ];
  const hint = sentences.filter((sentence) => sentence !== '').join('. ');
  return new TransactionError(error.code, `the transactions of "${transactionalId}" are over: ${error.message}`, {
    outcome,
    hint,
    cause: error,
  });
}

const fates = {
  unknown: 'Whether it was committed is not known',
  open: 'Nothing of the transaction was committed',
  aborted: 'Nothing of the transaction was committed',
} as const;
