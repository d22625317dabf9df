import { expect, test } from 'vitest';
import { createActor } from 'xstate';
import { transactionMachine } from '../../src/transaction-machine.ts';

function machine() {
  const done: string[] = [];
  const facts = { needsNewEpoch: false };
  const actor = createActor(
    transactionMachine.provide({
      guards: { needsNewEpoch: () => facts.needsNewEpoch },
      actions: {
        requestId: () => done.push('requestId'),
        adopt: ({ context }) => done.push(`adopt ${context.producerId}/${context.epoch}`),
        openTransaction: () => done.push('open'),
        requestCommit: () => done.push('commit'),
        requestAbort: () => done.push('abort'),
        failRecords: () => done.push('failRecords'),
        reportDoom: () => done.push('doom'),
      },
    }),
  ).start();
  const send = (...events: Parameters<typeof actor.send>[0][]) => {
    for (const event of events) actor.send(event);
  };
  return { send, facts, state: () => actor.getSnapshot(), did: () => done.splice(0) };
}

const first = { type: 'initialized', producerId: '7', epoch: 0 } as const;
const ended = { type: 'ended', producerId: '7', epoch: 1 } as const;

function ready() {
  const m = machine();
  m.send({ type: 'initialize' }, first);
  m.did();
  return m;
}

test('the coordinator is asked who this producer is, again when it could not say', () => {
  const { send, state, did } = machine();
  send({ type: 'initialize' }, { type: 'refused' });
  expect(state().value).toBe('uninitialized');
  send({ type: 'initialize' }, first);
  expect(state().value).toBe('ready');
  expect(did()).toEqual(['requestId', 'requestId', 'adopt 7/0']);
});

test('a transaction is begun, committed, and its end gives the next epoch', () => {
  const { send, state, did } = ready();
  send({ type: 'begin' });
  expect(state().value).toBe('inTransaction');
  send({ type: 'commit' });
  expect(state().value).toBe('committing');
  send(ended);
  expect(state().value).toBe('ready');
  expect(did()).toEqual(['open', 'commit', 'adopt 7/1']);
  expect(state().context).toEqual({ producerId: '7', epoch: 1, transactions: 1, reason: null });
});

test('a transaction is aborted, and then another begun', () => {
  const { send, state, did } = ready();
  send({ type: 'begin' }, { type: 'abort' });
  expect(state().value).toBe('aborting');
  send(ended, { type: 'begin' });
  expect(state().value).toBe('inTransaction');
  expect(did()).toEqual(['open', 'abort', 'adopt 7/1', 'open']);
});

test('while an end is not answered it can be asked for again', () => {
  const { send, did } = ready();
  send({ type: 'begin' }, { type: 'commit' }, { type: 'commit' }, ended);
  expect(did()).toEqual(['open', 'commit', 'commit', 'adopt 7/1']);
  send({ type: 'begin' }, { type: 'abort' }, { type: 'abort' }, ended);
  expect(did()).toEqual(['open', 'abort', 'abort', 'adopt 7/1']);
});

test.each(['commit', 'abort'] as const)(
  'after a %s a new epoch is asked for where an old request may be about',
  (type) => {
    const { send, state, facts, did } = ready();
    facts.needsNewEpoch = true;
    send({ type: 'begin' }, { type }, { type: 'ended', producerId: '7', epoch: 0 });
    expect(state().value).toBe('initializing');
    send({ type: 'initialized', producerId: '7', epoch: 1 });
    expect(did()).toEqual(['open', type, 'requestId', 'adopt 7/1']);
  },
);

test.each([[[]], [[{ type: 'commit' }]]] as const)('after a failure there is nothing left but to abort', (before) => {
  const { send, state, did } = ready();
  send({ type: 'begin' }, ...before, { type: 'failed', reason: 'a record was lost' });
  expect(state().value).toBe('abortableError');
  expect(state().context.reason).toBe('a record was lost');
  send({ type: 'commit' }, { type: 'begin' });
  expect(state().value).toBe('abortableError');
  send({ type: 'abort' });
  expect(state().value).toBe('aborting');
  send(ended);
  expect(state().context.reason).toBe(null);
  expect(did().at(-1)).toBe('adopt 7/1');
});

test('a producer that is fenced has no transactions any more', () => {
  const { send, state, did } = ready();
  send({ type: 'begin' }, { type: 'doomed', reason: 'fenced' });
  expect(state().value).toBe('fatalError');
  send({ type: 'doomed', reason: 'once more' }, { type: 'begin' }, { type: 'abort' }, { type: 'initialize' });
  expect(state().value).toBe('fatalError');
  expect(state().context.reason).toBe('fenced');
  expect(did()).toEqual(['open', 'doom']);
});

test('nobody begins or ends what cannot be', () => {
  const { send, state, did } = machine();
  send({ type: 'begin' }, { type: 'commit' }, { type: 'abort' });
  expect(state().value).toBe('uninitialized');
  send({ type: 'initialize' }, first, { type: 'commit' }, { type: 'abort' });
  expect(state().value).toBe('ready');
  expect(did()).toEqual(['requestId', 'adopt 7/0']);
});

test('unbound, it says what is missing', () => {
  const errors: unknown[] = [];
  const actor = createActor(transactionMachine);
  actor.subscribe({ error: (error) => errors.push(error) });
  actor.start();
  actor.send({ type: 'initialize' });
  expect(String(errors[0])).toContain('bind the action "requestId"');
});
