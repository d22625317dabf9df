import { expect, test } from 'vitest';
import { createActor, SimulatedClock } from 'xstate';
import { brokerMachine } from '../../src/broker-machine.ts';

function machine({ reauthenticationMs = 100_000 } = {}) {
  const clock = new SimulatedClock();
  const truth = { isWanted: false, isUnused: true };
  const done: string[] = [];
  const note = (what: string) => () => {
    done.push(what);
  };
  const actor = createActor(
    brokerMachine.provide({
      guards: { isWanted: () => truth.isWanted, isUnused: () => truth.isUnused },
      delays: {
        setupTimeout: () => 1_000,
        backoff: ({ context }) => 10 * context.failures,
        idle: () => 60_000,
        reauthentication: () => reauthenticationMs,
      },
      actions: {
        openSocket: note('open'),
        closeSocket: note('close'),
        timeOutSocket: note('time out'),
        authenticate: note('authenticate'),
        reportReady: note('ready'),
        reportFailure: note('failure'),
        reportThrottled: note('throttled'),
      },
    }),
    { input: { broker: 'one' }, clock },
  ).start();
  const ready = () => {
    actor.send({ type: 'connect' });
    actor.send({ type: 'socket.opened' });
    actor.send({ type: 'authenticated' });
    done.length = 0;
  };
  return { actor, clock, truth, ready, state: () => actor.getSnapshot().value, did: () => done.splice(0) };
}

test('it connects when it is wanted, and is ready when it is authenticated', () => {
  const { actor, state, did } = machine();
  expect(state()).toBe('disconnected');
  actor.send({ type: 'connect' });
  expect(state()).toBe('connecting');
  actor.send({ type: 'socket.opened' });
  expect(state()).toBe('authenticating');
  actor.send({ type: 'authenticated' });
  expect(state()).toBe('ready');
  expect(did()).toEqual(['open', 'authenticate', 'ready']);
});

test('a refused connection is tried again after a pause, as long as somebody waits', () => {
  const { actor, clock, truth, state, did } = machine();
  truth.isWanted = true;
  actor.send({ type: 'connect' });
  actor.send({ type: 'socket.closed' });
  expect(state()).toBe('backingOff');
  actor.send({ type: 'connect' });
  clock.increment(9);
  expect(did()).toEqual(['open', 'failure']);
  clock.increment(1);
  expect(state()).toBe('connecting');
  actor.send({ type: 'socket.closed' });
  truth.isWanted = false;
  clock.increment(20);
  expect(state()).toBe('disconnected');
  expect(actor.getSnapshot().context).toMatchObject({ failures: 2, connects: 2 });
});

test('neither connecting nor authenticating may take for ever', () => {
  const { actor, clock, state, did } = machine();
  actor.send({ type: 'connect' });
  clock.increment(1_000);
  expect(state()).toBe('backingOff');
  clock.increment(10);
  actor.send({ type: 'connect' });
  actor.send({ type: 'socket.opened' });
  clock.increment(1_000);
  expect(state()).toBe('backingOff');
  expect(did()).toEqual(['open', 'time out', 'failure', 'open', 'authenticate', 'time out', 'failure']);
});

test('a connection that ends while it is set up has failed', () => {
  const { actor, state } = machine();
  actor.send({ type: 'connect' });
  actor.send({ type: 'socket.opened' });
  actor.send({ type: 'socket.closed' });
  expect(state()).toBe('backingOff');
  expect(actor.getSnapshot().context.failures).toBe(1);
});

test('failures are forgotten when it is ready', () => {
  const { actor, clock } = machine();
  actor.send({ type: 'connect' });
  actor.send({ type: 'socket.closed' });
  clock.increment(10);
  actor.send({ type: 'connect' });
  actor.send({ type: 'socket.opened' });
  actor.send({ type: 'authenticated' });
  expect(actor.getSnapshot().context.failures).toBe(0);
});

test('P17: an unused connection that ends is no failure; one in use pauses before the next', () => {
  const first = machine();
  first.ready();
  first.actor.send({ type: 'socket.closed' });
  expect(first.state()).toBe('disconnected');
  expect(first.did()).toEqual([]);

  const second = machine();
  second.ready();
  second.truth.isWanted = true;
  second.actor.send({ type: 'socket.closed' });
  expect(second.state()).toBe('backingOff');
});

test('an unused connection is closed after a while, a used one looked at again later', () => {
  const { clock, truth, ready, state, did } = machine();
  ready();
  truth.isUnused = false;
  clock.increment(60_000);
  expect(state()).toBe('ready');
  truth.isUnused = true;
  clock.increment(60_000);
  expect(state()).toBe('disconnected');
  expect(did()).toEqual(['ready', 'close']);
});

test('KIP-368: the session is renewed before it ends', () => {
  const { actor, clock, ready, truth, state, did } = machine({ reauthenticationMs: 5_000 });
  ready();
  truth.isUnused = false;
  clock.increment(4_999);
  expect(state()).toBe('ready');
  clock.increment(1);
  expect(state()).toBe('authenticating');
  actor.send({ type: 'authenticated' });
  expect(state()).toBe('ready');
  expect(did()).toEqual(['authenticate', 'ready']);
});

test('KIP-219: throttled, it is not ready until the pause is over; a new pause replaces the old', () => {
  const { actor, clock, ready, state, did } = machine();
  ready();
  actor.send({ type: 'throttled', throttleMs: 500 });
  expect(state()).toBe('throttled');
  clock.increment(400);
  actor.send({ type: 'throttled', throttleMs: 300 });
  clock.increment(299);
  expect(state()).toBe('throttled');
  clock.increment(1);
  expect(state()).toBe('ready');
  expect(did()).toEqual(['throttled', 'throttled', 'ready']);
});

test('a throttled connection that ends is like any other', () => {
  const first = machine();
  first.ready();
  first.actor.send({ type: 'throttled', throttleMs: 500 });
  first.actor.send({ type: 'socket.closed' });
  expect(first.state()).toBe('disconnected');

  const second = machine();
  second.ready();
  second.actor.send({ type: 'throttled', throttleMs: 500 });
  second.truth.isWanted = true;
  second.actor.send({ type: 'socket.closed' });
  expect(second.state()).toBe('backingOff');
});

test('closed, it ends for good with its socket', () => {
  const { actor, ready, state, did } = machine();
  ready();
  actor.send({ type: 'close' });
  expect(state()).toBe('closed');
  expect(actor.getSnapshot().status).toBe('done');
  expect(did()).toEqual(['close']);
});
