import { assign, fromCallback, sendTo, setup, spawnChild, stopChild } from 'xstate';
import { brokerMachine } from './broker-machine.ts';
import { idempotenceMachine } from './idempotence-machine.ts';
import { metadataMachine } from './metadata-machine.ts';
import { transactionMachine } from './transaction-machine.ts';

/** The machine's only window on the data: it asks, and never holds a record. */
export interface Backlog {
  /** Records accepted and not yet settled, in flight included. */
  readonly unsettled: number;
  /** Waiting gains nothing: `batchSize` or `batchBytes` is reached, or flush() or close() was called. */
  readonly ready: boolean;
  /** Milliseconds until the oldest waiting record has lingered long enough. */
  readonly dueInMs: number;
}

export interface ProducerMachineInput {
  readonly backlog: Backlog;
}

export interface ProducerMachineContext extends ProducerMachineInput {
  readonly closeTimeoutMs: number;
  /** How often the cluster's picture had to be healed. */
  readonly healings: number;
}

export type ProducerMachineEvent =
  /** The backlog stopped being empty. */
  | { readonly type: 'batch.opened' }
  /** `backlog.ready` became true. */
  | { readonly type: 'batch.ready' }
  /** Nothing is due and nothing is in flight. */
  | { readonly type: 'sender.quiet' }
  /** A leader is unknown or wrong, a topic is new, or a connection was lost with records to send. */
  | { readonly type: 'metadata.stale' }
  /** Every leader that records wait for is known. */
  | { readonly type: 'metadata.fresh' }
  /** A batch needs a producer id. */
  | { readonly type: 'identity.wanted' }
  /** A broker is known by this name and may be connected to. */
  | { readonly type: 'broker.found'; readonly broker: string }
  /** A broker left the cluster, or moved to another address. */
  | { readonly type: 'broker.gone'; readonly broker: string }
  /** Nothing can be produced any more. */
  | { readonly type: 'failed' }
  | { readonly type: 'close'; readonly timeoutMs: number }
  /** Close now, whatever is pending. */
  | { readonly type: 'abandon' };

/** Runs as long as the machine does, so that no change of state interrupts a request. */
const unboundSender = fromCallback<{ type: 'drain' }>(() => {
  throw new Error('bind the actor "sender" with provide()');
});

function brokerOf(event: ProducerMachineEvent): string {
  return event.type === 'broker.found' || event.type === 'broker.gone' ? event.broker : '';
}

/**
 * The producer's lifecycle. It decides when to send, when to heal and how to end; what it decides is done by the
 * sender, which it only wakes. One event a batch at most reaches it, none a record.
 */
export const producerMachine = setup({
  types: {
    input: {} as ProducerMachineInput,
    context: {} as ProducerMachineContext,
    events: {} as ProducerMachineEvent,
  },
  actors: {
    sender: unboundSender,
    metadata: metadataMachine,
    idempotence: idempotenceMachine,
    transaction: transactionMachine,
    broker: brokerMachine,
  },
  guards: {
    isEmpty: ({ context }) => context.backlog.unsettled === 0,
    isReady: ({ context }) => context.backlog.ready,
    hasRecords: ({ context }) => context.backlog.unsettled > 0,
  },
  delays: {
    linger: ({ context }) => context.backlog.dueInMs,
    closeTimeout: ({ context }) => context.closeTimeoutMs,
  },
  actions: {
    drain: sendTo('sender', { type: 'drain' }),
    refresh: sendTo('metadata', { type: 'refresh' }),
    identify: sendTo('idempotence', { type: 'identify' }),
    countHealing: assign({ healings: ({ context }) => context.healings + 1 }),
    keepCloseTimeout: assign({
      closeTimeoutMs: ({ context, event }) => (event.type === 'close' ? event.timeoutMs : context.closeTimeoutMs),
    }),
    /** From now on records are refused. */
    refuseRecords: () => {},
    /** Everything that waits is settled as failed. */
    failBacklog: () => {},
    /** Sockets and timers end. */
    release: () => {},
    startBroker: spawnChild('broker', {
      id: ({ event }) => brokerOf(event),
      input: ({ event }) => ({ broker: brokerOf(event) }),
    }),
    stopBroker: stopChild(({ event }) => brokerOf(event)),
  },
}).createMachine({
  id: 'producer',
  context: ({ input }) => ({ ...input, closeTimeoutMs: 0, healings: 0 }),
  invoke: [
    { id: 'sender', src: 'sender' },
    { id: 'metadata', src: 'metadata' },
    { id: 'idempotence', src: 'idempotence' },
    { id: 'transaction', src: 'transaction' },
  ],
  on: {
    'metadata.stale': '.healing',
    'identity.wanted': { actions: 'identify' },
    'broker.found': { actions: 'startBroker' },
    'broker.gone': { actions: 'stopBroker' },
    failed: { target: '.closing', actions: ['refuseRecords', 'failBacklog'] },
    close: { target: '.closing', actions: ['keepCloseTimeout', 'refuseRecords'] },
    abandon: { target: '.closing', actions: ['refuseRecords', 'failBacklog'] },
  },
  initial: 'idle',
  states: {
    idle: {
      // Asked on every entry: a record that came while flushing is never stranded.
      always: [
        { guard: 'isReady', target: 'flushing' },
        { guard: 'hasRecords', target: 'batching' },
      ],
      on: { 'batch.opened': 'batching', 'batch.ready': 'flushing' },
    },
    batching: {
      after: { linger: 'flushing' },
      on: { 'batch.ready': 'flushing' },
    },
    flushing: {
      entry: 'drain',
      on: { 'sender.quiet': 'idle' },
    },
    healing: {
      // Partitions whose leader is known keep flowing: the sender goes on, and is woken for what is new.
      entry: ['countHealing', 'refresh', 'drain'],
      on: {
        'metadata.fresh': 'flushing',
        'metadata.stale': { actions: 'refresh' },
        'batch.ready': { actions: 'drain' },
        // What waited has failed meanwhile: nobody needs the picture now.
        'sender.quiet': { guard: 'isEmpty', target: 'idle' },
      },
    },
    closing: {
      entry: 'drain',
      always: { guard: 'isEmpty', target: 'closed' },
      after: { closeTimeout: { actions: 'failBacklog', target: 'closed' } },
      on: {
        'metadata.stale': { actions: 'refresh' },
        'metadata.fresh': { actions: 'drain' },
        'batch.ready': { actions: 'drain' },
        failed: { actions: 'failBacklog' },
        abandon: { actions: 'failBacklog' },
        close: {},
      },
    },
    closed: { type: 'final', entry: 'release' },
  },
});
