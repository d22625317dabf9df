import { assign, setup } from 'xstate';

export interface TransactionMachineContext {
  /** As decimal text: it may be above 2^53, and contexts are printed as JSON. `null` before the first. */
  readonly producerId: string | null;
  readonly epoch: number;
  /** Transactions begun so far. */
  readonly transactions: number;
  /** Why the open transaction cannot be committed, or why there can be no other one; `null` if all is well. */
  readonly reason: string | null;
}

export type TransactionMachineEvent =
  /** The coordinator shall say who this producer is, and end what an earlier one with its name left open. */
  | { readonly type: 'initialize' }
  | { readonly type: 'initialized'; readonly producerId: string; readonly epoch: number }
  /** Not now; it may work later. */
  | { readonly type: 'refused' }
  | { readonly type: 'begin' }
  /** While committing: ask again, when an answer did not come. */
  | { readonly type: 'commit' }
  /** While aborting: ask again, when an answer did not come. */
  | { readonly type: 'abort' }
  /** The coordinator has ended the transaction, or there was nothing to end. Who the producer is from here on. */
  | { readonly type: 'ended'; readonly producerId: string; readonly epoch: number }
  /** This transaction can only be aborted. */
  | { readonly type: 'failed'; readonly reason: string }
  /** Another producer has this one's name, or the like: it is over. */
  | { readonly type: 'doomed'; readonly reason: string };

/**
 * The life of a transactional producer. Sending it `initialize`, `begin`, `commit` and `abort` is all that is needed;
 * what the states do arrives through `provide`, and reports itself with the other events.
 */
export const transactionMachine = setup({
  types: {
    context: {} as TransactionMachineContext,
    events: {} as TransactionMachineEvent,
  },
  guards: {
    /** A request of the last transaction may still be under way somewhere: only another epoch makes it harmless. */
    needsNewEpoch: () => false,
  },
  actions: {
    requestId: () => {
      throw new Error('bind the action "requestId" with provide()');
    },
    /** Hands `producerId` and `epoch` of the context to the sender. */
    adopt: () => {},
    openTransaction: () => {},
    requestCommit: () => {},
    requestAbort: () => {},
    /** What was not delivered yet is not sent any more. */
    failRecords: () => {},
    reportDoom: () => {},
    keepIdentity: assign(({ context, event }) =>
      event.type === 'initialized' || event.type === 'ended'
        ? { producerId: event.producerId, epoch: event.epoch, reason: null }
        : context,
    ),
    keepReason: assign(({ context, event }) =>
      event.type === 'failed' || event.type === 'doomed' ? { reason: event.reason } : context,
    ),
    countTransaction: assign({ transactions: ({ context }) => context.transactions + 1 }),
  },
}).createMachine({
  id: 'transaction',
  context: { producerId: null, epoch: -1, transactions: 0, reason: null },
  initial: 'uninitialized',
  on: {
    doomed: { target: '.fatalError', actions: 'keepReason' },
  },
  states: {
    uninitialized: {
      on: { initialize: 'initializing' },
    },
    initializing: {
      entry: 'requestId',
      on: {
        initialized: { target: 'ready', actions: 'keepIdentity' },
        refused: 'uninitialized',
      },
    },
    ready: {
      entry: 'adopt',
      on: { begin: 'inTransaction' },
    },
    inTransaction: {
      entry: ['countTransaction', 'openTransaction'],
      on: {
        commit: 'committing',
        abort: 'aborting',
        failed: { target: 'abortableError', actions: 'keepReason' },
      },
    },
    /** Everything is delivered first; then the coordinator is asked to end it. */
    committing: {
      entry: 'requestCommit',
      on: {
        commit: { actions: 'requestCommit' },
        ended: [
          { guard: 'needsNewEpoch', target: 'initializing', actions: 'keepIdentity' },
          { target: 'ready', actions: 'keepIdentity' },
        ],
        failed: { target: 'abortableError', actions: 'keepReason' },
      },
    },
    aborting: {
      entry: 'requestAbort',
      on: {
        abort: { actions: 'requestAbort' },
        ended: [
          { guard: 'needsNewEpoch', target: 'initializing', actions: 'keepIdentity' },
          { target: 'ready', actions: 'keepIdentity' },
        ],
      },
    },
    abortableError: {
      entry: 'failRecords',
      on: { abort: 'aborting' },
    },
    fatalError: {
      entry: 'reportDoom',
      on: { doomed: {} },
    },
  },
});
