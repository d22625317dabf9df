import { assign, setup } from 'xstate';

export interface MetadataMachineContext {
  /** Answers in a row that were of no use, or none at all. */
  readonly failures: number;
  /** Requests so far. */
  readonly fetches: number;
}

export type MetadataMachineEvent =
  /** Something is unknown, or known to be wrong. */
  | { readonly type: 'refresh' }
  /** An answer came and was taken into the picture. */
  | { readonly type: 'fetched' }
  /** No broker gave an answer. */
  | { readonly type: 'failed' };

/**
 * Keeps the picture of the cluster true. At most one request is on its way, and an answer that does not help is
 * followed by a growing pause like a failure, so that nothing can make it flood the brokers.
 */
export const metadataMachine = setup({
  types: {
    context: {} as MetadataMachineContext,
    events: {} as MetadataMachineEvent,
  },
  guards: {
    /** Everything that records wait for is known. */
    isComplete: () => true,
    /** Something is wanted that the last request did not ask for. */
    hasUnasked: () => false,
    /** Any topic is in use. */
    isInUse: () => true,
  },
  delays: {
    maxAge: () => 300_000,
    backoff: () => 100,
  },
  actions: {
    fetch: () => {
      throw new Error('bind the action "fetch" with provide()');
    },
    reportFresh: () => {},
    countFetch: assign({ fetches: ({ context }) => context.fetches + 1 }),
    countFailure: assign({ failures: ({ context }) => context.failures + 1 }),
    resetFailures: assign({ failures: 0 }),
  },
}).createMachine({
  id: 'metadata',
  context: { failures: 0, fetches: 0 },
  initial: 'unknown',
  states: {
    unknown: {
      entry: 'resetFailures',
      on: { refresh: 'fetching' },
    },
    fetching: {
      entry: ['countFetch', 'fetch'],
      on: {
        fetched: [
          { guard: 'isComplete', target: 'fresh' },
          { guard: 'hasUnasked', target: 'fetching', reenter: true },
          { target: 'backingOff' },
        ],
        failed: 'backingOff',
      },
    },
    backingOff: {
      entry: 'countFailure',
      // What waited may have failed meanwhile: then there is nothing to ask for.
      after: { backoff: [{ guard: 'isComplete', target: 'unknown', actions: 'reportFresh' }, { target: 'fetching' }] },
      on: { refresh: { guard: 'hasUnasked', target: 'fetching' } },
    },
    fresh: {
      entry: ['resetFailures', 'reportFresh'],
      after: { maxAge: [{ guard: 'isInUse', target: 'fetching' }, { target: 'unknown' }] },
      on: { refresh: 'fetching' },
    },
  },
});
