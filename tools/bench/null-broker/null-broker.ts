/**
 * The null broker for machines without a C compiler: what null-broker.c does, over @kiel/codec. It obeys the same
 * lines and prints the same ones, and costs several times as much CPU a batch.
 */
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import {
  ApiVersionsResponse,
  encodeResponse,
  FrameDecoder,
  InitProducerIdResponse,
  MetadataRequest,
  MetadataResponse,
  type MetadataResponseTopicInput,
  ProduceRequest,
  ProduceResponse,
  type ProduceResponsePartitionProduceResponseInput,
  Reader,
  readRequestHeader,
  zeroUuid,
} from '@kiel/codec';
import { createWasmCodecs } from '@kiel/codec/wasm';

const noError = 0;
const corruptMessage = 2;
const unknownPartition = 3;
const unsupportedVersion = 35;
const outOfOrderSequence = 45;
const unknownTopicId = 100;

// Fetch (1) and FindCoordinator (10) are listed for librdkafka's sake, and never served.
const apiKeys = [
  { apiKey: 0, minVersion: 0, maxVersion: 13 },
  { apiKey: 1, minVersion: 4, maxVersion: 12 },
  { apiKey: 3, minVersion: 0, maxVersion: 12 },
  { apiKey: 10, minVersion: 0, maxVersion: 3 },
  { apiKey: 18, minVersion: 0, maxVersion: 4 },
  { apiKey: 22, minVersion: 0, maxVersion: 5 },
];

interface Partition {
  end: number;
  readonly nextSequences: Map<bigint, number>;
}

interface Topic {
  readonly name: string;
  readonly topicId: string;
  readonly partitions: readonly Partition[];
}

const zeroCounts = {
  requests: 0,
  produceRequests: 0,
  batches: 0,
  records: 0,
  batchBytes: 0,
  errors: 0,
  crcErrors: 0,
  sequenceErrors: 0,
};

const crc32c = createWasmCodecs()?.crc32c ?? (await import('@kiel/codec')).crc32c;

class NullBroker {
  readonly #topics = new Map<string, Topic>();
  readonly #topicsById = new Map<string, Topic>();
  readonly #defaultPartitions: number;
  #nextProducerId = 1000n;
  counts = { ...zeroCounts };
  ports: number[] = [];
  delayMs = 0;

  constructor(defaultPartitions: number) {
    this.#defaultPartitions = defaultPartitions;
  }

  topic(name: string, partitions = this.#defaultPartitions): Topic {
    const known = this.#topics.get(name);
    if (known !== undefined) return known;
    const number = Buffer.alloc(16, 'null-broker');
    number.writeUInt32BE(this.#topics.size + 1, 12);
    const topic: Topic = {
      name,
      topicId: number.toString('base64url'),
      partitions: Array.from({ length: partitions }, () => ({ end: 0, nextSequences: new Map() })),
    };
    this.#topics.set(name, topic);
    this.#topicsById.set(topic.topicId, topic);
    return topic;
  }

  recordsIn(name: string): number {
    return this.#topics.get(name)?.partitions.reduce((sum, partition) => sum + partition.end, 0) ?? 0;
  }

  serve(socket: Socket): void {
    const frames = new FrameDecoder();
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      try {
        for (const frame of frames.push(chunk)) this.#answer(socket, frame);
      } catch (error) {
        console.error('null-broker:', error);
        socket.destroy();
      }
    });
  }

  #answer(socket: Socket, frame: Uint8Array): void {
    this.counts.requests++;
    const r = new Reader(frame);
    const { apiKey, apiVersion: version, correlationId } = readRequestHeader(r);
    const supported = apiKeys.some(
      (api) => api.apiKey === apiKey && version >= api.minVersion && version <= api.maxVersion,
    );
    if (apiKey === ApiVersionsResponse.apiKey) {
      const errorCode = supported ? noError : unsupportedVersion;
      const body = { errorCode, apiKeys };
      socket.write(
        encodeResponse({ message: ApiVersionsResponse, version: supported ? version : 0, correlationId, body }),
      );
    } else if (!supported) {
      throw new Error(`api ${apiKey} version ${version} is not served`);
    } else if (apiKey === MetadataRequest.apiKey) {
      const body = this.#metadata(MetadataRequest.read(r, version), version);
      socket.write(encodeResponse({ message: MetadataResponse, version, correlationId, body }));
    } else if (apiKey === InitProducerIdResponse.apiKey) {
      const body = { errorCode: noError, producerId: this.#nextProducerId++, producerEpoch: 0 };
      socket.write(encodeResponse({ message: InitProducerIdResponse, version, correlationId, body }));
    } else if (apiKey === ProduceRequest.apiKey) {
      const request = ProduceRequest.read(r, version);
      const answer = encodeResponse({ message: ProduceResponse, version, correlationId, body: this.#produce(request) });
      if (request.acks === 0) return;
      if (this.delayMs > 0) setTimeout(() => socket.write(answer), this.delayMs);
      else socket.write(answer);
    } else {
      throw new Error(`api ${apiKey} is listed and not served`);
    }
  }

  #metadata(request: MetadataRequest, version: number) {
    const wantsAll = request.topics === null || (version === 0 && request.topics.length === 0);
    const topics = wantsAll
      ? [...this.#topics.values()].map((topic) => this.#describe(topic))
      : (request.topics ?? []).map(({ name, topicId }): MetadataResponseTopicInput => {
          const topic = name === null ? this.#topicsById.get(topicId) : this.topic(name);
          if (topic !== undefined) return this.#describe(topic);
          return { errorCode: unknownTopicId, name: version >= 12 ? null : '', topicId, partitions: [] };
        });
    const brokers = this.ports.map((port, index) => ({ nodeId: index + 1, host: '127.0.0.1', port }));
    return { brokers, clusterId: 'null', controllerId: 1, topics };
  }

  #describe({ name, topicId, partitions }: Topic): MetadataResponseTopicInput {
    const describe = (partitionIndex: number) => {
      const leaderId = (partitionIndex % this.ports.length) + 1;
      const nodes = [leaderId];
      return { errorCode: noError, partitionIndex, leaderId, leaderEpoch: 0, replicaNodes: nodes, isrNodes: nodes };
    };
    return { errorCode: noError, name, topicId, partitions: partitions.map((_, index) => describe(index)) };
  }

  #produce(request: ProduceRequest) {
    this.counts.produceRequests++;
    const responses = request.topicData.map(({ name, topicId, partitionData }) => {
      const topic = topicId === zeroUuid ? this.topic(name) : this.#topicsById.get(topicId);
      const partitionResponses = partitionData.map(({ index, records }) =>
        this.#partitionAnswer(topic, index, records),
      );
      return { name, topicId, partitionResponses };
    });
    return { responses };
  }

  #partitionAnswer(
    topic: Topic | undefined,
    index: number,
    records: Uint8Array | null,
  ): ProduceResponsePartitionProduceResponseInput {
    const partition = topic?.partitions[index];
    const base = partition?.end ?? -1;
    let errorCode = topic === undefined ? unknownTopicId : unknownPartition;
    if (partition !== undefined) errorCode = this.#append(partition, records ?? new Uint8Array(0));
    if (errorCode !== noError) this.counts.errors++;
    return { index, errorCode, baseOffset: BigInt(errorCode === noError ? base : -1), logStartOffset: 0n };
  }

  #append(partition: Partition, bytes: Uint8Array): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length; ) {
      const size = bytes.length - at < 61 ? 0 : view.getInt32(at + 8) + 12;
      if (size < 61 || size > bytes.length - at || bytes[at + 16] !== 2) return corruptMessage;
      this.counts.batches++;
      this.counts.batchBytes += size;
      if (crc32c(bytes.subarray(at + 21, at + size)) !== view.getUint32(at + 17)) {
        this.counts.crcErrors++;
        return corruptMessage;
      }
      const count = view.getInt32(at + 57);
      if (count < 1 || view.getInt32(at + 23) !== count - 1) return corruptMessage;
      const producerId = view.getBigInt64(at + 43);
      if (producerId >= 0n) {
        const sequence = view.getInt32(at + 53);
        if (sequence !== (partition.nextSequences.get(producerId) ?? 0)) {
          this.counts.sequenceErrors++;
          return outOfOrderSequence;
        }
        partition.nextSequences.set(producerId, (sequence + count) % 0x8000_0000);
      }
      partition.end += count;
      this.counts.records += count;
      at += size;
    }
    return noError;
  }
}

function obey(broker: NullBroker, line: string): object {
  const [order, ...args] = line.split(' ');
  switch (order) {
    case 'stats': {
      const cpu = process.cpuUsage();
      return { ...broker.counts, cpuMicros: cpu.user + cpu.system };
    }
    case 'reset':
      broker.counts = { ...zeroCounts };
      return {};
    case 'topic':
      broker.topic(args[0]!, Number(args[1]));
      return {};
    case 'topics':
      for (let i = 0; i < Number(args[1]); i++) broker.topic(`${args[0]}${i}`, Number(args[2]));
      return {};
    case 'records':
      return { records: broker.recordsIn(args[0]!) };
    case 'delay':
      broker.delayMs = Number(args[0]) / 1000;
      return {};
    default:
      return { error: 'unknown order' };
  }
}

const settings = new Map<string, number>();
for (let i = 2; i + 1 < process.argv.length; i += 2) settings.set(process.argv[i]!, Number(process.argv[i + 1]));
const broker = new NullBroker(settings.get('--partitions') ?? 6);
broker.delayMs = (settings.get('--delay-us') ?? 0) / 1000;
for (let i = 0; i < (settings.get('--brokers') ?? 1); i++) {
  const server = createServer((socket) => broker.serve(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  broker.ports.push(address.port);
}
console.log(JSON.stringify({ ports: broker.ports }));
for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(obey(broker, line)));
process.exit(0);
