import {
  AddOffsetsToTxnRequest,
  AddOffsetsToTxnResponse,
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
  ApiVersionsRequest,
  ApiVersionsResponse,
  CreatePartitionsRequest,
  CreatePartitionsResponse,
  CreateTopicsRequest,
  CreateTopicsResponse,
  DeleteRecordsRequest,
  DeleteRecordsResponse,
  DeleteTopicsRequest,
  DeleteTopicsResponse,
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
  EndTxnRequest,
  EndTxnResponse,
  FetchRequest,
  FetchResponse,
  FindCoordinatorRequest,
  FindCoordinatorResponse,
  InitProducerIdRequest,
  InitProducerIdResponse,
  ListOffsetsRequest,
  ListOffsetsResponse,
  MetadataRequest,
  MetadataResponse,
  OffsetCommitRequest,
  OffsetCommitResponse,
  OffsetFetchRequest,
  OffsetFetchResponse,
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
  ProduceRequest,
  ProduceResponse,
  SaslHandshakeRequest,
  SaslHandshakeResponse,
  TxnOffsetCommitRequest,
  TxnOffsetCommitResponse,
} from '@kiel/codec';
import { joined, made, oldSet, type Shape } from './batches.ts';
import type { Target } from './target.ts';

/** The newest version of each API that both the release and the script know. */
interface Newest {
  readonly produce: number;
  readonly fetch: number;
  readonly metadata: number;
  readonly listOffsets: number;
  readonly apiVersions: number;
  readonly endTxn: number;
  readonly txnOffsetCommit: number;
  readonly offsetCommit: number;
  readonly offsetFetch: number;
  readonly oldestProduce: number;
  readonly oldestFetch: number;
  readonly oldestListOffsets: number;
}

const newest: Readonly<Record<string, Newest>> = {
  '4.4.0': {
    produce: 13,
    fetch: 18,
    metadata: 13,
    listOffsets: 11,
    apiVersions: 5,
    endTxn: 5,
    txnOffsetCommit: 5,
    offsetCommit: 9,
    offsetFetch: 9,
    oldestProduce: 3,
    oldestFetch: 4,
    oldestListOffsets: 1,
  },
  '3.9.2': {
    produce: 11,
    fetch: 17,
    metadata: 12,
    listOffsets: 9,
    apiVersions: 4,
    endTxn: 4,
    txnOffsetCommit: 4,
    offsetCommit: 9,
    offsetFetch: 9,
    oldestProduce: 0,
    oldestFetch: 0,
    oldestListOffsets: 0,
  },
};

interface Who {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/** Plays the whole script to one broker. Topics are named after `prefix`, so that brokers can be shared. */
export async function play(target: Target, prefix: string): Promise<void> {
  await new Script(target, prefix).run();
}

class Script {
  readonly #t: Target;
  readonly #v: Newest;
  readonly #prefix: string;
  readonly #ids = new Map<string, string>();

  constructor(target: Target, prefix: string) {
    this.#t = target;
    this.#prefix = prefix;
    this.#v = newest[target.version]!;
  }

  async run(): Promise<void> {
    await this.#awakenCoordinators();
    await this.#topics();
    await this.#versionsAndMetadata();
    await this.#produceOddities();
    await this.#produceVersions();
    await this.#idempotence();
    await this.#fetches();
    await this.#offsets();
    await this.#deletedRecords();
    await this.#transactionsOfOld();
    if (this.#v.produce >= 12) await this.#transactionsOfNow();
    await this.#groups();
    await this.#admin();
  }

  /** Brokers create their own topics for groups and transactions when somebody looks for a coordinator. */
  async #awakenCoordinators(): Promise<void> {
    for (const keyType of [0, 1]) {
      await this.#t.quietly(FindCoordinatorRequest, FindCoordinatorResponse, 3, { key: this.#name('any'), keyType });
    }
  }

  #name(topic: string): string {
    return `${this.#prefix}-${topic}`;
  }

  async #topics(): Promise<void> {
    await this.#create('main', 2);
    await this.#create('other', 1);
    await this.#create('stamped', 1, { 'message.timestamp.type': 'LogAppendTime' });
    await this.#create('compact', 1, { 'cleanup.policy': 'compact' });
    await this.#create('small', 1, { 'max.message.bytes': '1000' });
    await this.#create('strict', 1, { 'min.insync.replicas': '2' });
    await this.#create('tx', 2);
    await this.#create('deletable', 1);
    await this.#create('timed', 1);
    for (const topic of ['main', 'other', 'stamped', 'compact', 'small', 'strict', 'tx', 'deletable', 'timed']) {
      await this.#waitForPartitions(topic, 1);
      const picture = await this.#t.ask(`describe ${topic}`, MetadataRequest, MetadataResponse, 12, {
        topics: [{ name: this.#name(topic) }],
        allowAutoTopicCreation: false,
      });
      this.#ids.set(topic, picture?.topics[0]?.topicId ?? '');
    }
  }

  async #create(topic: string, numPartitions: number, configs: Record<string, string> = {}): Promise<void> {
    const entry = {
      name: this.#name(topic),
      numPartitions,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
    };
    await this.#t.ask(`create ${topic}`, CreateTopicsRequest, CreateTopicsResponse, 2, { topics: [entry] });
  }

  async #versionsAndMetadata(): Promise<void> {
    for (let version = 0; version <= this.#v.apiVersions; version++) {
      const named = version >= 3 ? { clientSoftwareName: 'kiel', clientSoftwareVersion: '1.0' } : {};
      await this.#t.ask('versions', ApiVersionsRequest, ApiVersionsResponse, version, named);
    }
    const bad = { clientSoftwareName: 'no spaces', clientSoftwareVersion: '1' };
    await this.#t.ask('versions with a bad name', ApiVersionsRequest, ApiVersionsResponse, 3, bad);
    if (this.#v.apiVersions >= 5) {
      const misled = { clientSoftwareName: 'kiel', clientSoftwareVersion: '1', clusterId: 'another', nodeId: -1 };
      await this.#t.ask('versions of another cluster', ApiVersionsRequest, ApiVersionsResponse, 5, misled);
      const both = { ...misled, nodeId: 4711 };
      await this.#t.ask(
        'versions of another broker of another cluster',
        ApiVersionsRequest,
        ApiVersionsResponse,
        5,
        both,
      );
      const nobody = { clientSoftwareName: 'kiel', clientSoftwareVersion: '1', nodeId: 4711 };
      await this.#t.ask('versions of another broker', ApiVersionsRequest, ApiVersionsResponse, 5, nobody);
    }
    const names = { 'one topic': 'main', 'an unknown topic': 'nowhere' };
    for (let version = 0; version <= this.#v.metadata; version++) {
      const flags = version >= 4 ? { allowAutoTopicCreation: false } : {};
      for (const [what, name] of Object.entries(names)) {
        const topics = [{ name: this.#name(name) }];
        await this.#t.ask(`metadata of ${what}`, MetadataRequest, MetadataResponse, version, { topics, ...flags });
      }
      for (const name of ['a b', '', '..', 'x'.repeat(250)]) {
        const body = { topics: [{ name }], ...flags };
        await this.#t.ask(`metadata of "${name.slice(0, 5)}"`, MetadataRequest, MetadataResponse, version, body);
      }
      if (version >= 1) {
        await this.#t.ask('metadata of no topic', MetadataRequest, MetadataResponse, version, { topics: [], ...flags });
      }
    }
    if (this.#v.metadata >= 12) {
      for (const topicId of [this.#ids.get('main')!, 'AAAAAAAAAAAAAAAAAAAAEQ']) {
        const topics = [{ name: null, topicId }];
        await this.#t.ask('metadata by id', MetadataRequest, MetadataResponse, 12, {
          topics,
          allowAutoTopicCreation: false,
        });
      }
    }
    const operations = { topics: [{ name: this.#name('main') }], includeTopicAuthorizedOperations: true };
    await this.#t.ask('metadata with operations', MetadataRequest, MetadataResponse, 9, operations);
  }

  // ---- producing

  /** Produces to one partition of a topic, which newest versions name by its id. */
  async #produce(step: string, topic: string, records: Uint8Array | null, options: ProduceOptions = {}) {
    const { version = 11, acks = -1, partition = 0, transactionalId = null } = options;
    const isById = version >= 13;
    const name = this.#name(topic);
    const entry = isById ? { topicId: this.#ids.get(topic) ?? 'AAAAAAAAAAAAAAAAAAAAEQ' } : { name };
    const body = {
      acks,
      timeoutMs: 1_500,
      topicData: [{ ...entry, partitionData: [{ index: partition, records }] }],
      ...(version >= 3 ? { transactionalId } : {}),
    };
    const answer = await this.#t.ask(step, ProduceRequest, ProduceResponse, version, body);
    return answer?.responses[0]?.partitionResponses[0] ?? null;
  }

  async #produceVersions(): Promise<void> {
    for (let version = this.#v.oldestProduce; version <= this.#v.produce; version++) {
      if (version < 3) {
        const magic = version < 2 ? 0 : 1;
        await this.#produce('an old set', 'main', oldSet(magic, ['a', 'b']), { version });
        for (const codec of ['gzip', 'snappy', 'lz4'] as const) {
          if (magic === 0 && codec === 'lz4') continue; // another header checksum, another story
          await this.#produce(`an old set in ${codec}`, 'main', oldSet(magic, ['a', 'b', 'c'], codec), { version });
        }
        const damaged = oldSet(magic, ['a']);
        damaged[damaged.length - 1]! ^= 1;
        await this.#produce('a damaged old set', 'main', damaged, { version });
        await this.#produce('nothing', 'main', new Uint8Array(0), { version });
        await this.#produce('a new batch', 'main', made(), { version });
        continue;
      }
      await this.#produce('a batch', 'main', made({ values: ['a', 'b', 'c'] }), { version });
      await this.#produce('acks 1', 'main', made(), { version, acks: 1 });
      await this.#produce('acks 0', 'main', made(), { version, acks: 0 });
      await this.#produce('acks 2', 'main', made(), { version, acks: 2 });
      for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
        await this.#produce(`a batch in ${compression}`, 'main', made({ compression, values: ['x', 'y'] }), {
          version,
        });
      }
      await this.#produce('an unknown topic', 'nowhere', made(), { version });
      await this.#produce('an unknown partition', 'main', made(), { version, partition: 9 });
      await this.#produce('a stamped topic', 'stamped', made({ timestampMs: 5 }), { version });
      await this.#produce('too few replicas', 'strict', made(), { version });
      await this.#produce('too few replicas and acks 1', 'strict', made(), { version, acks: 1 });
      await this.#produce('no key for a compacted topic', 'compact', made({ values: ['a', 'b'], keys: ['k', null] }), {
        version,
      });
      await this.#produce('too large', 'small', made({ values: ['x'.repeat(1_000)] }), { version });
      await this.#produce(
        'a wrong checksum',
        'main',
        made({ damage: (b) => put(b, b.length - 1, (b.at(-1) ?? 0) ^ 1) }),
        {
          version,
        },
      );
    }
  }

  async #produceOddities(): Promise<void> {
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
    for (const [what, records] of Object.entries(odd)) await this.#produce(`oddity: ${what}`, 'other', records);
    for (const [what, records] of Object.entries(odd)) {
      if (what.includes('transactional')) continue;
      await this.#produce(`oddity in v3: ${what}`, 'other', records, { version: 3 });
    }
    await this.#produce('to a bad name', ' ', made());
    await this.#produce('to partition -1', 'main', made(), { partition: -1 });
    const twice = { index: 0, records: made() };
    const body = {
      acks: -1,
      timeoutMs: 1_000,
      topicData: [{ name: this.#name('other'), partitionData: [{ ...twice, index: 3 }, twice] }],
    };
    await this.#t.ask('two partitions, one unknown', ProduceRequest, ProduceResponse, 9, body);
    await this.#fetch('what remained of the oddities', 'other', 0n, { maxBytes: 1 });
  }

  async #idempotence(): Promise<void> {
    for (const version of [0, 1, 2, 3, 4]) {
      await this.#t.ask('a producer id', InitProducerIdRequest, InitProducerIdResponse, version, {
        transactionalId: null,
        transactionTimeoutMs: 1_000,
      });
    }
    const oddIds = { producerId: 5n, producerEpoch: -1 };
    const asked = { transactionalId: null, transactionTimeoutMs: 1_000, ...oddIds };
    await this.#t.ask('an id without epoch', InitProducerIdRequest, InitProducerIdResponse, 4, asked);
    const known = { transactionalId: null, transactionTimeoutMs: 1_000, producerId: 5n, producerEpoch: 3 };
    await this.#t.ask('a bump without transactional id', InitProducerIdRequest, InitProducerIdResponse, 4, known);
    const who = await this.#newProducer();
    const send = (step: string, baseSequence: number, over: Shape = {}) =>
      this.#produce(`idempotent: ${step}`, 'main', made({ ...who, baseSequence, ...over }), { partition: 1 });
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
    const stranger = await this.#newProducer();
    const far = (step: string, baseSequence: number, over: Shape = {}) =>
      this.#produce(`wrap: ${step}`, 'main', made({ ...stranger, baseSequence, ...over }), { partition: 1 });
    await far('begins at the end', 0x7fff_fffd);
    await far('goes over it', 0x7fff_fffe, { values: ['a', 'b', 'c'] });
    await far('the same again', 0x7fff_fffe, { values: ['a', 'b', 'c'] });
    await far('1 is next', 1);
    await far('3 is not', 3);
    const exact = await this.#newProducer();
    await this.#produce('wrap: ends with the last', 'main', made({ ...exact, baseSequence: 0x7fff_ffff }), {
      partition: 1,
    });
    await this.#produce('wrap: 0 follows', 'main', made({ ...exact, baseSequence: 0 }), { partition: 1 });
    await this.#produce('wrap: 0 again', 'main', made({ ...exact, baseSequence: 0 }), { partition: 1 });
    const stamped = await this.#newProducer();
    await this.#produce('stamped and idempotent', 'stamped', made({ ...stamped, baseSequence: 0 }));
    await this.#produce('stamped and idempotent again', 'stamped', made({ ...stamped, baseSequence: 0 }));
    await this.#produce('another partition has its own sequences', 'main', made({ ...exact, baseSequence: 44 }));
    await this.#produce('lz4 and idempotent', 'main', made({ ...exact, baseSequence: 45, compression: 'lz4' }));
    await this.#produce('lz4 and idempotent again', 'main', made({ ...exact, baseSequence: 45, compression: 'lz4' }));
  }

  async #newProducer(): Promise<Who> {
    const body = { transactionalId: null, transactionTimeoutMs: 1_000 };
    const answer = await this.#t.ask('new producer', InitProducerIdRequest, InitProducerIdResponse, 4, body);
    return { producerId: answer!.producerId, producerEpoch: answer!.producerEpoch };
  }

  // ---- reading

  async #fetch(step: string, topic: string, fetchOffset: bigint, options: FetchOptions = {}): Promise<void> {
    const {
      version = 12,
      partition = 0,
      maxBytes = 1 << 20,
      isolation = 0,
      epoch = -1,
      session = 0,
      sessionEpoch = -1,
    } = options;
    const name =
      version >= 13 ? { topicId: this.#ids.get(topic) ?? 'AAAAAAAAAAAAAAAAAAAAEQ' } : { topic: this.#name(topic) };
    const wanted = {
      partition,
      fetchOffset,
      partitionMaxBytes: maxBytes,
      ...(version >= 9 ? { currentLeaderEpoch: epoch } : {}),
    };
    const body = {
      maxWaitMs: 10,
      minBytes: 0,
      ...(version >= 3 ? { maxBytes } : {}),
      ...(version >= 4 ? { isolationLevel: isolation } : {}),
      ...(version >= 7 ? { sessionId: session, sessionEpoch } : {}),
      topics: [{ ...name, partitions: [wanted] }],
    };
    await this.#t.ask(step, FetchRequest, FetchResponse, version, body);
  }

  async #fetches(): Promise<void> {
    const { oldestFetch, fetch } = this.#v;
    for (let version = Math.max(4, oldestFetch); version <= fetch; version++) {
      await this.#fetch('fetch from 0', 'main', 0n, { version, partition: 1 });
      await this.#fetch('fetch from 3', 'main', 3n, { version, partition: 1 });
      await this.#fetch('fetch at most 1 byte', 'main', 0n, { version, partition: 1, maxBytes: 1 });
      await this.#fetch('fetch beyond the end', 'main', 9_999n, { version });
      await this.#fetch('fetch at -1', 'main', -1n, { version });
      await this.#fetch('fetch an unknown topic', 'nowhere', 0n, { version });
      await this.#fetch('fetch an unknown partition', 'main', 0n, { version, partition: 8 });
      if (version >= 7)
        await this.#fetch('fetch with a stale session', 'main', 0n, { version, session: 99, sessionEpoch: 4 });
      if (version >= 9) {
        await this.#fetch('fetch with epoch 0', 'main', 0n, { version, epoch: 0 });
        await this.#fetch('fetch with epoch 7', 'main', 0n, { version, epoch: 7 });
      }
    }
  }

  async #listOffsets(step: string, topic: string, timestamp: bigint, options: ListOptions = {}): Promise<void> {
    const { version = 7, partition = 0, isolation = 0, epoch = -1 } = options;
    const wanted = { partitionIndex: partition, timestamp, ...(version >= 4 ? { currentLeaderEpoch: epoch } : {}) };
    const body = {
      replicaId: -1,
      isolationLevel: version >= 2 ? isolation : 0,
      topics: [{ name: this.#name(topic), partitions: [wanted] }],
      ...(version >= 10 ? { timeoutMs: 1_000 } : {}),
    };
    await this.#t.ask(step, ListOffsetsRequest, ListOffsetsResponse, version, body);
  }

  async #offsets(): Promise<void> {
    for (let version = Math.max(1, this.#v.oldestListOffsets); version <= this.#v.listOffsets; version++) {
      for (const timestamp of [-1n, -2n, 0n, 1_000n, 99_999_999_999_999n]) {
        await this.#listOffsets(`offset at ${timestamp}`, 'main', timestamp, { version, partition: 1 });
      }
      if (version >= 8) await this.#listOffsets('local offset', 'main', -4n, { version, partition: 1 });
      await this.#listOffsets('offset of an unknown topic', 'nowhere', -1n, { version });
      await this.#listOffsets('offset of an unknown partition', 'main', -1n, { version, partition: 6 });
      if (version >= 4) {
        await this.#listOffsets('offset with epoch 0', 'main', -1n, { version, epoch: 0 });
        await this.#listOffsets('offset with epoch 5', 'main', -1n, { version, epoch: 5 });
      }
    }
    const base = Date.now() - 100_000;
    for (const after of [10, 40, 20, 40, 30]) {
      await this.#produce('timed', 'timed', made({ values: ['a', 'b'], timestampMs: base + after }));
    }
    await this.#listOffsets('offset of the latest time', 'timed', -3n);
    for (const after of [0, 10, 11, 20, 35, 40, 41]) {
      await this.#listOffsets(`offset at ${after} ms`, 'timed', BigInt(base + after));
    }
    await this.#listOffsets('offset in an empty topic', 'deletable', -1n);
    await this.#listOffsets('offset by time in an empty topic', 'deletable', 5n);
    for (const version of [2, 3, 4]) {
      for (const leaderEpoch of [0, 3, -1]) {
        const partitions = [
          { partition: 0, leaderEpoch },
          { partition: 5, leaderEpoch },
        ];
        const body = { topics: [{ topic: this.#name('main'), partitions }] };
        await this.#t.ask(
          `end of epoch ${leaderEpoch}`,
          OffsetForLeaderEpochRequest,
          OffsetForLeaderEpochResponse,
          version,
          body,
        );
      }
    }
  }

  async #deleteRecords(step: string, topic: string, offset: bigint, partitionIndex = 0): Promise<void> {
    const body = { topics: [{ name: this.#name(topic), partitions: [{ partitionIndex, offset }] }], timeoutMs: 1_000 };
    for (const version of [0, 2]) await this.#t.ask(step, DeleteRecordsRequest, DeleteRecordsResponse, version, body);
  }

  async #deletedRecords(): Promise<void> {
    const who = await this.#newProducer();
    for (let i = 0; i < 5; i++) await this.#produce('to be deleted', 'deletable', made({ ...who, baseSequence: i }));
    await this.#deleteRecords('delete beyond the end', 'deletable', 50n);
    await this.#deleteRecords('delete at -2', 'deletable', -2n);
    await this.#deleteRecords('delete three', 'deletable', 3n);
    await this.#deleteRecords('delete less', 'deletable', 1n);
    await this.#fetch('fetch what is deleted', 'deletable', 1n);
    await this.#fetch('fetch what is left', 'deletable', 3n);
    await this.#listOffsets('start after deletion', 'deletable', -2n);
    await this.#produce('a duplicate of the deleted', 'deletable', made({ ...who, baseSequence: 1 }));
    await this.#deleteRecords('delete all', 'deletable', -1n);
    await this.#produce('next after deletion', 'deletable', made({ ...who, baseSequence: 5 }));
    await this.#produce('a gap after deletion', 'deletable', made({ ...who, baseSequence: 8 }));
    await this.#deleteRecords('delete in an unknown topic', 'nowhere', 0n);
    await this.#deleteRecords('delete in an unknown partition', 'deletable', 0n, 4);
  }

  // ---- transactions

  async #init(
    step: string,
    id: string,
    over: Partial<Who> & { timeoutMs?: number; version?: number } = {},
  ): Promise<Who> {
    const { version = 4, timeoutMs = 60_000, ...who } = over;
    const body = { transactionalId: id === '' ? '' : this.#name(id), transactionTimeoutMs: timeoutMs, ...who };
    const answer = await this.#t.ask(`init: ${step}`, InitProducerIdRequest, InitProducerIdResponse, version, body);
    return { producerId: answer?.producerId ?? -1n, producerEpoch: answer?.producerEpoch ?? -1 };
  }

  async #add(step: string, id: string, who: Who, topics: Record<string, number[]>, version = 3): Promise<void> {
    const body = {
      v3AndBelowTransactionalId: this.#name(id),
      v3AndBelowProducerId: who.producerId,
      v3AndBelowProducerEpoch: who.producerEpoch,
      v3AndBelowTopics: Object.entries(topics).map(([topic, partitions]) => ({ name: this.#name(topic), partitions })),
    };
    await this.#t.ask(`add: ${step}`, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, version, body);
  }

  async #end(step: string, id: string, who: Who, committed: boolean, version = 3): Promise<Who> {
    const body = { transactionalId: this.#name(id), ...who, committed };
    const answer = await this.#t.ask(`end: ${step}`, EndTxnRequest, EndTxnResponse, version, body);
    if (answer?.errorCode === 0) await this.#settled();
    return { producerId: answer?.producerId ?? -1n, producerEpoch: answer?.producerEpoch ?? -1 };
  }

  /** Until the markers of the last transaction are in the log. */
  async #settled(): Promise<void> {
    for (let tries = 0; tries < 200; tries++) {
      const ends: string[] = [];
      for (const isolationLevel of [0, 1]) {
        const partitions = [0, 1].map((partitionIndex) => ({ partitionIndex, timestamp: -1n }));
        const body = { replicaId: -1, isolationLevel, topics: [{ name: this.#name('tx'), partitions }] };
        const answer = await this.#t.quietly(ListOffsetsRequest, ListOffsetsResponse, 5, body);
        if (typeof answer !== 'string') ends.push(answer.topics[0]!.partitions.map(({ offset }) => offset).join());
      }
      if (ends[0] === ends[1]) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async #transactionsOfOld(): Promise<void> {
    const id = 'old-tx';
    for (const timeoutMs of [0, -1, 900_001]) await this.#init(`timeout ${timeoutMs}`, id, { timeoutMs });
    await this.#init('empty id', '');
    const a = await this.#init('first', id);
    const send = (step: string, who: Who, baseSequence: number, options: ProduceOptions & { plain?: boolean } = {}) =>
      this.#produce(
        `transactional: ${step}`,
        'tx',
        made({ ...who, baseSequence, transactional: options.plain !== true }),
        { transactionalId: this.#name(id), ...options },
      );
    await send('without being added', a, 0);
    await send('without being added, v10', a, 0, { version: 10 });
    await this.#add('an unknown topic', id, a, { nowhere: [0] });
    await this.#add('a known and an unknown topic', id, a, { nowhere: [0], tx: [0] });
    await this.#add('an unknown id', 'nobody', a, { tx: [0] });
    await this.#add('another producer', id, { ...a, producerId: a.producerId + 1_000n }, { tx: [0] });
    for (const version of [0, 1, 2, 3]) {
      await this.#add('a later epoch', id, { ...a, producerEpoch: 5 }, { tx: [0] }, version);
      await this.#end('a later epoch', id, { ...a, producerEpoch: 5 }, true, version);
    }
    await this.#end('commit of nothing', id, a, true);
    await this.#end('abort of nothing', id, a, false);
    await this.#add('one partition', id, a, { tx: [0] });
    await send('added', a, 0);
    await send('added, again', a, 0);
    await send('the other partition', a, 0, { partition: 1 });
    await send('plain in a transaction', a, 1, { plain: true });
    await send('an older epoch', { ...a, producerEpoch: -1 }, 1);
    await send('next', a, 1);
    await this.#listOffsets('stable end while open', 'tx', -1n, { isolation: 1 });
    await this.#fetch('committed while open', 'tx', 0n, { isolation: 1 });
    await this.#fetch('uncommitted while open', 'tx', 0n);
    await this.#end('another producer', id, { ...a, producerId: a.producerId + 1_000n }, true);
    await this.#end('an unknown id', 'nobody', a, true);
    await this.#end('commit', id, a, true);
    await this.#end('commit again', id, a, true);
    await this.#end('abort after commit', id, a, false);
    await this.#fetch('committed after commit', 'tx', 0n, { isolation: 1 });
    await send('after the commit, not added', a, 2);
    await this.#add('both', id, a, { tx: [0, 1] });
    await this.#add('both again', id, a, { tx: [0, 1] });
    await send('second transaction', a, 2);
    await send('second transaction, other partition', a, 0, { partition: 1 });
    await send('second transaction, a gap', a, 5, { partition: 1 });
    await this.#end('abort', id, a, false);
    await this.#end('abort again', id, a, false);
    await this.#end('commit after abort', id, a, true);
    for (const version of [4, 5, 11, 12]) {
      await this.#fetch('committed after abort', 'tx', 0n, { isolation: 1, version });
      await this.#fetch('committed after abort, from the middle', 'tx', 3n, { isolation: 1, version });
      await this.#fetch('committed after abort, other partition', 'tx', 0n, { isolation: 1, partition: 1, version });
    }
    await this.#add('third', id, a, { tx: [0] });
    await send('third transaction', a, 3);
    const b = await this.#init('while one is open', id);
    await this.#settled();
    await send('from the fenced one', a, 4);
    await this.#add('by the fenced one', id, a, { tx: [0] });
    await this.#end('by the fenced one', id, a, true);
    await this.#init('of the fenced one', id, a);
    await this.#init('of the fenced one, v3', id, { ...a, version: 3 });
    const c = await this.#init('of the present one', id, b);
    await this.#init('of the present one, again', id, b);
    await this.#init('of somebody', id, { producerId: 123_456n, producerEpoch: 0 });
    await this.#add('fourth', id, c, { tx: [0] });
    await send('fourth transaction, not from 0', c, 7);
    await send('fourth transaction', c, 0);
    await this.#end('fourth', id, c, true);
    await this.#offsetsInTransaction(c, id);
    const noId = made({ ...c, baseSequence: 1, transactional: true });
    await this.#produce('transactional batch, no id', 'tx', noId);
    await this.#produce('transactional batch, another id', 'tx', noId, { transactionalId: this.#name('stranger') });
  }

  async #offsetsInTransaction(who: Who, id: string): Promise<void> {
    const group = this.#name('group');
    const commit = (step: string, committedOffset: bigint, over: object = {}) =>
      this.#t.ask(`offsets in a transaction: ${step}`, TxnOffsetCommitRequest, TxnOffsetCommitResponse, 3, {
        transactionalId: this.#name(id),
        groupId: group,
        ...who,
        topics: [
          { name: this.#name('tx'), partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: 'm' }] },
        ],
        ...over,
      });
    const fetch = (step: string, requireStable: boolean) =>
      this.#t.ask(`offsets: ${step}`, OffsetFetchRequest, OffsetFetchResponse, 7, {
        groupId: group,
        topics: [{ name: this.#name('tx'), partitionIndexes: [0, 1] }],
        requireStable,
      });
    await fetch('before', true);
    await commit('without the group', 5n);
    const add = (step: string, over: object = {}) =>
      this.#t.ask(`add offsets: ${step}`, AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, 3, {
        transactionalId: this.#name(id),
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
        { name: this.#name('tx'), partitions: [{ partitionIndex: 9, committedOffset: 1n, committedMetadata: '' }] },
      ],
    });
    await fetch('while open, stable wanted', true);
    await fetch('while open', false);
    await this.#end('with offsets', id, who, true);
    await fetch('after the commit', true);
    await add('again');
    await commit('to be aborted', 8n);
    await this.#end('with offsets, aborted', id, who, false);
    await fetch('after the abort', true);
  }

  async #transactionsOfNow(): Promise<void> {
    const id = 'new-tx';
    let who = await this.#init('version 5', id, { version: 5 });
    const send = (step: string, baseSequence: number, over: Partial<Who> = {}, version = 12) =>
      this.#produce(`implicit: ${step}`, 'tx', made({ ...who, ...over, baseSequence, transactional: true }), {
        transactionalId: this.#name(id),
        version,
      });
    await this.#end('v5: commit of nothing', id, who, true, 5);
    const first = who;
    who = await this.#end('v5: abort of nothing', id, who, false, 5);
    await this.#end('v5: abort of nothing, again', id, first, false, 5);
    await send('added by producing', 0);
    await send('added by producing, again', 0);
    await send('in v13', 1, {}, 13);
    await send('an older epoch', 2, { producerEpoch: who.producerEpoch - 1 });
    await send('a later epoch', 0, { producerEpoch: who.producerEpoch + 1 });
    const before = who;
    who = await this.#end('v5: commit', id, who, true, 5);
    await this.#end('v5: commit again, as a retry', id, before, true, 5);
    await this.#end('v5: abort as a retry of a commit', id, before, false, 5);
    await this.#end('v5: commit with the new epoch', id, who, true, 5);
    await send('a later sequence first', 4);
    await send('0 first', 0);
    await send('the old epoch after the commit', 2, { producerEpoch: before.producerEpoch });
    const open = who;
    who = await this.#end('v5: abort', id, who, false, 5);
    await this.#end('v5: abort again, as a retry', id, open, false, 5);
    await this.#end('v5: commit as a retry of an abort', id, open, true, 5);
    who = await this.#end('v5: abort with the new epoch', id, who, false, 5);
    await send('v11 is not implicit', 0, {}, 11);
    await send('then implicit', 0);
    await this.#init('v5: while one is open', id, { version: 5 });
    await this.#settled();
    await send('after being fenced', 1);
    await this.#end('v5: after being fenced', id, who, true, 5);
    await this.#fetch('committed after all of it', 'tx', 0n, { isolation: 1 });
    await this.#listOffsets('end after all of it', 'tx', -1n);
  }

  // ---- groups and administration

  async #groups(): Promise<void> {
    for (const version of [0, 1, 2, 3]) {
      for (const keyType of version >= 1 ? [0, 1, 9] : [0]) {
        const body = version >= 1 ? { key: 'g', keyType } : { key: 'g' };
        await this.#t.ask(
          `coordinator of type ${keyType}`,
          FindCoordinatorRequest,
          FindCoordinatorResponse,
          version,
          body,
        );
      }
    }
    for (const keyType of [0, 1, 9]) {
      const body = { keyType, coordinatorKeys: ['g', 'h'] };
      await this.#t.ask(`coordinators of type ${keyType}`, FindCoordinatorRequest, FindCoordinatorResponse, 4, body);
    }
    const group = this.#name('plain-group');
    for (let version = 2; version <= this.#v.offsetCommit; version++) {
      const partition = (partitionIndex: number) => ({
        partitionIndex,
        committedOffset: BigInt(version),
        committedMetadata: null,
      });
      const topics = [
        { name: this.#name('main'), partitions: [partition(0), partition(7)] },
        { name: this.#name('nowhere'), partitions: [partition(0)] },
      ];
      const body = { groupId: group, topics };
      await this.#t.ask('commit', OffsetCommitRequest, OffsetCommitResponse, version, body);
      const member = { ...body, memberId: 'nobody', generationIdOrMemberEpoch: 3 };
      await this.#t.ask('commit of a stranger', OffsetCommitRequest, OffsetCommitResponse, version, member);
    }
    for (let version = 1; version <= 7; version++) {
      const topics = [{ name: this.#name('main'), partitionIndexes: [0, 1] }];
      await this.#t.ask('committed', OffsetFetchRequest, OffsetFetchResponse, version, { groupId: group, topics });
      if (version >= 2) {
        await this.#t.ask('all committed', OffsetFetchRequest, OffsetFetchResponse, version, {
          groupId: group,
          topics: null,
        });
      }
    }
    for (let version = 8; version <= this.#v.offsetFetch; version++) {
      const topics = [{ name: this.#name('main'), partitionIndexes: [0, 1] }];
      const groups = [
        { groupId: group, topics },
        { groupId: this.#name('none'), topics },
      ];
      await this.#t.ask('committed', OffsetFetchRequest, OffsetFetchResponse, version, { groups });
    }
    await this.#t.ask('sasl on a plain port', SaslHandshakeRequest, SaslHandshakeResponse, 1, { mechanism: 'PLAIN' });
  }

  async #admin(): Promise<void> {
    const create = (step: string, topics: readonly object[], version = 4, validateOnly = false) =>
      this.#t.ask(`create: ${step}`, CreateTopicsRequest, CreateTopicsResponse, version, {
        topics: topics.map((topic) => ({
          name: this.#name('made'),
          numPartitions: 1,
          replicationFactor: 1,
          assignments: [],
          configs: [],
          ...topic,
        })),
        validateOnly,
      });
    await create('exists', [{ name: this.#name('main') }]);
    await create('bad name', [{ name: 'a b' }]);
    await create('empty name', [{ name: '' }]);
    await create('0 partitions', [{ numPartitions: 0 }]);
    await create('-2 partitions', [{ numPartitions: -2 }]);
    await create('9 replicas', [{ replicationFactor: 9 }]);
    await create('0 replicas', [{ replicationFactor: 0 }]);
    await create('twice', [{}, {}]);
    await create('an unknown config', [{ configs: [{ name: 'no.such.config', value: '1' }] }]);
    await create('a bad config', [{ configs: [{ name: 'max.message.bytes', value: 'many' }] }]);
    await create('validated only', [{ numPartitions: 3 }], 4, true);
    await create('by default', [{ numPartitions: -1, replicationFactor: -1 }]);
    const grow = (step: string, name: string, count: number) =>
      this.#t.ask(`grow: ${step}`, CreatePartitionsRequest, CreatePartitionsResponse, 2, {
        topics: [{ name: this.#name(name), count, assignments: null }],
        timeoutMs: 1_000,
        validateOnly: false,
      });
    await grow('to 3', 'made', 3);
    await grow('to as many', 'made', 3);
    await grow('to fewer', 'made', 1);
    await grow('unknown', 'nowhere', 4);
    await this.#waitForPartitions('made', 3);
    if (this.#t.version.startsWith('4')) {
      for (const cursor of [null, { topicName: this.#name('made'), partitionIndex: 1 }]) {
        await this.#t.ask('partitions', DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, 0, {
          topics: [{ name: this.#name('made') }, { name: this.#name('nowhere') }],
          responsePartitionLimit: 2,
          cursor,
        });
      }
    }
    const remove = (step: string, name: string, version = 5) =>
      this.#t.ask(`delete: ${step}`, DeleteTopicsRequest, DeleteTopicsResponse, version, {
        topicNames: [this.#name(name)],
        timeoutMs: 1_000,
      });
    for (const version of [1, 3, 4, 5]) await remove('unknown', 'nowhere', version);
    await remove('one', 'made');
    const nobody = { name: null, topicId: 'AAAAAAAAAAAAAAAAAAAAEQ' };
    const byId = { topics: [nobody], timeoutMs: 1_000 };
    await this.#t.ask('delete: by an unknown id', DeleteTopicsRequest, DeleteTopicsResponse, 6, byId);
  }

  async #waitForPartitions(topic: string, count: number): Promise<void> {
    for (let tries = 0; tries < 100; tries++) {
      const body = { topics: [{ name: this.#name(topic) }], allowAutoTopicCreation: false };
      const answer = await this.#t.quietly(MetadataRequest, MetadataResponse, 9, body);
      if (typeof answer !== 'string' && (answer.topics[0]?.partitions.length ?? 0) >= count) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
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

interface ProduceOptions {
  readonly version?: number;
  readonly acks?: number;
  readonly partition?: number;
  readonly transactionalId?: string | null;
}

interface FetchOptions {
  readonly version?: number;
  readonly partition?: number;
  readonly maxBytes?: number;
  readonly isolation?: number;
  readonly epoch?: number;
  readonly session?: number;
  readonly sessionEpoch?: number;
}

interface ListOptions {
  readonly version?: number;
  readonly partition?: number;
  readonly isolation?: number;
  readonly epoch?: number;
}
