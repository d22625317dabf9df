import { expect, test } from 'vitest';
import { createActor, SimulatedClock } from 'xstate';
import { metadataMachine } from '../../src/metadata-machine.ts';

function machine() {
  const clock = new SimulatedClock();
  const truth = { isComplete: true, hasUnasked: false, isInUse: true };
  const done: string[] = [];
  const actor = createActor(
    metadataMachine.provide({
      guards: {
        isComplete: () => truth.isComplete,
        hasUnasked: () => truth.hasUnasked,
        isInUse: () => truth.isInUse,
      },
      delays: { maxAge: () => 1_000, backoff: ({ context }) => 10 * context.failures },
      actions: { fetch: () => done.push('fetch'), reportFresh: () => done.push('fresh') },
    }),
    { clock },
  ).start();
  return { actor, clock, truth, state: () => actor.getSnapshot().value, did: () => done.splice(0) };
}

test('nothing is fetched before somebody asks', () => {
  const { clock, did } = machine();
  clock.increment(100_000);
  expect(did()).toEqual([]);
});

test('a fetch that makes the picture whole is reported', () => {
  const { actor, state, did } = machine();
  actor.send({ type: 'refresh' });
  expect(state()).toBe('fetching');
  actor.send({ type: 'fetched' });
  expect(state()).toBe('fresh');
  expect(did()).toEqual(['fetch', 'fresh']);
  actor.send({ type: 'refresh' });
  expect(did()).toEqual(['fetch']);
});

test('at most one request is on its way', () => {
  const { actor, did } = machine();
  for (let i = 0; i < 10; i++) actor.send({ type: 'refresh' });
  expect(did()).toEqual(['fetch']);
});

test('P12: an answer that does not help, or none, is followed by a growing pause', () => {
  const { actor, clock, truth, state, did } = machine();
  truth.isComplete = false;
  actor.send({ type: 'refresh' });
  actor.send({ type: 'fetched' });
  expect(state()).toBe('backingOff');
  actor.send({ type: 'refresh' });
  expect(did()).toEqual(['fetch']);
  clock.increment(10);
  expect(state()).toBe('fetching');
  actor.send({ type: 'failed' });
  clock.increment(19);
  expect(state()).toBe('backingOff');
  clock.increment(1);
  expect(did()).toEqual(['fetch', 'fetch']);
  truth.isComplete = true;
  actor.send({ type: 'fetched' });
  expect(actor.getSnapshot().context).toEqual({ failures: 0, fetches: 3 });
});

test('what is wanted since the last request is asked for at once', () => {
  const { actor, truth, state, did } = machine();
  Object.assign(truth, { isComplete: false, hasUnasked: true });
  actor.send({ type: 'refresh' });
  actor.send({ type: 'fetched' });
  expect(state()).toBe('fetching');
  expect(did()).toEqual(['fetch', 'fetch']);
  truth.hasUnasked = false;
  actor.send({ type: 'fetched' });
  truth.hasUnasked = true;
  actor.send({ type: 'refresh' });
  expect(state()).toBe('fetching');
});

test('when nobody waits any more the attempts end', () => {
  const { actor, clock, truth, state, did } = machine();
  actor.send({ type: 'refresh' });
  actor.send({ type: 'failed' });
  truth.isComplete = true;
  clock.increment(10);
  expect(state()).toBe('unknown');
  expect(did()).toEqual(['fetch', 'fresh']);
  expect(actor.getSnapshot().context.failures).toBe(0);
});

test('an old picture is fetched anew while topics are in use', () => {
  const { actor, clock, truth, state } = machine();
  actor.send({ type: 'refresh' });
  actor.send({ type: 'fetched' });
  clock.increment(999);
  expect(state()).toBe('fresh');
  clock.increment(1);
  expect(state()).toBe('fetching');
  actor.send({ type: 'fetched' });
  truth.isInUse = false;
  clock.increment(1_000);
  expect(state()).toBe('unknown');
});
