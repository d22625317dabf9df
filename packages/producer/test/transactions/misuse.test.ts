import { expect, test } from 'vitest';
import type { Producer, Transaction } from '../../src/index.ts';
import { failure } from '../start.ts';
import { bothVersions, startTransactional, transactionError } from './start-transactional.ts';

const offset = { topic: 'audit', partition: 0, offset: 1n };

test.each([
  [undefined, 'g', 'needs an array of { topic, partition, offset }, got undefined'],
  [{ topic: 'audit', partition: 0, offset: 1n }, 'g', 'needs an array of { topic, partition, offset }, got an object'],
  [[null], 'g', 'offsets[0] needs to be { topic, partition, offset }, got null'],
  [[offset, {}], 'g', 'offsets[1].topic needs to be text, got undefined'],
  [[{ ...offset, topic: '' }], 'g', 'offsets[0].topic is empty'],
  [[{ ...offset, partition: '0' }], 'g', 'offsets[0].partition needs to be a number, got string'],
  [[{ ...offset, partition: -1 }], 'g', 'offsets[0].partition needs to be a whole number from 0 on, got -1'],
  [[{ ...offset, offset: '7' }], 'g', 'offsets[0].offset needs to be a bigint or a number, got string'],
  [[{ ...offset, offset: -1n }], 'g', 'offsets[0].offset is no offset: -1'],
  [[{ ...offset, offset: 2n ** 63n }], 'g', 'offsets[0].offset is no offset: 9223372036854775808'],
  [[{ ...offset, offset: Number.NaN }], 'g', 'offsets[0].offset is no offset: NaN'],
  [[{ ...offset, offset: 1.5 }], 'g', 'offsets[0].offset is no offset: 1.5'],
  [[{ ...offset, leaderEpoch: 'x' }], 'g', 'offsets[0].leaderEpoch needs to be a number, got string'],
  [[{ ...offset, metadata: 5 }], 'g', 'offsets[0].metadata needs to be text or null, got number'],
  [[{ ...offset, leaderepoch: 5 }], 'g', '"leaderepoch" does not exist; did you mean "leaderEpoch"?'],
  [[offset], undefined, "needs a group's id, or { groupId, … }, got undefined"],
  [[offset], '', 'groupId is empty'],
  [[offset], {}, 'groupId needs to be text, got undefined'],
  [[offset], { groupId: 'g', generationId: 1.5 }, 'generationId needs to be a whole number from -1 on, got 1.5'],
  [[offset], { groupId: 'g', memberId: 5 }, 'memberId needs to be text, got number'],
  [[offset], { groupId: 'g', groupInstanceId: 5 }, 'groupInstanceId needs to be text or null, got number'],
  [[offset], { groupId: 'g', generation: 5 }, '"generation" does not exist; did you mean "generationId"?'],
])('offsets %o of the group %o are refused at the call, and nothing has changed', async (offsets, group, text) => {
  await using t = await startTransactional();
  const tx = await t.run(t.producer.begin());
  tx.produce('orders', 'a');
  expect(() => tx.sendOffsets(offsets as never, group as never)).toThrow(text);
  await t.run(t.producer.commit());
  expect(t.seen()).toEqual(['a']);
  expect(t.apis('TxnOffsetCommit', 'AddOffsetsToTxn')).toEqual([]);
});

test('of a partition whose offset is given twice, the last one counts', async () => {
  await using t = await startTransactional();
  const offsets = [offset, { ...offset, offset: 9n }];
  await t.run(t.producer.transaction((tx) => tx.sendOffsets(offsets, 'readers')));
  expect(t.mock.committed('readers', 'audit', 0)).toBe(9n);
});

test.each(bothVersions)('%s: offsets that nobody awaits are waited for by the commit', async (version) => {
  await using t = await startTransactional(version);
  t.mock.on('TxnOffsetCommit', { times: 1, then: 'delay the reply 300 ms' });
  await t.run(t.producer.transaction((tx) => void tx.sendOffsets([offset], 'readers')));
  expect(t.mock.committed('readers', 'audit', 0)).toBe(1n);
});

test('offsets of a topic that is not there end with what the coordinator said, not with a mere timeout', async () => {
  await using t = await startTransactional('4.4', { maxBlockMs: 3_000 });
  const tx = await t.run(t.producer.begin());
  const error = await transactionError(t.run(tx.sendOffsets([{ ...offset, topic: 'nowhere' }], 'readers')));
  expect(error).toMatchObject({ code: 'TRANSACTION_FAILED', outcome: 'open' });
  expect(error.message).toContain('UNKNOWN_TOPIC_OR_PARTITION (3): nowhere-0');
  await t.run(t.producer.abort());
});

test.each([undefined, null, 5, {}])('transaction(%j) is refused before anything has begun', async (work) => {
  await using t = await startTransactional();
  await expect(t.producer.transaction(work as never)).rejects.toThrow('transaction: needs a function, got');
  expect(t.state()).toBe('uninitialized');
});

test('commit() in the function of transaction() is refused, and the transaction aborted', async () => {
  await using t = await startTransactional();
  const error = await transactionError(
    t.run(
      t.producer.transaction(async (tx) => {
        tx.produce('orders', 'a');
        await t.producer.commit();
      }),
    ),
  );
  expect(error).toMatchObject({ code: 'TRANSACTION_OPEN', outcome: 'aborted' });
  expect(error.message).toContain('Return from that function to commit');
  expect(t.seen()).toEqual([]);
  await t.run(t.producer.transaction((tx) => void tx.produce('orders', 'b')));
  expect(t.seen()).toEqual(['b']);
});

test('an embedder who commits by an event in the function of transaction() has committed', async () => {
  await using t = await startTransactional();
  const machine = () =>
    t.producer.actor.getSnapshot().children['transaction'] as unknown as { send(event: { type: 'commit' }): void };
  const result = await t.run(
    t.producer.transaction(async (tx) => {
      await tx.produce('orders', 'a');
      machine().send({ type: 'commit' });
      await t.mock.clock.sleep(500);
      return 1;
    }),
  );
  expect(result).toBe(1);
  expect(t.seen()).toEqual(['a']);
});

test('a transaction within a transaction is refused, and the outer one aborted', async () => {
  await using t = await startTransactional();
  const outer = t.producer.transaction(async (tx) => {
    tx.produce('orders', 'a');
    await t.producer.transaction(() => {});
  });
  expect(await transactionError(t.run(outer))).toMatchObject({ code: 'TRANSACTION_OPEN', outcome: 'aborted' });
  expect(t.seen()).toEqual([]);
  expect(t.state()).toBe('ready');
});

test('abort() ends a transaction whose function never returns, and the next one is not touched by it', async () => {
  await using t = await startTransactional();
  const hanging = t.producer.transaction(async (tx) => {
    tx.produce('orders', 'a');
    await new Promise(() => {});
  });
  hanging.catch(() => {});
  await t.mock.clock.advance(1_000);
  await t.run(t.producer.abort());
  const next = await t.run(t.producer.begin());
  next.produce('orders', 'b');
  expect(await transactionError(hanging)).toMatchObject({ code: 'TRANSACTION_ABORTED', outcome: 'aborted' });
  await t.run(t.producer.commit());
  expect(t.seen()).toEqual(['b']);
});

test('the function of a transaction that was aborted throws late: nobody minds, and no other transaction is ended', async () => {
  await using t = await startTransactional();
  let fail!: (error: Error) => void;
  const late = t.producer.transaction(
    () =>
      new Promise((_, reject) => {
        fail = reject;
      }),
  );
  late.catch(() => {});
  await t.mock.clock.advance(1_000);
  await t.run(t.producer.abort());
  await t.run(t.producer.begin());
  fail(new Error('late'));
  await t.mock.clock.advance(100);
  expect(t.state()).toBe('inTransaction');
  expect((await transactionError(late)).code).toBe('TRANSACTION_ABORTED');
  await t.run(t.producer.commit());
});

test('close() ends a transaction whose function never returns', async () => {
  await using t = await startTransactional();
  const hanging = t.producer.transaction(() => new Promise(() => {}));
  hanging.catch(() => {});
  await t.mock.clock.advance(1_000);
  await t.run(t.producer.close());
  expect(await transactionError(hanging)).toMatchObject({ code: 'CLOSED', outcome: 'aborted' });
});

test.each(bothVersions)('%s: transaction() says that it has aborted what it could not commit', async (version) => {
  await using t = await startTransactional(version);
  t.mock.on('Produce', { times: 1, then: 'error INVALID_RECORD' });
  const error = await transactionError(t.run(t.producer.transaction((tx) => void tx.produce('orders', 'a'))));
  expect(error).toMatchObject({ code: 'TRANSACTION_FAILED', outcome: 'aborted', retriable: true });
  expect(error.message).toMatch(/record 1 of 1 .* It was aborted: begin again\.$/);
  expect(error.hint).toBe('It was aborted: begin again.');
  expect(error.message).not.toContain('..');
});

test.each(bothVersions)('%s: a fenced transaction() says so, whatever failed first', async (version) => {
  await using t = await startTransactional(version);
  await using younger = t.make();
  const fenced = t.producer.transaction(async (tx) => {
    await tx.produce('orders', 'a', { partition: 0 });
    await younger.begin();
    tx.produce('orders', 'b', { partition: 0 });
  });
  const error = await transactionError(t.run(fenced));
  expect(['PRODUCER_FENCED', 'INVALID_PRODUCER_EPOCH']).toContain(error.code);
  expect(error).toMatchObject({ outcome: 'aborted', retriable: false });
  expect(error.message).toContain('another producer with this transactionalId has most likely begun its work');
});

test('after close() there was none, unless one was open', async () => {
  await using t = await startTransactional();
  await t.run(t.producer.transaction((tx) => void tx.produce('orders', 'a')));
  await t.run(t.producer.close());
  expect(await transactionError(t.producer.commit())).toMatchObject({ code: 'CLOSED', outcome: 'none' });
  expect(await transactionError(t.producer.begin())).toMatchObject({ code: 'CLOSED', outcome: 'none' });
  await using other = t.make({ transactionalId: 'other' });
  await t.run(other.begin());
  await t.run(other.close());
  expect(await transactionError(other.commit())).toMatchObject({ code: 'CLOSED', outcome: 'aborted' });
});

test('a record outside of transaction() while one is open belongs to it', async () => {
  await using t = await startTransactional();
  const thrown = t.producer.transaction(async () => {
    await t.producer.produce('orders', 'a');
    await t.producer.flush();
    throw new Error('no');
  });
  await expect(t.run(thrown)).rejects.toThrow('no');
  expect(t.seen()).toEqual([]);
  expect((await failure(t.producer.produce('orders', 'b'))).code).toBe('NO_TRANSACTION');
});

test('the types forbid what the checks refuse', () => {
  const wrong = (producer: Producer<{ orders: { id: number } }>, tx: Transaction<{ orders: { id: number } }>) => {
    // @ts-expect-error: an offset is a number or a bigint
    void tx.sendOffsets([{ ...offset, offset: '7' }], 'g');
    // @ts-expect-error: a group has an id
    void tx.sendOffsets([offset], { generationId: 1 });
    // @ts-expect-error: there is no such field
    void tx.sendOffsets([{ ...offset, leaderepoch: 1 }], 'g');
    // @ts-expect-error: the topic has other values
    tx.produce('orders', 'a');
    // @ts-expect-error: a function is needed
    void producer.transaction({});
    // @ts-expect-error: what is produced in it is typed as well
    void producer.transaction((each) => each.produce('clicks', { id: 1 }));
  };
  expect(wrong).toBeTypeOf('function');
});
