import { assign, setup } from 'xstate';

export interface IdempotenceMachineContext {
  /** As decimal text: it may be above 2^53, and contexts are printed as JSON. `null` before the first. */
  readonly producerId: string | null;
  readonly epoch: number;
  /** Attempts in a row that failed. */
  readonly failures: number;
  /** Ids asked for so far. */
  readonly requests: number;
}

export type IdempotenceMachineEvent =
  /** A batch needs an id. */
  | { readonly type: 'identify' }
  | { readonly type: 'identified'; readonly producerId: string; readonly epoch: number }
  /** Not now; it may work later. */
  | { readonly type: 'refused' }
  /** The brokers are too old to know of ids. */
  | { readonly type: 'unsupported' }
  /** They do know of them: they were upgraded, or had been misjudged. */
  | { readonly type: 'supported' }
  /** It will never work. */
  | { readonly type: 'denied' }
  /** Sequences must begin anew: the next epoch of the same id (KIP-360). */
  | { readonly type: 'bump' }
  /** This id is of no more use. */
  | { readonly type: 'renew' };

/** Epochs are int16 on the wire. */
export const lastEpoch = 32_767;

/** Who the producer is towards the brokers, which is what sequence numbers count for. */
export const idempotenceMachine = setup({
  types: {
    context: {} as IdempotenceMachineContext,
    events: {} as IdempotenceMachineEvent,
  },
  guards: {
    isEpochExhausted: ({ context }) => context.epoch >= lastEpoch,
  },
  delays: {
    backoff: () => 100,
  },
  actions: {
    requestId: () => {
      throw new Error('bind the action "requestId" with provide()');
    },
    /** Hands `producerId` and `epoch` of the context to the sender. */
    adopt: () => {},
    giveUpIdempotence: () => {},
    reportDenied: () => {},
    countRequest: assign({ requests: ({ context }) => context.requests + 1 }),
    countFailure: assign({ failures: ({ context }) => context.failures + 1 }),
    keepIdentity: assign(({ context, event }) =>
      event.type === 'identified' ? { producerId: event.producerId, epoch: event.epoch, failures: 0 } : context,
    ),
    raiseEpoch: assign({ epoch: ({ context }) => context.epoch + 1 }),
  },
}).createMachine({
  id: 'idempotence',
  context: { producerId: null, epoch: -1, failures: 0, requests: 0 },
  initial: 'unidentified',
  states: {
    unidentified: {
      on: { identify: 'identifying' },
    },
    identifying: {
      entry: ['countRequest', 'requestId'],
      on: {
        identified: { target: 'identified', actions: 'keepIdentity' },
        refused: 'backingOff',
        unsupported: 'unsupported',
        denied: 'denied',
      },
    },
    backingOff: {
      entry: 'countFailure',
      after: { backoff: 'identifying' },
    },
    identified: {
      entry: 'adopt',
      on: {
        bump: [
          { guard: 'isEpochExhausted', target: 'identifying' },
          { target: 'identified', reenter: true, actions: 'raiseEpoch' },
        ],
        renew: 'identifying',
      },
    },
    /** Batches go without an id until brokers know of them. */
    unsupported: {
      entry: 'giveUpIdempotence',
      on: { supported: 'identifying' },
    },
    denied: { entry: 'reportDenied' },
  },
});
