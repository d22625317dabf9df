import { expect, test } from 'vitest';
import { createActor, fromCallback, SimulatedClock } from 'xstate';
import { brokerMachine } from '../../src/broker-machine.ts';
import { idempotenceMachine } from '../../src/idempotence-machine.ts';
import { metadataMachine } from '../../src/metadata-machine.ts';
import { producerMachine } from '../../src/producer-machine.ts';

/** The machine over a backlog that the test fills by hand; what it does is written down. */
function machine() {
  const clock = new SimulatedClock();
  const backlog = { unsettled: 0, ready: false, dueInMs: 50 };
  const done: string[] = [];
  const actor = createActor(
    producerMachine.provide({
      actors: {
        sender: fromCallback<{ type: 'drain' }>(({ receive }) => receive(() => done.push('drain'))),
        metadata: metadataMachine.provide({ actions: { fetch: () => done.push('fetch') } }),
        idempotence: idempotenceMachine.provide({ actions: { requestId: () => done.push('requestId') } }),
        broker: brokerMachine.provide({ actions: { openSocket: () => done.push('openSocket') } }),
      },
      actions: {
        refuseRecords: () => done.push('refuseRecords'),
        failBacklog: () => {
          backlog.unsettled = 0;
          done.push('failBacklog');
        },
        release: () => done.push('release'),
      },
    }),
    { input: { backlog }, clock },
  );
  actor.start();
  return {
    actor,
    backlog,
    clock,
    state: () => actor.getSnapshot().value,
    /** What was done since the last time. */
    did: () => done.splice(0),
  };
}

test('an idle producer lingers over a first record, and sends after the linger', () => {
  const { actor, backlog, clock, state, did } = machine();
  backlog.unsettled = 1;
  actor.send({ type: 'batch.opened' });
  expect(state()).toBe('batching');
  clock.increment(49);
  expect(state()).toBe('batching');
  clock.increment(1);
  expect(state()).toBe('flushing');
  expect(did()).toEqual(['drain']);
});

test('a batch that is ready ends the linger, and needs none when the producer is idle', () => {
  const { actor, state } = machine();
  actor.send({ type: 'batch.opened' });
  expect(state()).toBe('batching');
  actor.send({ type: 'batch.ready' });
  expect(state()).toBe('flushing');

  const other = machine();
  other.actor.send({ type: 'batch.ready' });
  expect(other.state()).toBe('flushing');
});

test('when the sender is quiet the backlog is asked: empty, lingering or ready', () => {
  const { actor, backlog, state } = machine();
  actor.send({ type: 'batch.ready' });
  actor.send({ type: 'sender.quiet' });
  expect(state()).toBe('idle');

  actor.send({ type: 'batch.ready' });
  backlog.unsettled = 1;
  actor.send({ type: 'sender.quiet' });
  expect(state()).toBe('batching');

  actor.send({ type: 'batch.ready' });
  backlog.ready = true;
  actor.send({ type: 'sender.quiet' });
  expect(state()).toBe('flushing');
});

test('a stale picture heals while what can go goes on, and then sends', () => {
  const { actor, backlog, state, did } = machine();
  backlog.unsettled = 1;
  actor.send({ type: 'metadata.stale' });
  expect(state()).toBe('healing');
  expect(actor.getSnapshot().context.healings).toBe(1);
  expect(did().sort()).toEqual(['drain', 'fetch']);
  actor.send({ type: 'batch.ready' });
  expect(did()).toEqual(['drain']);
  actor.send({ type: 'sender.quiet' });
  expect(state()).toBe('healing');
  actor.send({ type: 'metadata.fresh' });
  expect(state()).toBe('flushing');
  expect(did()).toEqual(['drain']);
});

test('more bad news while healing asks for metadata again, and is one healing', () => {
  const { actor, did } = machine();
  actor.send({ type: 'metadata.stale' });
  const metadata = actor.getSnapshot().children.metadata!;
  metadata.send({ type: 'fetched' });
  expect(metadata.getSnapshot().value).toBe('fresh');
  did();
  actor.send({ type: 'metadata.stale' });
  expect(did()).toEqual(['fetch']);
  expect(actor.getSnapshot().context.healings).toBe(1);
});

test('healing ends when everything that waited has failed', () => {
  const { actor, state } = machine();
  actor.send({ type: 'metadata.stale' });
  actor.send({ type: 'sender.quiet' });
  expect(state()).toBe('idle');
});

test('a wanted id is asked for in any state', () => {
  const { actor, did } = machine();
  actor.send({ type: 'identity.wanted' });
  expect(did()).toEqual(['requestId']);
});

test('brokers have a machine each, from when they are found until they are gone', () => {
  const { actor } = machine();
  actor.send({ type: 'broker.found', broker: 'one' });
  expect(actor.getSnapshot().children['one']?.getSnapshot()).toMatchObject({
    value: 'disconnected',
    context: { broker: 'one' },
  });
  actor.send({ type: 'broker.gone', broker: 'one' });
  expect(actor.getSnapshot().children['one']).toBeUndefined();
});

test('closing an empty producer closes it at once', () => {
  const { actor, state, did } = machine();
  actor.send({ type: 'close', timeoutMs: 1_000 });
  expect(state()).toBe('closed');
  expect(actor.getSnapshot().status).toBe('done');
  expect(did()).toContain('refuseRecords');
  expect(did()).not.toContain('failBacklog');
});

test('closing drains until the last record is settled', () => {
  const { actor, backlog, state, did } = machine();
  backlog.unsettled = 2;
  actor.send({ type: 'close', timeoutMs: 1_000 });
  expect(state()).toBe('closing');
  expect(did()).toEqual(['refuseRecords', 'drain']);
  actor.send({ type: 'batch.ready' });
  expect(did()).toEqual(['drain']);
  actor.send({ type: 'metadata.stale' });
  expect(did()).toEqual(['fetch']);
  expect(state()).toBe('closing');
  actor.send({ type: 'metadata.fresh' });
  expect(did()).toEqual(['drain']);
  actor.send({ type: 'close', timeoutMs: 0 });
  expect(state()).toBe('closing');
  expect(did()).toEqual([]);
  backlog.unsettled = 0;
  actor.send({ type: 'sender.quiet' });
  expect(state()).toBe('closed');
  expect(did()).toEqual(['release']);
});

test('closing fails what is left when its time is up, counted from the first close', () => {
  const { actor, backlog, clock, state, did } = machine();
  backlog.unsettled = 2;
  actor.send({ type: 'close', timeoutMs: 1_000 });
  clock.increment(600);
  actor.send({ type: 'close', timeoutMs: 1_000 });
  clock.increment(399);
  expect(state()).toBe('closing');
  clock.increment(1);
  expect(state()).toBe('closed');
  expect(did().slice(-2)).toEqual(['failBacklog', 'release']);
});

test.each(['abandon', 'failed'] as const)('%s fails everything at once, also in the midst of closing', (type) => {
  const first = machine();
  first.backlog.unsettled = 1;
  first.actor.send({ type });
  expect(first.state()).toBe('closed');
  expect(first.did()).toEqual(expect.arrayContaining(['refuseRecords', 'failBacklog', 'release']));

  const second = machine();
  second.backlog.unsettled = 1;
  second.actor.send({ type: 'close', timeoutMs: 1_000 });
  second.did();
  second.actor.send({ type });
  expect(second.state()).toBe('closed');
  expect(second.did()).toEqual(['failBacklog', 'release']);
});

test('the snapshot prints as JSON, with counters and no record', () => {
  const { actor } = machine();
  expect(JSON.parse(JSON.stringify(actor.getSnapshot().context))).toEqual({
    backlog: { unsettled: 0, ready: false, dueInMs: 50 },
    closeTimeoutMs: 0,
    healings: 0,
  });
});
