import {
  AddOffsetsToTxnRequest,
  AddOffsetsToTxnResponse,
  OffsetFetchRequest,
  OffsetFetchResponse,
  TxnOffsetCommitRequest,
  TxnOffsetCommitResponse,
} from '@kiel/codec';
import { made } from './batches.ts';
import { type ProduceOptions, Steps, type Who } from './steps.ts';

/** Transactions in each order, of both versions of the protocol. */
export class TransactionScript extends Steps {
  async run(): Promise<void> {
    await this.transactionsOfOld();
    if (this.newest.produce >= 12) await this.transactionsOfNow();
  }

  async transactionsOfOld(): Promise<void> {
    const id = 'old-tx';
    for (const timeoutMs of [0, -1, 900_001]) await this.init(`timeout ${timeoutMs}`, id, { timeoutMs });
    await this.init('empty id', '');
    const a = await this.init('first', id);
    const send = (step: string, who: Who, baseSequence: number, options: ProduceOptions & { plain?: boolean } = {}) =>
      this.produce(
        `transactional: ${step}`,
        'tx',
        made({ ...who, baseSequence, transactional: options.plain !== true }),
        { transactionalId: this.name(id), ...options },
      );
    await send('without being added', a, 0);
    await send('without being added, v10', a, 0, { version: 10 });
    await this.add('an unknown topic', id, a, { nowhere: [0] });
    await this.add('a known and an unknown topic', id, a, { nowhere: [0], tx: [0] });
    await this.add('an unknown id', 'nobody', a, { tx: [0] });
    await this.add('another producer', id, { ...a, producerId: a.producerId + 1_000n }, { tx: [0] });
    for (const version of [0, 1, 2, 3]) {
      await this.add('a later epoch', id, { ...a, producerEpoch: 5 }, { tx: [0] }, version);
      await this.end('a later epoch', id, { ...a, producerEpoch: 5 }, true, version);
    }
    await this.end('commit of nothing', id, a, true);
    await this.end('abort of nothing', id, a, false);
    await this.add('one partition', id, a, { tx: [0] });
    await send('added', a, 0);
    await send('added, again', a, 0);
    await send('the other partition', a, 0, { partition: 1 });
    await send('plain in a transaction', a, 1, { plain: true });
    await send('an older epoch', { ...a, producerEpoch: -1 }, 1);
    await send('next', a, 1);
    await this.listOffsets('stable end while open', 'tx', -1n, { isolation: 1 });
    await this.fetch('committed while open', 'tx', 0n, { isolation: 1 });
    await this.fetch('uncommitted while open', 'tx', 0n);
    await this.end('another producer', id, { ...a, producerId: a.producerId + 1_000n }, true);
    await this.end('an unknown id', 'nobody', a, true);
    await this.end('commit', id, a, true);
    await this.end('commit again', id, a, true);
    await this.end('abort after commit', id, a, false);
    await this.fetch('committed after commit', 'tx', 0n, { isolation: 1 });
    await send('after the commit, not added', a, 2);
    await this.add('both', id, a, { tx: [0, 1] });
    await this.add('both again', id, a, { tx: [0, 1] });
    await send('second transaction', a, 2);
    await send('second transaction, other partition', a, 0, { partition: 1 });
    await send('second transaction, a gap', a, 5, { partition: 1 });
    await this.end('abort', id, a, false);
    await this.end('abort again', id, a, false);
    await this.end('commit after abort', id, a, true);
    for (const version of [4, 5, 11, 12]) {
      await this.fetch('committed after abort', 'tx', 0n, { isolation: 1, version });
      await this.fetch('committed after abort, from the middle', 'tx', 3n, { isolation: 1, version });
      await this.fetch('committed after abort, other partition', 'tx', 0n, { isolation: 1, partition: 1, version });
    }
    await this.add('third', id, a, { tx: [0] });
    await send('third transaction', a, 3);
    const b = await this.init('while one is open', id);
    await this.settled();
    await send('from the fenced one', a, 4);
    await this.add('by the fenced one', id, a, { tx: [0] });
    await this.end('by the fenced one', id, a, true);
    await this.init('of the fenced one', id, a);
    await this.init('of the fenced one, v3', id, { ...a, version: 3 });
    const c = await this.init('of the present one', id, b);
    await this.init('of the present one, again', id, b);
    await this.init('of somebody', id, { producerId: 123_456n, producerEpoch: 0 });
    await this.add('fourth', id, c, { tx: [0] });
    await send('fourth transaction, not from 0', c, 7);
    await send('fourth transaction', c, 0);
    await this.end('fourth', id, c, true);
    await this.offsetsInTransaction(c, id);
    const noId = made({ ...c, baseSequence: 1, transactional: true });
    await this.produce('transactional batch, no id', 'tx', noId);
    await this.produce('transactional batch, another id', 'tx', noId, { transactionalId: this.name('stranger') });
  }

  async offsetsInTransaction(who: Who, id: string): Promise<void> {
    const group = this.name('group');
    const commit = (step: string, committedOffset: bigint, over: object = {}) =>
      this.target.ask(`offsets in a transaction: ${step}`, TxnOffsetCommitRequest, TxnOffsetCommitResponse, 3, {
        transactionalId: this.name(id),
        groupId: group,
        ...who,
        topics: [
          { name: this.name('tx'), partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: 'm' }] },
        ],
        ...over,
      });
    const fetch = (step: string, requireStable: boolean) =>
      this.target.ask(`offsets: ${step}`, OffsetFetchRequest, OffsetFetchResponse, 7, {
        groupId: group,
        topics: [{ name: this.name('tx'), partitionIndexes: [0, 1] }],
        requireStable,
      });
    await fetch('before', true);
    await commit('without the group', 5n);
    const add = (step: string, over: object = {}) =>
      this.target.ask(`add offsets: ${step}`, AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, 3, {
        transactionalId: this.name(id),
        ...who,
        groupId: group,
        ...over,
      });
    await add('a later epoch', { producerEpoch: 77 });
    await add('another producer', { producerId: 99_999n });
    await add('good');
    await commit('good', 5n);
    await commit('an older epoch', 6n, { producerEpoch: 0 });
    await commit('an unknown partition', 5n, {
      topics: [
        { name: this.name('tx'), partitions: [{ partitionIndex: 9, committedOffset: 1n, committedMetadata: '' }] },
      ],
    });
    await fetch('while open, stable wanted', true);
    await fetch('while open', false);
    await this.end('with offsets', id, who, true);
    await fetch('after the commit', true);
    await add('again');
    await commit('to be aborted', 8n);
    await this.end('with offsets, aborted', id, who, false);
    await fetch('after the abort', true);
  }

  async transactionsOfNow(): Promise<void> {
    const id = 'new-tx';
    let who = await this.init('version 5', id, { version: 5 });
    const send = (step: string, baseSequence: number, over: Partial<Who> = {}, version = 12) =>
      this.produce(`implicit: ${step}`, 'tx', made({ ...who, ...over, baseSequence, transactional: true }), {
        transactionalId: this.name(id),
        version,
      });
    await this.end('v5: commit of nothing', id, who, true, 5);
    const first = who;
    who = await this.end('v5: abort of nothing', id, who, false, 5);
    await this.end('v5: abort of nothing, again', id, first, false, 5);
    await send('added by producing', 0);
    await send('added by producing, again', 0);
    await send('in v13', 1, {}, 13);
    await send('an older epoch', 2, { producerEpoch: who.producerEpoch - 1 });
    await send('a later epoch', 0, { producerEpoch: who.producerEpoch + 1 });
    const before = who;
    who = await this.end('v5: commit', id, who, true, 5);
    await this.end('v5: commit again, as a retry', id, before, true, 5);
    await this.end('v5: abort as a retry of a commit', id, before, false, 5);
    await this.end('v5: commit with the new epoch', id, who, true, 5);
    await send('a later sequence first', 4);
    await send('0 first', 0);
    await send('the old epoch after the commit', 2, { producerEpoch: before.producerEpoch });
    const open = who;
    who = await this.end('v5: abort', id, who, false, 5);
    await this.end('v5: abort again, as a retry', id, open, false, 5);
    await this.end('v5: commit as a retry of an abort', id, open, true, 5);
    who = await this.end('v5: abort with the new epoch', id, who, false, 5);
    await send('v11 is not implicit', 0, {}, 11);
    await send('then implicit', 0);
    await this.init('v5: while one is open', id, { version: 5 });
    await this.settled();
    await send('after being fenced', 1);
    await this.end('v5: after being fenced', id, who, true, 5);
    await this.fetch('committed after all of it', 'tx', 0n, { isolation: 1 });
    await this.listOffsets('end after all of it', 'tx', -1n);
  }
}
