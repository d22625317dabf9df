import type { Accumulator } from './accumulator.ts';
import type { Cluster } from './cluster.ts';
import type { Settings } from './options.ts';
import type { Clock, Random } from './ports.ts';
import type { Pump } from './pump.ts';
import type { Sender } from './sender.ts';
import { TransactionCoordinator } from './transaction-coordinator.ts';
import { type TransactionParts, type TransactionState, Transactions } from './transactions.ts';

export interface TransactionHost extends Pick<TransactionParts, 'tell' | 'failRecords' | 'refuse' | 'fatal' | 'timed'> {
  readonly accumulator: Accumulator;
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly random: Random;
  /** These are made after the transactions, which they know of. */
  sender(): Sender;
  pump(): Pump;
  /** The transaction machine's state; undefined while there is no machine. */
  state(): TransactionState | undefined;
  metadataStale(): void;
  /** The process may end if nothing is pending. */
  letGo(): void;
}

/** What transactions need of the rest of the producer, bound to it. */
export function openTransactions(transactionalId: string, settings: Settings, host: TransactionHost): Transactions {
  const { accumulator, cluster, clock, random } = host;
  const { maxBlockMs, transactionTimeoutMs } = settings;
  const metadataStale = () => host.metadataStale();
  const coordinator = new TransactionCoordinator(
    { ...settings, transactionalId },
    { cluster, clock, random, metadataStale },
  );
  return new Transactions(transactionalId, {
    coordinator,
    clock,
    maxBlockMs,
    transactionTimeoutMs,
    state: () => host.state() ?? 'fatalError',
    tell: (event) => host.tell(event),
    flush: () => accumulator.flush(),
    isQuiet: () => host.sender().isQuiet,
    failRecords: (errorFor) => {
      host.failRecords(errorFor);
      host.pump().wake();
    },
    adopt: (identity) => host.sender().adopt(identity),
    enlist: (queue) => host.sender().enlist(queue),
    refuse: (refusal) => host.refuse(refusal),
    fatal: (error) => host.fatal(error),
    timed: (sent) => host.timed(sent),
    busy: (isBusy) => {
      if (isBusy) host.pump().hold();
      else host.letGo();
    },
  });
}
