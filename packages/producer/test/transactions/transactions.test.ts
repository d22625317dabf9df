import { expect, test } from 'vitest';
import { createProducer, DeliveryError, type Transaction } from '../../src/index.ts';
import { failure } from '../start.ts';
import { bothVersions, startTransactional, transactionError } from './start-transactional.ts';

const produceAll = (tx: Transaction, ...values: unknown[]) =>
  values.map((value, i) => tx.produce('orders', value, { partition: i % 2 }));

test.each(bothVersions)('%s: what a transaction produced is seen when it returns, and not before', async (version) => {
  await using t = await startTransactional(version);
  const result = await t.run(
    t.producer.transaction(async (tx) => {
      const [first] = produceAll(tx, 'a', 'b', 'c');
      expect(await first).toMatchObject({ topic: 'orders', partition: 0, offset: 0n });
      expect(t.seen()).toEqual([]);
      tx.produce('audit', 'd');
      return 42;
    }),
  );
  expect(result).toBe(42);
  expect(t.seen()).toEqual(['a', 'c', 'b']);
  expect(t.seen('audit')).toEqual(['d']);
  expect(t.state()).toBe('ready');
});

test.each(bothVersions)('%s: a throw aborts, is thrown on, and the next transaction is free of it', async (version) => {
  await using t = await startTransactional(version);
  const thrown = new Error('no');
  await expect(
    t.run(
      t.producer.transaction(async (tx) => {
        await Promise.all(produceAll(tx, 'a', 'b'));
        throw thrown;
      }),
    ),
  ).rejects.toBe(thrown);
  expect(t.seen()).toEqual([]);
  await t.run(t.producer.transaction((tx) => void produceAll(tx, 'c', 'd')));
  expect(t.seen()).toEqual(['c', 'd']);
  expect(t.mock.log('orders').map(({ transaction }) => transaction)).toEqual([
    'aborted',
    'committed',
    'aborted',
    'committed',
  ]);
});

test.each(bothVersions)('%s: many transactions after each other, all with begin and commit', async (version) => {
  await using t = await startTransactional(version);
  for (let i = 0; i < 10; i++) {
    const tx = await t.run(t.producer.begin());
    produceAll(tx, i, i + 100);
    await t.run(t.producer.commit());
  }
  expect(t.seen('orders', 0)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(t.apis('InitProducerId').length).toBe(1);
  // In the first one a connection is yet to be made, and each partition comes when its leader's stands.
  expect([0, 10, 11]).toContain(t.apis('AddPartitionsToTxn').length);
  expect(t.apis('AddPartitionsToTxn').length > 0).toBe(version === '3.9');
});

test('the second version of transactions is spoken only with clusters that have agreed on it', async () => {
  const versionsOf = async (version: string) => {
    await using t = await startTransactional(version);
    await t.run(t.producer.transaction((tx) => void tx.produce('orders', 'a')));
    const of = (api: string) => t.mock.requests({ api }).map((entry) => entry.version);
    return { produce: of('Produce'), end: of('EndTxn') };
  };
  expect(await versionsOf('3.9')).toEqual({ produce: [11], end: [4] });
  expect(await versionsOf('4.4')).toEqual({ produce: [13], end: [5] });
});

test.each(bothVersions)('%s: an empty transaction ends without a word to the coordinator', async (version) => {
  await using t = await startTransactional(version);
  await t.run(t.producer.transaction(() => {}));
  await t.run(t.producer.begin());
  await t.run(t.producer.abort());
  expect(t.apis('EndTxn')).toEqual([]);
  expect(t.state()).toBe('ready');
});

test.each(bothVersions)('%s: offsets count with the commit, and not after an abort', async (version) => {
  await using t = await startTransactional(version);
  const offsets = [{ topic: 'audit', partition: 0, offset: 7n }];
  const aborted = t.producer.transaction(async (tx) => {
    await tx.sendOffsets([{ topic: 'audit', partition: 0, offset: 3 }], 'readers');
    throw new Error('no');
  });
  await expect(t.run(aborted)).rejects.toThrow('no');
  expect(t.mock.committed('readers', 'audit', 0)).toBe(null);
  await t.run(
    t.producer.transaction(async (tx) => {
      tx.produce('orders', 'a');
      await tx.sendOffsets(offsets, 'readers');
      expect(t.mock.committed('readers', 'audit', 0)).toBe(null);
    }),
  );
  expect(t.mock.committed('readers', 'audit', 0)).toBe(7n);
  expect(t.apis('AddOffsetsToTxn').length).toBe(version === '3.9' ? 2 : 0);
});

test('KIP-447: a member that lost its partitions cannot commit offsets, and the transaction is to be aborted', async () => {
  await using t = await startTransactional();
  t.mock.on('TxnOffsetCommit', { times: 1, then: 'error ILLEGAL_GENERATION' });
  const error = await transactionError(
    t.run(
      t.producer.transaction((tx) =>
        tx.sendOffsets([{ topic: 'audit', partition: 0, offset: 1 }], {
          groupId: 'readers',
          generationId: 3,
          memberId: 'one',
        }),
      ),
    ),
  );
  expect(error).toMatchObject({ code: 'TRANSACTION_FAILED', retriable: true });
  expect(t.state()).toBe('ready');
});

test('what is produced outside a transaction is refused by name', async () => {
  await using t = await startTransactional();
  const error = await failure(t.producer.produce('orders', 'a'));
  expect(error).toMatchObject({ code: 'NO_TRANSACTION', persisted: 'no', topic: 'orders' });
  expect(error.message).toContain('no transaction of "till" is open. Produce between begin() and commit()');
  let tx!: Transaction;
  await t.run(
    t.producer.transaction((each) => {
      tx = each;
    }),
  );
  expect((await failure(tx.produce('orders', 'a'))).code).toBe('NO_TRANSACTION');
  await t.run(t.producer.begin());
  expect(tx.isOpen).toBe(false);
  expect((await failure(tx.produce('orders', 'late'))).code).toBe('NO_TRANSACTION');
  expect((await transactionError(tx.sendOffsets([{ topic: 'audit', partition: 0, offset: 1 }], 'g'))).code).toBe(
    'NO_TRANSACTION',
  );
  await t.run(t.producer.produce('orders', 'in time'));
  await t.run(t.producer.commit());
  expect(t.seen()).toEqual(['in time']);
});

test('two transactions of one producer do not overlap', async () => {
  await using t = await startTransactional();
  const first = t.producer.begin();
  expect((await transactionError(t.producer.begin())).message).toContain('is being begun already');
  await t.run(first);
  expect(await transactionError(t.producer.begin())).toMatchObject({ code: 'TRANSACTION_OPEN', outcome: 'open' });
  t.producer.produce('orders', 'a').catch(() => {});
  const commit = t.producer.commit();
  expect((await transactionError(t.producer.begin())).message).toContain('is being ended');
  expect((await transactionError(t.producer.abort())).message).toContain('is being committed');
  await t.run(commit);
  expect((await transactionError(t.producer.commit())).code).toBe('NO_TRANSACTION');
  expect((await transactionError(t.producer.abort())).code).toBe('NO_TRANSACTION');
});

test('without a transactionalId there are none', async () => {
  await using t = await startTransactional();
  const plain = createProducer(t.mock.inMemory());
  expect((await transactionError(plain.begin())).code).toBe('TRANSACTIONS_DISABLED');
  await t.run(plain.close());
});

test.each(bothVersions)('%s: a commit with a failed record refuses, and says which', async (version) => {
  await using t = await startTransactional(version);
  await t.run(t.producer.begin());
  t.mock.on('Produce', { times: 1, partition: 1, then: 'error INVALID_RECORD' });
  const tx = await t.run(t.producer.abort().then(() => t.producer.begin()));
  const sent = produceAll(tx, 'a', 'b', 'c');
  const error = await transactionError(t.run(t.producer.commit()));
  expect(error).toMatchObject({ code: 'TRANSACTION_FAILED', outcome: 'open', retriable: true });
  expect(error.message).toContain('record 2 of 3 (topic "orders", partition 1) failed');
  expect(error.cause).toBeInstanceOf(DeliveryError);
  expect((await failure(sent[1]!)).code).toBe('INVALID_RECORD');
  expect(t.state()).toBe('abortableError');
  expect((await failure(tx.produce('orders', 'd'))).code).toBe('TRANSACTION_FAILED');
  expect((await transactionError(t.producer.commit())).message).toContain('record 2 of 3');
  expect((await transactionError(tx.sendOffsets([{ topic: 'audit', partition: 0, offset: 1 }], 'g'))).code).toBe(
    'TRANSACTION_FAILED',
  );
  await t.run(t.producer.abort());
  await t.run(t.producer.transaction((next) => void produceAll(next, 'e', 'f')));
  expect(t.seen()).toEqual(['e', 'f']);
});

test.each(bothVersions)('%s: lost sequence numbers abort the transaction and begin anew after it', async (version) => {
  await using t = await startTransactional(version);
  await t.run(t.producer.transaction((tx) => void produceAll(tx, 'a', 'b')));
  t.mock.on('Produce', { times: 1, then: 'error OUT_OF_ORDER_SEQUENCE_NUMBER' });
  const error = await transactionError(t.run(t.producer.transaction((tx) => void produceAll(tx, 'c', 'd'))));
  expect(error.code).toBe('TRANSACTION_FAILED');
  await t.run(t.producer.transaction((tx) => void produceAll(tx, 'e', 'f')));
  expect(t.seen('orders', 0)).toEqual(['a', 'e']);
  expect(t.seen('orders', 1)).toEqual(['b', 'f']);
  expect(t.apis('InitProducerId').length).toBe(version === '3.9' ? 2 : 1);
});

test.each(bothVersions)('%s: the older of two producers with one id is fenced and says so', async (version) => {
  await using t = await startTransactional(version);
  await t.run(t.producer.begin());
  await t.run(t.producer.produce('orders', 'old'));
  const younger = t.make();
  await t.run(younger.transaction((tx) => void produceAll(tx, 'new', 'new too')));
  const error = await transactionError(t.run(t.producer.commit()));
  expect(error).toMatchObject({ code: 'PRODUCER_FENCED', outcome: 'aborted', retriable: false });
  expect(error.message).toContain('another producer with this transactionalId has most likely begun its work');
  expect(t.seen()).toEqual(['new', 'new too']);
  expect(await transactionError(t.producer.begin())).toBe(error);
  expect((await failure(t.producer.produce('orders', 'x'))).code).toBe('PRODUCER_FAILED');
  await t.run(younger.close());
});

test('a transaction that was open for too long was not committed, and its user learns why', async () => {
  await using t = await startTransactional('4.4', { transactionTimeoutMs: 5_000 });
  await t.run(t.producer.begin());
  await t.run(t.producer.produce('orders', 'a'));
  await t.mock.clock.advance(6_000);
  const error = await transactionError(t.run(t.producer.commit()));
  expect(error.outcome).toBe('aborted');
  expect(error.message).toMatch(/Nothing of the transaction was committed: it was open for \d+ ms, longer than/);
  expect(t.seen()).toEqual([]);
});

test.each(bothVersions)('%s: closing in the midst aborts', async (version) => {
  await using t = await startTransactional(version);
  const tx = await t.run(t.producer.begin());
  await t.run(tx.produce('orders', 'a'));
  const late = tx.produce('orders', 'b');
  const closed = t.producer.close();
  expect((await failure(tx.produce('orders', 'c'))).code).toBe('CLOSED');
  await t.run(closed);
  expect((await failure(late)).code).toBe('TRANSACTION_ABORTED');
  expect(t.mock.transaction('till')?.state).toBe('CompleteAbort');
  expect(t.seen()).toEqual([]);
  expect((await transactionError(t.producer.begin())).code).toBe('CLOSED');
});

test('closing while a commit is under way lets it end', async () => {
  await using t = await startTransactional();
  await t.run(t.producer.begin());
  t.producer.produce('orders', 'a').catch(() => {});
  const commit = t.producer.commit();
  await t.run(Promise.all([commit, t.producer.close()]));
  expect(t.seen()).toEqual(['a']);
});

test('a record taken back before it was sent is no hole in the transaction', async () => {
  await using t = await startTransactional('4.4', { lingerMs: 50 });
  const tx = await t.run(t.producer.begin());
  const controller = new AbortController();
  const taken = tx.produce('orders', 'a', { partition: 0, signal: controller.signal });
  tx.produce('orders', 'b', { partition: 0 }).catch(() => {});
  controller.abort();
  expect((await failure(taken)).code).toBe('CANCELLED');
  await t.run(t.producer.commit());
  expect(t.seen()).toEqual(['b']);
});

test('those who embed the machine send it the events', async () => {
  await using t = await startTransactional();
  const machine = t.producer.actor.getSnapshot().children['transaction'] as unknown as {
    send(event: { type: string }): void;
  };
  machine.send({ type: 'initialize' });
  await t.mock.clock.advance(200);
  expect(t.state()).toBe('ready');
  machine.send({ type: 'begin' });
  await t.run(t.producer.produce('orders', 'a'));
  machine.send({ type: 'commit' });
  await t.mock.clock.advance(200);
  expect(t.seen()).toEqual(['a']);
});

test('KIP-939: a transaction of two phases outlives every timeout, and its successor aborts it', async () => {
  const options = { transactionTwoPhaseCommit: true };
  await using t = await startTransactional('4.4', options, { transactionTwoPhaseCommit: true });
  await t.run(t.producer.begin());
  await t.run(t.producer.produce('orders', 'a', { partition: 0 }));
  await t.mock.clock.advance(3_600_000);
  await t.run(t.producer.commit());
  expect(t.seen()).toEqual(['a']);
  expect(t.mock.requests({ api: 'InitProducerId' })[0]).toMatchObject({
    version: 6,
    request: { enable2Pc: true, keepPreparedTxn: false },
  });
  await t.run(t.producer.begin());
  await t.run(t.producer.produce('orders', 'left', { partition: 0 }));
  await using successor = t.make();
  await t.run(successor.transaction((tx) => tx.produce('orders', 'b', { partition: 0 })));
  expect(t.seen()).toEqual(['a', 'b']);
});

test.each([
  ['brokers that do not know it', { version: '4.4' }, 'UNSUPPORTED_VERSION', 'cannot be spoken with'],
  ['brokers before it', { version: '3.9' }, 'UNSUPPORTED_VERSION', 'cannot be spoken with'],
])('KIP-939: %s are an error at the first begin', async (_name, { version }, code, text) => {
  await using t = await startTransactional(version, { transactionTwoPhaseCommit: true });
  const error = await transactionError(t.run(t.producer.begin()));
  expect(error).toMatchObject({ code, outcome: 'none', retriable: false });
  expect(error.message).toContain(text);
});

test('KIP-939: options that contradict each other are refused', () => {
  const make = (options: object) => () =>
    createProducer({ brokers: 'a:1', transactionTwoPhaseCommit: true, ...options });
  expect(make({})).toThrow('transactionTwoPhaseCommit');
  expect(make({ transactionalId: 'a', transactionTimeoutMs: 5 })).toThrow('transactionTimeoutMs');
});
