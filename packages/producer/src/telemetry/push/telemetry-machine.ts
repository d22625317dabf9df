import { assign, setup } from 'xstate';

export interface TelemetryMachineContext {
  /** What the brokers want: the time from one push to the next. */
  readonly intervalMs: number;
  /** They want any metrics. */
  readonly isWanted: boolean;
  /** How long to rest after a refusal. */
  readonly restMs: number;
  /** Pushes since the last subscription. */
  readonly pushes: number;
}

export type TelemetryMachineEvent =
  /** The brokers said what they want. */
  | { readonly type: 'subscribed'; readonly intervalMs: number; readonly isWanted: boolean }
  | { readonly type: 'pushed' }
  /** They did not take it, or did not answer: ask anew after the rest. */
  | { readonly type: 'refused'; readonly restMs: number }
  /** They will not take anything from this client, however often it asks. */
  | { readonly type: 'rejected' }
  /** The producer closes. */
  | { readonly type: 'close' }
  /** The last push is over, one way or another. */
  | { readonly type: 'left' };

/** KIP-714: asks the brokers which metrics they want, and tells them, again and again. */
export const telemetryMachine = setup({
  types: {
    context: {} as TelemetryMachineContext,
    events: {} as TelemetryMachineEvent,
  },
  guards: {
    isWanted: ({ context }) => context.isWanted,
  },
  delays: {
    interval: ({ context }) => context.intervalMs,
    rest: ({ context }) => context.restMs,
    /** The longest that the closing of the producer is held up. */
    patience: () => 1_000,
  },
  actions: {
    askSubscription: () => {
      throw new Error('bind the action "askSubscription" with provide()');
    },
    push: () => {},
    pushLast: () => {},
    keepSubscription: assign(({ context, event }) =>
      event.type === 'subscribed'
        ? { ...context, intervalMs: event.intervalMs, isWanted: event.isWanted, pushes: 0 }
        : context,
    ),
    keepRest: assign({ restMs: ({ context, event }) => (event.type === 'refused' ? event.restMs : context.restMs) }),
    countPush: assign({ pushes: ({ context }) => context.pushes + 1 }),
  },
}).createMachine({
  id: 'telemetry',
  context: { intervalMs: 300_000, isWanted: false, restMs: 0, pushes: 0 },
  on: { close: '.off', rejected: '.off' },
  initial: 'asking',
  states: {
    asking: {
      entry: 'askSubscription',
      on: {
        subscribed: { target: 'waiting', actions: 'keepSubscription' },
        refused: { target: 'resting', actions: 'keepRest' },
      },
    },
    waiting: {
      after: { interval: [{ guard: 'isWanted', target: 'pushing' }, { target: 'asking' }] },
      on: { close: { guard: 'isWanted', target: 'leaving' } },
    },
    pushing: {
      entry: ['countPush', 'push'],
      on: {
        pushed: 'waiting',
        refused: { target: 'resting', actions: 'keepRest' },
        close: 'leaving',
      },
    },
    resting: {
      after: { rest: 'asking' },
    },
    leaving: {
      entry: 'pushLast',
      after: { patience: 'off' },
      // A push that was out already may still have an answer, which does not matter any more.
      on: { left: 'off', rejected: {}, close: {} },
    },
    off: { type: 'final' },
  },
});
