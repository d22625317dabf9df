import { assign, setup } from 'xstate';

export interface BrokerMachineInput {
  /** Names the broker in every action: the machine of each is bound to the same implementations. */
  readonly broker: string;
}

export interface BrokerMachineContext extends BrokerMachineInput {
  /** Connections in a row that failed before they were of use. */
  readonly failures: number;
  /** Connections tried so far. */
  readonly connects: number;
  /** The pause that the broker asked for last. */
  readonly throttleMs: number;
}

export type BrokerMachineEvent =
  /** A request waits for this broker. */
  | { readonly type: 'connect' }
  | { readonly type: 'socket.opened' }
  | { readonly type: 'socket.closed' }
  /** Versions are agreed on, and the broker knows who we are. */
  | { readonly type: 'authenticated' }
  /** KIP-219: send nothing for so long. */
  | { readonly type: 'throttled'; readonly throttleMs: number }
  | { readonly type: 'close' };

/** The one connection to one broker. */
export const brokerMachine = setup({
  types: {
    input: {} as BrokerMachineInput,
    context: {} as BrokerMachineContext,
    events: {} as BrokerMachineEvent,
  },
  guards: {
    /** Requests wait for it. */
    isWanted: () => false,
    /** Nothing was sent for the idle time, and nothing is in flight. */
    isUnused: () => true,
  },
  delays: {
    setupTimeout: () => 10_000,
    backoff: () => 50,
    idle: () => 540_000,
    /** Before the session that the broker granted ends (KIP-368). */
    reauthentication: () => 0x7fff_ffff,
    throttle: ({ context }) => context.throttleMs,
  },
  actions: {
    openSocket: () => {
      throw new Error('bind the action "openSocket" with provide()');
    },
    closeSocket: () => {},
    /** The set-up took too long: the same as a lost connection, with that reason. */
    timeOutSocket: () => {},
    authenticate: () => {},
    reportReady: () => {},
    /** Whoever waits for this connection learns that it failed. */
    reportFailure: () => {},
    reportThrottled: () => {},
    countConnect: assign({ connects: ({ context }) => context.connects + 1 }),
    countFailure: assign({ failures: ({ context }) => context.failures + 1 }),
    resetFailures: assign({ failures: 0 }),
    keepThrottle: assign({
      throttleMs: ({ context, event }) => (event.type === 'throttled' ? event.throttleMs : context.throttleMs),
    }),
  },
}).createMachine({
  id: 'broker',
  context: ({ input }) => ({ broker: input.broker, failures: 0, connects: 0, throttleMs: 0 }),
  on: { close: '.closed' },
  initial: 'disconnected',
  states: {
    disconnected: {
      always: { guard: 'isWanted', target: 'connecting' },
      on: { connect: 'connecting' },
    },
    connecting: {
      entry: ['countConnect', 'openSocket'],
      after: { setupTimeout: { target: 'backingOff', actions: 'timeOutSocket' } },
      on: { 'socket.opened': 'authenticating', 'socket.closed': 'backingOff' },
    },
    authenticating: {
      entry: 'authenticate',
      after: { setupTimeout: { target: 'backingOff', actions: 'timeOutSocket' } },
      on: { authenticated: 'ready', 'socket.closed': 'backingOff' },
    },
    ready: {
      entry: ['resetFailures', 'reportReady'],
      after: {
        idle: [
          { guard: 'isUnused', target: 'disconnected', actions: 'closeSocket' },
          { target: 'ready', reenter: true },
        ],
        reauthentication: 'authenticating',
      },
      on: {
        throttled: 'throttled',
        'socket.closed': [{ guard: 'isWanted', target: 'backingOff' }, { target: 'disconnected' }],
      },
    },
    throttled: {
      entry: ['keepThrottle', 'reportThrottled'],
      after: { throttle: 'ready' },
      on: {
        throttled: { target: 'throttled', reenter: true },
        'socket.closed': [{ guard: 'isWanted', target: 'backingOff' }, { target: 'disconnected' }],
      },
    },
    backingOff: {
      entry: ['countFailure', 'reportFailure'],
      after: { backoff: 'disconnected' },
    },
    closed: { type: 'final', entry: 'closeSocket' },
  },
});
