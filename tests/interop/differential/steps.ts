import {
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
  CreateTopicsRequest,
  CreateTopicsResponse,
  DeleteRecordsRequest,
  DeleteRecordsResponse,
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
  ProduceRequest,
  ProduceResponse,
} from '@kiel/codec';
import type { Target } from './target.ts';

/** The newest version of each API that both the release and the script know. */
export interface Newest {
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

const newestOf: Readonly<Record<string, Newest>> = {
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

export interface Who {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

export interface ProduceOptions {
  readonly version?: number;
  readonly acks?: number;
  readonly partition?: number;
  readonly transactionalId?: string | null;
}

export interface FetchOptions {
  readonly version?: number;
  readonly partition?: number;
  readonly maxBytes?: number;
  readonly isolation?: number;
  readonly epoch?: number;
  readonly session?: number;
  readonly sessionEpoch?: number;
}

export interface ListOptions {
  readonly version?: number;
  readonly partition?: number;
  readonly isolation?: number;
  readonly epoch?: number;
}

/** What the parts of the script share: how to ask for things, and which topics there are. */
export class Steps {
  readonly target: Target;
  readonly newest: Newest;
  readonly prefix: string;
  readonly ids: Map<string, string>;

  constructor(target: Target, prefix: string, ids: Map<string, string>) {
    this.target = target;
    this.prefix = prefix;
    this.ids = ids;
    this.newest = newestOf[target.version]!;
  }

  /** Brokers create their own topics for groups and transactions when somebody looks for a coordinator. */
  async awakenCoordinators(): Promise<void> {
    for (const keyType of [0, 1]) {
      await this.target.quietly(FindCoordinatorRequest, FindCoordinatorResponse, 3, { key: this.name('any'), keyType });
    }
  }

  name(topic: string): string {
    return `${this.prefix}-${topic}`;
  }

  async topics(): Promise<void> {
    await this.create('main', 2);
    await this.create('other', 1);
    await this.create('stamped', 1, { 'message.timestamp.type': 'LogAppendTime' });
    await this.create('compact', 1, { 'cleanup.policy': 'compact' });
    await this.create('small', 1, { 'max.message.bytes': '1000' });
    await this.create('strict', 1, { 'min.insync.replicas': '2' });
    await this.create('tx', 2);
    await this.create('deletable', 1);
    await this.create('timed', 1);
    for (const topic of ['main', 'other', 'stamped', 'compact', 'small', 'strict', 'tx', 'deletable', 'timed']) {
      await this.waitForPartitions(topic, 1);
      const picture = await this.target.ask(`describe ${topic}`, MetadataRequest, MetadataResponse, 12, {
        topics: [{ name: this.name(topic) }],
        allowAutoTopicCreation: false,
      });
      this.ids.set(topic, picture?.topics[0]?.topicId ?? '');
    }
  }

  async create(topic: string, numPartitions: number, configs: Record<string, string> = {}): Promise<void> {
    const entry = {
      name: this.name(topic),
      numPartitions,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
    };
    await this.target.ask(`create ${topic}`, CreateTopicsRequest, CreateTopicsResponse, 2, { topics: [entry] });
  }

  /** Produces to one partition of a topic, which newest versions name by its id. */
  async produce(step: string, topic: string, records: Uint8Array | null, options: ProduceOptions = {}) {
    const { version = 11, acks = -1, partition = 0, transactionalId = null } = options;
    const isById = version >= 13;
    const name = this.name(topic);
    const entry = isById ? { topicId: this.ids.get(topic) ?? 'AAAAAAAAAAAAAAAAAAAAEQ' } : { name };
    const body = {
      acks,
      timeoutMs: 1_500,
      topicData: [{ ...entry, partitionData: [{ index: partition, records }] }],
      ...(version >= 3 ? { transactionalId } : {}),
    };
    const answer = await this.target.ask(step, ProduceRequest, ProduceResponse, version, body);
    return answer?.responses[0]?.partitionResponses[0] ?? null;
  }

  async newProducer(): Promise<Who> {
    const body = { transactionalId: null, transactionTimeoutMs: 1_000 };
    const answer = await this.target.ask('new producer', InitProducerIdRequest, InitProducerIdResponse, 4, body);
    return { producerId: answer!.producerId, producerEpoch: answer!.producerEpoch };
  }

  async fetch(step: string, topic: string, fetchOffset: bigint, options: FetchOptions = {}): Promise<void> {
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
      version >= 13 ? { topicId: this.ids.get(topic) ?? 'AAAAAAAAAAAAAAAAAAAAEQ' } : { topic: this.name(topic) };
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
    await this.target.ask(step, FetchRequest, FetchResponse, version, body);
  }

  async listOffsets(step: string, topic: string, timestamp: bigint, options: ListOptions = {}): Promise<void> {
    const { version = 7, partition = 0, isolation = 0, epoch = -1 } = options;
    const wanted = { partitionIndex: partition, timestamp, ...(version >= 4 ? { currentLeaderEpoch: epoch } : {}) };
    const body = {
      replicaId: -1,
      isolationLevel: version >= 2 ? isolation : 0,
      topics: [{ name: this.name(topic), partitions: [wanted] }],
      ...(version >= 10 ? { timeoutMs: 1_000 } : {}),
    };
    await this.target.ask(step, ListOffsetsRequest, ListOffsetsResponse, version, body);
  }

  async deleteRecords(step: string, topic: string, offset: bigint, partitionIndex = 0): Promise<void> {
    const body = { topics: [{ name: this.name(topic), partitions: [{ partitionIndex, offset }] }], timeoutMs: 1_000 };
    for (const version of [0, 2])
      await this.target.ask(step, DeleteRecordsRequest, DeleteRecordsResponse, version, body);
  }

  async init(
    step: string,
    id: string,
    over: Partial<Who> & { timeoutMs?: number; version?: number } = {},
  ): Promise<Who> {
    const { version = 4, timeoutMs = 60_000, ...who } = over;
    const body = { transactionalId: id === '' ? '' : this.name(id), transactionTimeoutMs: timeoutMs, ...who };
    const answer = await this.target.ask(`init: ${step}`, InitProducerIdRequest, InitProducerIdResponse, version, body);
    return { producerId: answer?.producerId ?? -1n, producerEpoch: answer?.producerEpoch ?? -1 };
  }

  async add(step: string, id: string, who: Who, topics: Record<string, number[]>, version = 3): Promise<void> {
    const body = {
      v3AndBelowTransactionalId: this.name(id),
      v3AndBelowProducerId: who.producerId,
      v3AndBelowProducerEpoch: who.producerEpoch,
      v3AndBelowTopics: Object.entries(topics).map(([topic, partitions]) => ({ name: this.name(topic), partitions })),
    };
    await this.target.ask(`add: ${step}`, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, version, body);
  }

  async end(step: string, id: string, who: Who, committed: boolean, version = 3): Promise<Who> {
    const body = { transactionalId: this.name(id), ...who, committed };
    const answer = await this.target.ask(`end: ${step}`, EndTxnRequest, EndTxnResponse, version, body);
    if (answer?.errorCode === 0) await this.settled();
    return { producerId: answer?.producerId ?? -1n, producerEpoch: answer?.producerEpoch ?? -1 };
  }

  /** Until the markers of the last transaction are in the log. */
  async settled(): Promise<void> {
    for (let tries = 0; tries < 200; tries++) {
      const ends: string[] = [];
      for (const isolationLevel of [0, 1]) {
        const partitions = [0, 1].map((partitionIndex) => ({ partitionIndex, timestamp: -1n }));
        const body = { replicaId: -1, isolationLevel, topics: [{ name: this.name('tx'), partitions }] };
        const answer = await this.target.quietly(ListOffsetsRequest, ListOffsetsResponse, 5, body);
        if (typeof answer !== 'string') ends.push(answer.topics[0]!.partitions.map(({ offset }) => offset).join());
      }
      if (ends[0] === ends[1]) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async waitForPartitions(topic: string, count: number): Promise<void> {
    for (let tries = 0; tries < 100; tries++) {
      const body = { topics: [{ name: this.name(topic) }], allowAutoTopicCreation: false };
      const answer = await this.target.quietly(MetadataRequest, MetadataResponse, 9, body);
      if (typeof answer !== 'string' && (answer.topics[0]?.partitions.length ?? 0) >= count) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
