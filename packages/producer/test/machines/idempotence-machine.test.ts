import { expect, test } from 'vitest';
import { createActor, SimulatedClock } from 'xstate';
import { idempotenceMachine } from '../../src/idempotence-machine.ts';

function machine() {
  const clock = new SimulatedClock();
  const done: string[] = [];
  const actor = createActor(
    idempotenceMachine.provide({
      delays: { backoff: ({ context }) => 10 * context.failures },
      actions: {
        requestId: () => done.push('request'),
        adopt: ({ context }) => done.push(`${context.producerId}/${context.epoch}`),
        giveUpIdempotence: () => done.push('give up'),
        reportDenied: () => done.push('denied'),
      },
    }),
    { clock },
  ).start();
  return { actor, clock, state: () => actor.getSnapshot().value, did: () => done.splice(0) };
}

test('an id is asked for when the first batch needs one, and once', () => {
  const { actor, did } = machine();
  expect(did()).toEqual([]);
  actor.send({ type: 'identify' });
  actor.send({ type: 'identify' });
  expect(did()).toEqual(['request']);
  actor.send({ type: 'identified', producerId: '9007199254740993', epoch: 0 });
  expect(did()).toEqual(['9007199254740993/0']);
});

test('a refusal is followed by a growing pause, and forgotten after a success', () => {
  const { actor, clock, state, did } = machine();
  actor.send({ type: 'identify' });
  actor.send({ type: 'refused' });
  clock.increment(9);
  expect(state()).toBe('backingOff');
  clock.increment(1);
  actor.send({ type: 'refused' });
  clock.increment(20);
  expect(did()).toEqual(['request', 'request', 'request']);
  actor.send({ type: 'identified', producerId: '7', epoch: 3 });
  expect(actor.getSnapshot().context).toEqual({ producerId: '7', epoch: 3, failures: 0, requests: 3 });
});

test('a bump raises the epoch here, without asking a broker', () => {
  const { actor, did } = machine();
  actor.send({ type: 'identify' });
  actor.send({ type: 'identified', producerId: '7', epoch: 0 });
  actor.send({ type: 'bump' });
  actor.send({ type: 'bump' });
  expect(did()).toEqual(['request', '7/0', '7/1', '7/2']);
});

test('P03: the last epoch is used, and the bump after it asks for another id', () => {
  const { actor, state, did } = machine();
  actor.send({ type: 'identify' });
  actor.send({ type: 'identified', producerId: '7', epoch: 32_766 });
  actor.send({ type: 'bump' });
  expect(did()).toEqual(['request', '7/32766', '7/32767']);
  actor.send({ type: 'bump' });
  expect(state()).toBe('identifying');
  actor.send({ type: 'bump' });
  expect(did()).toEqual(['request']);
  actor.send({ type: 'identified', producerId: '8', epoch: 0 });
  expect(did()).toEqual(['8/0']);
});

test('an id of no use is replaced', () => {
  const { actor, did } = machine();
  actor.send({ type: 'identify' });
  actor.send({ type: 'identified', producerId: '7', epoch: 0 });
  actor.send({ type: 'renew' });
  actor.send({ type: 'identified', producerId: '8', epoch: 0 });
  expect(did()).toEqual(['request', '7/0', 'request', '8/0']);
});

test('brokers that know of no ids end the matter', () => {
  const { actor, clock, state, did } = machine();
  actor.send({ type: 'identify' });
  actor.send({ type: 'unsupported' });
  expect(state()).toBe('unsupported');
  clock.increment(60_000);
  expect(did()).toEqual(['request', 'give up']);
});

test('brokers that turn out to know of ids are asked for one after all', () => {
  const { actor, state, did } = machine();
  actor.send({ type: 'supported' });
  expect(state()).toBe('unidentified');
  actor.send({ type: 'identify' });
  actor.send({ type: 'unsupported' });
  did();
  actor.send({ type: 'supported' });
  expect(state()).toBe('identifying');
  actor.send({ type: 'identified', producerId: '7', epoch: 0 });
  actor.send({ type: 'supported' });
  expect(did()).toEqual(['request', '7/0']);
});

test('so does a denial', () => {
  const { actor, clock, state, did } = machine();
  actor.send({ type: 'identify' });
  actor.send({ type: 'denied' });
  expect(state()).toBe('denied');
  clock.increment(60_000);
  expect(did()).toEqual(['request', 'denied']);
});
