import { expect, test } from 'vitest';
import { createActor, SimulatedClock } from 'xstate';
import { telemetryMachine } from '../../src/telemetry/push/telemetry-machine.ts';

function machine() {
  const clock = new SimulatedClock();
  const done: string[] = [];
  const actor = createActor(
    telemetryMachine.provide({
      actions: {
        askSubscription: () => done.push('ask'),
        push: () => done.push('push'),
        pushLast: () => done.push('last'),
      },
    }),
    { clock },
  ).start();
  const subscribed = (isWanted = true) => actor.send({ type: 'subscribed', intervalMs: 1_000, isWanted });
  return { actor, clock, subscribed, state: () => actor.getSnapshot().value, did: () => done.splice(0) };
}

test('it asks first, and pushes at each interval', () => {
  const { actor, clock, subscribed, state, did } = machine();
  expect(did()).toEqual(['ask']);
  subscribed();
  for (let i = 0; i < 3; i++) {
    expect(state()).toBe('waiting');
    clock.increment(1_000);
    expect(state()).toBe('pushing');
    actor.send({ type: 'pushed' });
  }
  expect(did()).toEqual(['push', 'push', 'push']);
  expect(actor.getSnapshot().context.pushes).toBe(3);
});

test('nothing wanted: it asks again at each interval, and closes without a word', () => {
  const { actor, clock, subscribed, state, did } = machine();
  subscribed(false);
  clock.increment(1_000);
  expect(state()).toBe('asking');
  expect(did()).toEqual(['ask', 'ask']);
  subscribed(false);
  actor.send({ type: 'close' });
  expect(state()).toBe('off');
  expect(did()).toEqual([]);
});

test('a refusal is followed by a rest and a new question', () => {
  const { actor, clock, subscribed, state, did } = machine();
  actor.send({ type: 'refused', restMs: 50 });
  expect(state()).toBe('resting');
  clock.increment(50);
  expect(did()).toEqual(['ask', 'ask']);
  subscribed();
  clock.increment(1_000);
  actor.send({ type: 'refused', restMs: 70 });
  clock.increment(69);
  expect(state()).toBe('resting');
  clock.increment(1);
  expect(state()).toBe('asking');
});

test('a rejection ends it for good, wherever it stands', () => {
  const { actor, clock, state, did } = machine();
  actor.send({ type: 'rejected' });
  expect(state()).toBe('off');
  clock.increment(1_000_000);
  expect(did()).toEqual(['ask']);
});

test.each(['waiting', 'pushing'])('closing while %s pushes once more, and waits for that answer', (where) => {
  const { actor, clock, subscribed, state, did } = machine();
  subscribed();
  if (where === 'pushing') clock.increment(1_000);
  did();
  actor.send({ type: 'close' });
  expect(state()).toBe('leaving');
  expect(did()).toEqual(['last']);
  // Neither a second close nor the answer to a push before is the end.
  for (const type of ['close', 'pushed', 'rejected'] as const) actor.send({ type });
  expect(state()).toBe('leaving');
  actor.send({ type: 'left' });
  expect(state()).toBe('off');
});

test('the last push is waited for no longer than a second', () => {
  const { actor, clock, subscribed, state } = machine();
  subscribed();
  actor.send({ type: 'close' });
  clock.increment(999);
  expect(state()).toBe('leaving');
  clock.increment(1);
  expect(state()).toBe('off');
});

test('closing while it asks or rests is the end', () => {
  const asking = machine();
  asking.actor.send({ type: 'close' });
  expect(asking.state()).toBe('off');
  const resting = machine();
  resting.actor.send({ type: 'refused', restMs: 50 });
  resting.actor.send({ type: 'close' });
  expect(resting.state()).toBe('off');
});
