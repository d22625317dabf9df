import type { ProducerOptions } from './options.ts';

/** Brokers keep records from being doubled only where all in-sync replicas acknowledge; transactions rest on that. */
interface Idempotent {
  idempotent?: true;
  requiredAcks?: -1;
}

/** Fewer acknowledgements, and no transactions. */
interface NotIdempotent {
  idempotent?: false;
  transactionalId?: never;
  transactionTimeoutMs?: never;
}

/**
 * The options that can go together: `requiredAcks: 0` beside `idempotent: true` or a `transactionalId` does not compile.
 */
export type PossibleOptions = ProducerOptions & (Idempotent | NotIdempotent);
