import {
  InitProducerIdRequest,
  InitProducerIdResponse,
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
  ProduceRequest,
  ProduceResponse,
} from '@kiel/codec';
import { joined, made, oldSet, type Shape } from './batches.ts';
import { Steps } from './steps.ts';

/** Batches good and bad, sequences, reading, offsets, deletion. */
export class RecordScript extends Steps {
  async run(): Promise<void> {
    await this.produceOddities();
    await this.produceVersions();
    await this.idempotence();
    await this.fetches();
    await this.offsets();
    await this.deletedRecords();
  }

  async produceVersions(): Promise<void> {
    for (let version = this.newest.oldestProduce; version <= this.newest.produce; version++) {
      if (version < 3) {
        const magic = version < 2 ? 0 : 1;
        await this.produce('an old set', 'main', oldSet(magic, ['a', 'b']), { version });
        for (const codec of ['gzip', 'snappy', 'lz4'] as const) {
          if (magic === 0 && codec === 'lz4') continue; // another header checksum, another story
          await this.produce(`an old set in ${codec}`, 'main', oldSet(magic, ['a', 'b', 'c'], codec), { version });
        }
        const damaged = oldSet(magic, ['a']);
        damaged[damaged.length - 1]! ^= 1;
        await this.produce('a damaged old set', 'main', damaged, { version });
        await this.produce('nothing', 'main', new Uint8Array(0), { version });
        await this.produce('a new batch', 'main', made(), { version });
        continue;
      }
      await this.produce('a batch', 'main', made({ values: ['a', 'b', 'c'] }), { version });
      await this.produce('acks 1', 'main', made(), { version, acks: 1 });
      await this.produce('acks 0', 'main', made(), { version, acks: 0 });
      await this.produce('acks 2', 'main', made(), { version, acks: 2 });
      for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
        await this.produce(`a batch in ${compression}`, 'main', made({ compression, values: ['x', 'y'] }), {
          version,
        });
      }
      await this.produce('an unknown topic', 'nowhere', made(), { version });
      await this.produce('an unknown partition', 'main', made(), { version, partition: 9 });
      await this.produce('a stamped topic', 'stamped', made({ timestampMs: 5 }), { version });
      await this.produce('too few replicas', 'strict', made(), { version });
      await this.produce('too few replicas and acks 1', 'strict', made(), { version, acks: 1 });
      await this.produce('no key for a compacted topic', 'compact', made({ values: ['a', 'b'], keys: ['k', null] }), {
        version,
      });
      await this.produce('too large', 'small', made({ values: ['x'.repeat(1_000)] }), { version });
      await this.produce(
        'a wrong checksum',
        'main',
        made({ damage: (b) => put(b, b.length - 1, (b.at(-1) ?? 0) ^ 1) }),
        {
          version,
        },
      );
    }
  }

  async produceOddities(): Promise<void> {
    const odd: Record<string, Uint8Array> = {
      'no bytes': new Uint8Array(0),
      'one byte': new Uint8Array(1),
      'sixteen bytes': new Uint8Array(16),
      'an old message': oldSet(1, ['a']),
      'a message of magic 0': oldSet(0, ['a']),
      'two batches': joined(made(), made({ baseOffset: 1n })),
      'a batch and half of one': joined(made(), made().subarray(0, 40)),
      'a batch and a byte': joined(made(), new Uint8Array(1)),
      'half a batch': made({ values: ['x'.repeat(100)] }).subarray(0, 90),
      'a length of 0': made({ damage: (_, v) => v.setInt32(8, 0) }),
      'a negative length': made({ damage: (_, v) => v.setInt32(8, -1) }),
      'a length of 20': made({ damage: (_, v) => v.setInt32(8, 20) }),
      'magic 3': made({ damage: (b) => put(b, 16, 3) }),
      'magic -1': made({ damage: (b) => put(b, 16, 255) }),
      'base offset 7': made({ baseOffset: 7n }),
      'a leader epoch': made({ partitionLeaderEpoch: 3 }),
      'count 0': made({ patch: (_, v) => v.setInt32(57, 0) }),
      'count -1': made({ patch: (_, v) => v.setInt32(57, -1) }),
      'count and delta too high': made({ patch: (_, v) => counts(v, 2, 1) }),
      'count and delta too low': made({ values: ['a', 'b'], patch: (_, v) => counts(v, 1, 0) }),
      'delta too high': made({ patch: (_, v) => v.setInt32(23, 5) }),
      'delta -1': made({ patch: (_, v) => v.setInt32(23, -1) }),
      'bytes behind the records': made({ tail: 3 }),
      'a record size too large': made({ patch: (b) => put(b, 61, 0x7e) }),
      'a record size too small': made({ patch: (b) => put(b, 61, 0x08) }),
      'a negative record size': made({ patch: (b) => put(b, 61, 0x01) }),
      'a key size too large': made({ patch: (b) => put(b, 65, 0x7e) }),
      'a header count too large': made({ patch: (b) => put(b, b.length - 1, 0x7e) }),
      'a negative header count': made({ patch: (b) => put(b, b.length - 1, 0x01) }),
      'gzip that is none': made({ patch: (_, v) => v.setInt16(21, 1) }),
      'snappy that is none': made({ patch: (_, v) => v.setInt16(21, 2) }),
      'lz4 that is none': made({ patch: (_, v) => v.setInt16(21, 3) }),
      'zstd that is none': made({ patch: (_, v) => v.setInt16(21, 4) }),
      'compression 5': made({ patch: (_, v) => v.setInt16(21, 5) }),
      'compression 7': made({ patch: (_, v) => v.setInt16(21, 7) }),
      'a control batch': made({ control: true }),
      'a transactional batch without id': made({
        transactional: true,
        producerId: 5n,
        producerEpoch: 0,
        baseSequence: 0,
      }),
      'log append time from a client': made({ patch: (_, v) => v.setInt16(21, 8) }),
      'an unknown attribute': made({ patch: (_, v) => v.setInt16(21, 0x80) }),
      'a wrong max timestamp': made({ patch: (_, v) => v.setBigInt64(35, 12n) }),
      'a timestamp of -1': made({ timestampMs: -1 }),
      'a timestamp of long ago': made({ timestampMs: 1_000 }),
      'a timestamp two hours ahead': made({ timestampMs: Date.now() + 7_200_000 }),
      'a producer without sequence': made({ producerId: 77n, producerEpoch: 0, baseSequence: -1 }),
      'a sequence without producer': made({ baseSequence: 4 }),
      'many records': made({ values: Array.from({ length: 500 }, (_, i) => `${i}`) }),
      'gzip with too few records': made({
        compression: 'gzip',
        patch: (_, v) => counts(v, 2, 1),
      }),
      'gzip with too many records': made({
        compression: 'gzip',
        values: ['a', 'b'],
        patch: (_, v) => counts(v, 1, 0),
      }),
    };
    for (const [what, records] of Object.entries(odd)) await this.produce(`oddity: ${what}`, 'other', records);
    for (const [what, records] of Object.entries(odd)) {
      if (what.includes('transactional')) continue;
      await this.produce(`oddity in v3: ${what}`, 'other', records, { version: 3 });
    }
    await this.produce('to a bad name', ' ', made());
    await this.produce('to partition -1', 'main', made(), { partition: -1 });
    const twice = { index: 0, records: made() };
    const body = {
      acks: -1,
      timeoutMs: 1_000,
      topicData: [{ name: this.name('other'), partitionData: [{ ...twice, index: 3 }, twice] }],
    };
    await this.target.ask('two partitions, one unknown', ProduceRequest, ProduceResponse, 9, body);
    await this.fetch('what remained of the oddities', 'other', 0n, { maxBytes: 1 });
  }

  async idempotence(): Promise<void> {
    for (const version of [0, 1, 2, 3, 4]) {
      await this.target.ask('a producer id', InitProducerIdRequest, InitProducerIdResponse, version, {
        transactionalId: null,
        transactionTimeoutMs: 1_000,
      });
    }
    const oddIds = { producerId: 5n, producerEpoch: -1 };
    const asked = { transactionalId: null, transactionTimeoutMs: 1_000, ...oddIds };
    await this.target.ask('an id without epoch', InitProducerIdRequest, InitProducerIdResponse, 4, asked);
    const known = { transactionalId: null, transactionTimeoutMs: 1_000, producerId: 5n, producerEpoch: 3 };
    await this.target.ask('a bump without transactional id', InitProducerIdRequest, InitProducerIdResponse, 4, known);
    const who = await this.newProducer();
    const send = (step: string, baseSequence: number, over: Shape = {}) =>
      this.produce(`idempotent: ${step}`, 'main', made({ ...who, baseSequence, ...over }), { partition: 1 });
    for (let i = 0; i < 7; i++) await send(`sequence ${i}`, i);
    for (const i of [6, 5, 4, 3, 2, 1, 0]) await send(`sequence ${i} again`, i);
    await send('a gap', 9);
    await send('next', 7);
    await send('three records', 8, { values: ['a', 'b', 'c'] });
    await send('three again', 8, { values: ['a', 'b', 'c'] });
    await send('the first two of them', 8, { values: ['a', 'b'] });
    await send('the last one of them', 10);
    await send('an older epoch', 11, { producerEpoch: -2 });
    await send('a newer epoch, not from 0', 11, { producerEpoch: 1 });
    await send('a newer epoch from 0', 0, { producerEpoch: 1 });
    await send('the older epoch after it', 11, { producerEpoch: 0 });
    await send('an old duplicate of the older epoch', 8, { producerEpoch: 0, values: ['a', 'b', 'c'] });
    await send('the newer epoch again', 0, { producerEpoch: 1 });
    await send('the newer epoch goes on', 1, { producerEpoch: 1 });
    await send('a jump of epochs', 0, { producerEpoch: 9 });
    const stranger = await this.newProducer();
    const far = (step: string, baseSequence: number, over: Shape = {}) =>
      this.produce(`wrap: ${step}`, 'main', made({ ...stranger, baseSequence, ...over }), { partition: 1 });
    await far('begins at the end', 0x7fff_fffd);
    await far('goes over it', 0x7fff_fffe, { values: ['a', 'b', 'c'] });
    await far('the same again', 0x7fff_fffe, { values: ['a', 'b', 'c'] });
    await far('1 is next', 1);
    await far('3 is not', 3);
    const exact = await this.newProducer();
    await this.produce('wrap: ends with the last', 'main', made({ ...exact, baseSequence: 0x7fff_ffff }), {
      partition: 1,
    });
    await this.produce('wrap: 0 follows', 'main', made({ ...exact, baseSequence: 0 }), { partition: 1 });
    await this.produce('wrap: 0 again', 'main', made({ ...exact, baseSequence: 0 }), { partition: 1 });
    const stamped = await this.newProducer();
    await this.produce('stamped and idempotent', 'stamped', made({ ...stamped, baseSequence: 0 }));
    await this.produce('stamped and idempotent again', 'stamped', made({ ...stamped, baseSequence: 0 }));
    await this.produce('another partition has its own sequences', 'main', made({ ...exact, baseSequence: 44 }));
    await this.produce('lz4 and idempotent', 'main', made({ ...exact, baseSequence: 45, compression: 'lz4' }));
    await this.produce('lz4 and idempotent again', 'main', made({ ...exact, baseSequence: 45, compression: 'lz4' }));
  }

  async fetches(): Promise<void> {
    const { oldestFetch, fetch } = this.newest;
    for (let version = Math.max(4, oldestFetch); version <= fetch; version++) {
      await this.fetch('fetch from 0', 'main', 0n, { version, partition: 1 });
      await this.fetch('fetch from 3', 'main', 3n, { version, partition: 1 });
      await this.fetch('fetch at most 1 byte', 'main', 0n, { version, partition: 1, maxBytes: 1 });
      await this.fetch('fetch beyond the end', 'main', 9_999n, { version });
      await this.fetch('fetch at -1', 'main', -1n, { version });
      await this.fetch('fetch an unknown topic', 'nowhere', 0n, { version });
      await this.fetch('fetch an unknown partition', 'main', 0n, { version, partition: 8 });
      if (version >= 7)
        await this.fetch('fetch with a stale session', 'main', 0n, { version, session: 99, sessionEpoch: 4 });
      if (version >= 9) {
        await this.fetch('fetch with epoch 0', 'main', 0n, { version, epoch: 0 });
        await this.fetch('fetch with epoch 7', 'main', 0n, { version, epoch: 7 });
      }
    }
  }

  async offsets(): Promise<void> {
    for (let version = Math.max(1, this.newest.oldestListOffsets); version <= this.newest.listOffsets; version++) {
      for (const timestamp of [-1n, -2n, 0n, 1_000n, 99_999_999_999_999n]) {
        await this.listOffsets(`offset at ${timestamp}`, 'main', timestamp, { version, partition: 1 });
      }
      if (version >= 8) await this.listOffsets('local offset', 'main', -4n, { version, partition: 1 });
      await this.listOffsets('offset of an unknown topic', 'nowhere', -1n, { version });
      await this.listOffsets('offset of an unknown partition', 'main', -1n, { version, partition: 6 });
      if (version >= 4) {
        await this.listOffsets('offset with epoch 0', 'main', -1n, { version, epoch: 0 });
        await this.listOffsets('offset with epoch 5', 'main', -1n, { version, epoch: 5 });
      }
    }
    const base = Date.now() - 100_000;
    for (const after of [10, 40, 20, 40, 30]) {
      await this.produce('timed', 'timed', made({ values: ['a', 'b'], timestampMs: base + after }));
    }
    await this.listOffsets('offset of the latest time', 'timed', -3n);
    for (const after of [0, 10, 11, 20, 35, 40, 41]) {
      await this.listOffsets(`offset at ${after} ms`, 'timed', BigInt(base + after));
    }
    await this.listOffsets('offset in an empty topic', 'deletable', -1n);
    await this.listOffsets('offset by time in an empty topic', 'deletable', 5n);
    for (const version of [2, 3, 4]) {
      for (const leaderEpoch of [0, 3, -1]) {
        const partitions = [
          { partition: 0, leaderEpoch },
          { partition: 5, leaderEpoch },
        ];
        const body = { topics: [{ topic: this.name('main'), partitions }] };
        await this.target.ask(
          `end of epoch ${leaderEpoch}`,
          OffsetForLeaderEpochRequest,
          OffsetForLeaderEpochResponse,
          version,
          body,
        );
      }
    }
  }

  async deletedRecords(): Promise<void> {
    const who = await this.newProducer();
    for (let i = 0; i < 5; i++) await this.produce('to be deleted', 'deletable', made({ ...who, baseSequence: i }));
    await this.deleteRecords('delete beyond the end', 'deletable', 50n);
    await this.deleteRecords('delete at -2', 'deletable', -2n);
    await this.deleteRecords('delete three', 'deletable', 3n);
    await this.deleteRecords('delete less', 'deletable', 1n);
    await this.fetch('fetch what is deleted', 'deletable', 1n);
    await this.fetch('fetch what is left', 'deletable', 3n);
    await this.listOffsets('start after deletion', 'deletable', -2n);
    await this.produce('a duplicate of the deleted', 'deletable', made({ ...who, baseSequence: 1 }));
    await this.deleteRecords('delete all', 'deletable', -1n);
    await this.produce('next after deletion', 'deletable', made({ ...who, baseSequence: 5 }));
    await this.produce('a gap after deletion', 'deletable', made({ ...who, baseSequence: 8 }));
    await this.deleteRecords('delete in an unknown topic', 'nowhere', 0n);
    await this.deleteRecords('delete in an unknown partition', 'deletable', 0n, 4);
  }
}

function put(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
}

/** Says how many records there are, and the offset of the last. */
function counts(view: DataView, count: number, lastOffsetDelta: number): void {
  view.setInt32(57, count);
  view.setInt32(23, lastOffsetDelta);
}
