import { EndTxnRequest, EndTxnResponse } from '@kiel/codec';
import { expect, test } from 'vitest';
import { TestClient } from '../../../mock-cluster/test/client.ts';
import { coordinatorTreatmentOf } from '../../src/index.ts';
import { bothVersions, startTransactional, transactionError } from './start-transactional.ts';

const one = (t: Awaited<ReturnType<typeof startTransactional>>, value: string) =>
  t.producer.transaction((tx) => tx.produce('orders', value, { partition: 0 }));

test('P31: a lone producer gets through a coordinator that is busy, without fencing itself', async () => {
  await using t = await startTransactional();
  t.mock.on('InitProducerId', { times: 2, then: 'error CONCURRENT_TRANSACTIONS' });
  await t.run(one(t, 'a'));
  expect(t.apis('InitProducerId').length).toBe(3);
  expect(t.seen()).toEqual(['a']);
});

test.each(bothVersions)(
  '%s, P31: a lost answer to InitProducerId is asked for again as who it was',
  async (version) => {
    await using t = await startTransactional(version, { requestTimeoutMs: 2_000 });
    await t.run(one(t, 'a'));
    // A transaction that needs a new epoch after it
    t.mock.on('Produce', { times: 1, then: 'error OUT_OF_ORDER_SEQUENCE_NUMBER' });
    t.mock.on('InitProducerId', { times: 1, then: 'append-then-drop-reply' });
    await expect(t.run(one(t, 'b'))).rejects.toMatchObject({ code: 'OUT_OF_ORDER_SEQUENCE_NUMBER' });
    await t.run(one(t, 'c'));
    const asked = t.mock.requests({ api: 'InitProducerId' }).map(({ request }) => {
      const { producerId, producerEpoch } = request as { producerId: bigint; producerEpoch: number };
      return producerId < 0n ? 'anew' : `epoch ${producerEpoch}`;
    });
    expect(asked).toEqual(version === '3.9' ? ['anew', 'epoch 0', 'epoch 0'] : ['anew']);
    expect(t.seen()).toEqual(['a', 'c']);
  },
);

test('P31: an abort right after the first record waits for what is out, and ends the transaction once', async () => {
  await using t = await startTransactional('3.9');
  await t.run(one(t, 'warm'));
  t.mock.forgetRequests();
  t.mock.on('AddPartitionsToTxn', { then: 'delay 500 ms' });
  await t.run(t.producer.begin());
  t.producer.produce('orders', 'a').catch(() => {});
  await t.mock.clock.advance(50);
  await t.run(t.producer.abort());
  expect(t.apis().filter((api) => api !== 'ApiVersions')).toEqual(['AddPartitionsToTxn', 'EndTxn']);
  expect(t.state()).toBe('ready');
  await t.run(one(t, 'b'));
  expect(t.seen()).toEqual(['warm', 'b']);
});

test.each(bothVersions)('%s, P31: an abort waits for records that are still out', async (version) => {
  await using t = await startTransactional(version);
  await t.run(one(t, 'warm'));
  t.mock.on('Produce', { times: 1, then: 'delay 700 ms' });
  await t.run(t.producer.begin());
  t.producer.produce('orders', 'late', { partition: 0 }).catch(() => {});
  await t.mock.clock.advance(100);
  await t.run(t.producer.abort());
  await t.mock.clock.advance(2_000);
  await t.run(one(t, 'b'));
  expect(t.mock.log('orders', 0).map(({ value, transaction }) => `${value} ${transaction}`)).toEqual([
    'warm committed',
    'late aborted',
    'b committed',
  ]);
});

const fencing = [
  ['EndTxn', 'INVALID_PRODUCER_ID_MAPPING'],
  ['EndTxn', 'PRODUCER_FENCED'],
  ['EndTxn', 'INVALID_PRODUCER_EPOCH'],
  ['AddPartitionsToTxn', 'INVALID_PRODUCER_ID_MAPPING'],
  ['AddPartitionsToTxn', 'PRODUCER_FENCED'],
  ['AddPartitionsToTxn', 'INVALID_PRODUCER_EPOCH'],
  ['AddOffsetsToTxn', 'INVALID_PRODUCER_ID_MAPPING'],
  ['AddOffsetsToTxn', 'PRODUCER_FENCED'],
  ['AddOffsetsToTxn', 'INVALID_PRODUCER_EPOCH'],
  ['TxnOffsetCommit', 'INVALID_PRODUCER_ID_MAPPING'],
  ['TxnOffsetCommit', 'INVALID_PRODUCER_EPOCH'],
  ['TxnOffsetCommit', 'PRODUCER_FENCED'],
  ['Produce', 'PRODUCER_FENCED'],
] as const;

test.each(fencing)('P33: %s answered with %s is the end of this producer', async (api, code) => {
  await using t = await startTransactional('3.9');
  t.mock.on(api, { then: `error ${code}` as never });
  const attempt = t.producer.transaction(async (tx) => {
    tx.produce('orders', 'a');
    await tx.sendOffsets([{ topic: 'audit', partition: 0, offset: 1 }], 'readers');
  });
  await expect(t.run(attempt)).rejects.toMatchObject({ retriable: false });
  const error = await transactionError(t.producer.begin());
  expect(error).toMatchObject({ code, outcome: 'aborted', retriable: false });
  expect(t.seen()).toEqual([]);
});

test('P33: a coordinator that is busy twenty times over is waited for, soon and not hotly', async () => {
  await using t = await startTransactional('3.9');
  await t.run(one(t, 'warm'));
  t.mock.on('AddPartitionsToTxn', { times: 10, then: 'error CONCURRENT_TRANSACTIONS' });
  t.mock.on('AddPartitionsToTxn', { after: 10, times: 1, then: 'move-coordinator' });
  t.mock.on('AddPartitionsToTxn', { after: 11, times: 10, then: 'error CONCURRENT_TRANSACTIONS' });
  t.mock.forgetRequests();
  const before = t.mock.clock.now();
  await t.run(one(t, 'a'));
  // Twenty times busy, once at a broker that is coordinator no more, and once answered
  expect(t.apis('AddPartitionsToTxn').length).toBe(22);
  expect(t.mock.clock.now() - before).toBeGreaterThan(400);
  expect(t.mock.clock.now() - before).toBeLessThan(4_000);
});

test.each(['COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR'])(
  'P33: %s is passing, on every request',
  async (code) => {
    await using t = await startTransactional('3.9');
    for (const api of ['InitProducerId', 'AddPartitionsToTxn', 'AddOffsetsToTxn', 'TxnOffsetCommit', 'EndTxn']) {
      t.mock.on(api, { times: 2, then: `error ${code}` as never });
    }
    await t.run(
      t.producer.transaction(async (tx) => {
        tx.produce('orders', 'a');
        await tx.sendOffsets([{ topic: 'audit', partition: 0, offset: 1 }], 'readers');
      }),
    );
    expect(t.seen()).toEqual(['a']);
    expect(t.mock.committed('readers', 'audit', 0)).toBe(1n);
  },
);

test.each(bothVersions)('%s, 28: coordinators that move are followed', async (version) => {
  await using t = await startTransactional(version);
  await t.run(one(t, 'a'));
  for (const value of ['b', 'c', 'd']) {
    t.mock.moveCoordinator('till');
    t.mock.moveCoordinator('readers');
    await t.run(
      t.producer.transaction(async (tx) => {
        tx.produce('orders', value, { partition: 0 });
        await tx.sendOffsets([{ topic: 'audit', partition: 0, offset: 1 }], 'readers');
        t.mock.moveCoordinator('till');
      }),
    );
  }
  expect(t.seen()).toEqual(['a', 'b', 'c', 'd']);
});

test.each(bothVersions)('%s, 28: an abort after TRANSACTION_ABORTABLE, and the next is well', async (version) => {
  await using t = await startTransactional(version);
  t.mock.on('EndTxn', { times: 1, then: 'error TRANSACTION_ABORTABLE' });
  const error = await transactionError(t.run(one(t, 'a')));
  expect(error).toMatchObject({ code: 'TRANSACTION_FAILED', retriable: true });
  await t.run(one(t, 'b'));
  expect(t.seen()).toEqual(['b']);
});

test('28: an abort that is answered with TRANSACTION_ABORTABLE is made by a new epoch', async () => {
  await using t = await startTransactional('4.4');
  await t.run(t.producer.begin());
  await t.run(t.producer.produce('orders', 'a'));
  t.mock.on('EndTxn', { times: 1, then: 'error TRANSACTION_ABORTABLE' });
  await t.run(t.producer.abort());
  await t.run(one(t, 'b'));
  expect(t.seen()).toEqual(['b']);
  expect(t.apis('InitProducerId').length).toBeGreaterThan(1);
});

test.each(bothVersions)('%s, 28: a commit without answer is unknown until there is one', async (version) => {
  await using t = await startTransactional(version, { maxBlockMs: 3_000, requestTimeoutMs: 1_000 });
  await t.run(one(t, 'a'));
  const rule = t.mock.on('EndTxn', { then: 'append-then-mute' });
  await t.run(t.producer.begin());
  t.producer.produce('orders', 'b', { partition: 0 }).catch(() => {});
  const before = t.mock.clock.now();
  const error = await transactionError(t.run(t.producer.commit()));
  expect(error).toMatchObject({ code: 'TRANSACTION_OUTCOME_UNKNOWN', outcome: 'unknown', retriable: true });
  expect(t.mock.clock.now() - before).toBeLessThan(3_500);
  expect((await transactionError(t.producer.begin())).code).toBe('TRANSACTION_OUTCOME_UNKNOWN');
  expect((await transactionError(t.producer.abort())).code).toBe('TRANSACTION_OUTCOME_UNKNOWN');
  rule.remove();
  await t.run(t.producer.commit());
  expect(t.seen()).toEqual(['a', 'b']);
  await t.run(one(t, 'c'));
  expect(t.seen()).toEqual(['a', 'b', 'c']);
});

test.each(bothVersions)('%s, 28: an EndTxn that comes late does not end a later transaction', async (version) => {
  await using t = await startTransactional(version, { requestTimeoutMs: 1_000 });
  await t.run(one(t, 'a'));
  t.mock.on('EndTxn', { times: 1, then: 'append-then-drop-reply' });
  await t.run(one(t, 'b'));
  await t.run(t.producer.begin());
  await t.run(t.producer.produce('orders', 'c', { partition: 0 }));
  // The network gives the request out once more, when nobody thinks of it any longer
  const { version: spoken, request } = t.mock.requests({ api: 'EndTxn' })[1]!;
  const ports = t.mock.inMemory();
  const client = await t.run(TestClient.memory(ports, ports.brokers[t.mock.coordinator('till') - 1]));
  const late = await t.run(client.call(EndTxnRequest, EndTxnResponse, spoken, request as EndTxnRequest));
  expect([47, 90]).toContain(late.errorCode);
  expect(t.seen()).toEqual(['a', 'b']);
  await t.run(t.producer.abort());
  expect(t.seen()).toEqual(['a', 'b']);
});

test.each(bothVersions)(
  '%s, 28: an EndTxn that a broker handles late does not end a later transaction',
  async (version) => {
    await using t = await startTransactional(version, { requestTimeoutMs: 1_000 });
    await t.run(one(t, 'a'));
    t.mock.on('EndTxn', { times: 1, then: 'delay 5000 ms' });
    await t.run(one(t, 'b'));
    await t.run(t.producer.begin());
    await t.run(t.producer.produce('orders', 'c', { partition: 0 }));
    await t.mock.clock.advance(6_000);
    expect(t.seen()).toEqual(['a', 'b']);
    await t.run(t.producer.abort());
    expect(t.seen()).toEqual(['a', 'b']);
  },
);

test('28: an abort without answer is asked for again by the next transaction', async () => {
  await using t = await startTransactional('4.4', { maxBlockMs: 2_000, requestTimeoutMs: 1_000 });
  await t.run(t.producer.begin());
  await t.run(t.producer.produce('orders', 'a'));
  const rule = t.mock.on('EndTxn', { then: 'mute' });
  expect(await transactionError(t.run(t.producer.abort()))).toMatchObject({
    code: 'COORDINATOR_TIMEOUT',
    outcome: 'aborted',
  });
  expect((await transactionError(t.run(t.producer.begin()))).code).toBe('COORDINATOR_TIMEOUT');
  rule.remove();
  const again = t.producer.abort();
  await t.run(again);
  await t.run(one(t, 'b'));
  expect(t.seen()).toEqual(['b']);
});

test('a first contact that gets no answer ends by maxBlockMs, and works when there is one', async () => {
  await using t = await startTransactional('4.4', { maxBlockMs: 3_000 });
  const rule = t.mock.on('InitProducerId', { then: 'error COORDINATOR_NOT_AVAILABLE' });
  const before = t.mock.clock.now();
  const error = await transactionError(t.run(t.producer.begin()));
  expect(error).toMatchObject({ code: 'COORDINATOR_TIMEOUT', outcome: 'none', retriable: true });
  expect(t.mock.clock.now() - before).toBeLessThan(3_500);
  rule.remove();
  await t.run(one(t, 'a'));
  expect(t.seen()).toEqual(['a']);
});

test('a commit that could not even be asked for can still be aborted', async () => {
  await using t = await startTransactional('4.4', { maxBlockMs: 2_000, requestTimeoutMs: 1_000 });
  await t.run(t.producer.begin());
  await t.run(t.producer.produce('orders', 'a', { partition: 0 }));
  const rules = [
    t.mock.on('EndTxn', { then: 'error NOT_COORDINATOR' }),
    t.mock.on('FindCoordinator', { then: 'error COORDINATOR_NOT_AVAILABLE' }),
  ];
  const error = await transactionError(t.run(t.producer.commit()));
  expect(error).toMatchObject({ code: 'TRANSACTION_FAILED', outcome: 'open' });
  for (const rule of rules) rule.remove();
  await t.run(t.producer.abort());
  expect(t.seen()).toEqual([]);
});

test('what to do about a record that is too large stands in the error of commit() once, in whole sentences', async () => {
  await using t = await startTransactional();
  const tx = await t.run(t.producer.begin());
  tx.produce('orders', 'a'.repeat(2_000_000)).catch(() => {});
  const error = await transactionError(t.run(t.producer.commit()));
  expect(error.message).toMatch(/max\.message\.bytes\. Call abort\(\), then begin again\.$/);
  await t.run(t.producer.abort());
});

test('offsets that got no answer let the transaction be aborted alone', async () => {
  await using t = await startTransactional('4.4', { maxBlockMs: 2_000, requestTimeoutMs: 1_000 });
  const rule = t.mock.on('TxnOffsetCommit', { then: 'mute' });
  const tx = await t.run(t.producer.begin());
  const error = await transactionError(t.run(tx.sendOffsets([{ topic: 'audit', partition: 0, offset: 1 }], 'readers')));
  expect(error.code).toBe('TRANSACTION_FAILED');
  rule.remove();
  await t.run(t.producer.abort());
  await t.run(one(t, 'a'));
  expect(t.mock.committed('readers', 'audit', 0)).toBe(null);
});

test('a user without rights to the transactional id is told so at once', async () => {
  await using t = await startTransactional();
  t.mock.on('FindCoordinator', { then: 'error TRANSACTIONAL_ID_AUTHORIZATION_FAILED' });
  const error = await transactionError(t.run(t.producer.begin()));
  expect(error).toMatchObject({ code: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED', outcome: 'none', retriable: false });
  expect(error.hint).toContain('Give this user the rights Describe and Write on the transactional id "till"');
});

test('every error code of a coordinator has a treatment, and none that is unknown is repeated for ever', () => {
  expect([47, 48, 49, 50, 53, 90].map(coordinatorTreatmentOf)).toEqual(Array(6).fill('fatal'));
  expect([120, 30, 22, 25].map(coordinatorTreatmentOf)).toEqual(Array(4).fill('abortable'));
  expect([15, 16].map(coordinatorTreatmentOf)).toEqual(['rediscover', 'rediscover']);
  expect([51, 14, 3, 7].map(coordinatorTreatmentOf)).toEqual(['wait', 'retry', 'retry', 'retry']);
  expect(coordinatorTreatmentOf(-1)).toBe('unexpected');
  expect(coordinatorTreatmentOf(999)).toBe('unexpected');
});
