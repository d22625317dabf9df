import {
  decodeResponseAs,
  encodeRequest,
  FetchRequest,
  FetchResponse,
  ListOffsetsRequest,
  ListOffsetsResponse,
  MetadataRequest,
  MetadataResponse,
  ProduceRequest,
  ProduceResponse,
  type RequestMessage,
  type ResponseMessage,
  readBatches,
} from '@kiel/codec';
import { nodeCompressions } from '@kiel/codec/node';
import { isAtLeast, type KafkaAccess } from '../../tools/kafka/index.ts';
import { RawConnection } from '../../tools/kafka/wire.ts';

interface Versions {
  produce: number;
  fetch: number;
  metadata: number;
  listOffsets: number;
}

/** The newest that each release has, as its facts say, save that 0.8's are all 0. */
export function newestVersions(kafka: string): Versions {
  if (isAtLeast(kafka, '4.4')) return { produce: 13, fetch: 18, metadata: 13, listOffsets: 11 };
  if (isAtLeast(kafka, '3.9')) return { produce: 11, fetch: 17, metadata: 12, listOffsets: 9 };
  if (isAtLeast(kafka, '2.8')) return { produce: 9, fetch: 12, metadata: 11, listOffsets: 6 };
  if (isAtLeast(kafka, '1.1')) return { produce: 5, fetch: 7, metadata: 5, listOffsets: 2 };
  if (isAtLeast(kafka, '0.10')) return { produce: 2, fetch: 3, metadata: 2, listOffsets: 1 };
  return { produce: 0, fetch: 0, metadata: 0, listOffsets: 0 };
}

/** The codec and a socket, with nothing in between: what arrives at the broker is what the codec wrote. */
export class BareClient {
  readonly #connection: RawConnection;
  readonly #versions: Versions;
  #correlationId = 0;

  private constructor(connection: RawConnection, versions: Versions) {
    this.#connection = connection;
    this.#versions = versions;
  }

  static async open(kafka: KafkaAccess): Promise<BareClient> {
    const connection = await RawConnection.open(kafka.brokers[0]?.port ?? 0);
    return new BareClient(connection, newestVersions(kafka.version));
  }

  close(): void {
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Sends one partition's records; throws on an error code. Returns the base offset. */
  async produce(topic: string, partition: number, records: Uint8Array): Promise<bigint> {
    const version = this.#versions.produce;
    const name = version >= 13 ? { topicId: await this.#topicId(topic) } : { name: topic };
    const partitionData = [{ index: partition, records }];
    const body = { acks: -1, timeoutMs: 10_000, topicData: [{ ...name, partitionData }] };
    const answer = await this.#ask(ProduceRequest, ProduceResponse, version, body);
    const outcome = answer.responses[0]?.partitionResponses[0];
    if (outcome?.errorCode !== 0) throw new Error(`Produce: code ${outcome?.errorCode} ${outcome?.errorMessage}`);
    return outcome.baseOffset;
  }

  /** All batches of a partition, in the broker's bytes. */
  async fetchAll(topic: string, partition: number): Promise<Uint8Array[]> {
    const end = await this.endOffset(topic, partition);
    const fields: Uint8Array[] = [];
    let next = 0n;
    while (next < end) {
      const records = await this.#fetch(topic, partition, next);
      fields.push(records);
      next = nextOffsetOf(records, next);
    }
    return fields;
  }

  async endOffset(topic: string, partition: number): Promise<bigint> {
    const partitions = [{ partitionIndex: partition, currentLeaderEpoch: -1, timestamp: -1n, maxNumOffsets: 1 }];
    const body = { replicaId: -1, isolationLevel: 0, topics: [{ name: topic, partitions }] };
    const version = this.#versions.listOffsets;
    const answer = await this.#ask(ListOffsetsRequest, ListOffsetsResponse, version, body);
    const outcome = answer.topics[0]?.partitions[0];
    if (outcome?.errorCode !== 0) throw new Error(`ListOffsets: code ${outcome?.errorCode}`);
    return version === 0 ? (outcome.oldStyleOffsets[0] ?? -1n) : outcome.offset;
  }

  async #fetch(topic: string, partition: number, offset: bigint): Promise<Uint8Array> {
    const version = this.#versions.fetch;
    const name = version >= 13 ? { topicId: await this.#topicId(topic) } : { topic };
    const partitions = [{ partition, fetchOffset: offset, partitionMaxBytes: 4 << 20 }];
    const body = {
      ...(version < 15 ? { replicaId: -1 } : {}),
      maxWaitMs: 2000,
      minBytes: 1,
      ...(version >= 3 ? { maxBytes: 8 << 20 } : {}),
      topics: [{ ...name, partitions }],
    };
    const answer = await this.#ask(FetchRequest, FetchResponse, version, body);
    const outcome = answer.responses[0]?.partitions[0];
    if (outcome?.errorCode !== 0) throw new Error(`Fetch: code ${outcome?.errorCode ?? answer.errorCode}`);
    return outcome.records ?? new Uint8Array(0);
  }

  async #topicId(topic: string): Promise<string> {
    const body = { topics: [{ name: topic }] };
    const answer = await this.#ask(MetadataRequest, MetadataResponse, this.#versions.metadata, body);
    const found = answer.topics[0];
    if (found?.errorCode !== 0) throw new Error(`Metadata: code ${found?.errorCode}`);
    return found.topicId;
  }

  async #ask<Input, Value>(
    request: RequestMessage<unknown, Input>,
    response: ResponseMessage<Value, never>,
    version: number,
    body: Input,
  ): Promise<Value> {
    const correlationId = ++this.#correlationId;
    this.#connection.send(encodeRequest({ message: request, version, correlationId, clientId: 'interop', body }));
    const frame = await this.#connection.frame(15_000);
    if (frame === null) throw new Error(`${request.name} v${version}: no answer (${this.#connection.ending})`);
    const answer = decodeResponseAs(response, new Uint8Array(frame), version);
    if (answer.correlationId !== correlationId) throw new Error(`answer ${answer.correlationId} to ${correlationId}`);
    return answer.body;
  }
}

/** The offset after the last whole batch. */
function nextOffsetOf(records: Uint8Array, from: bigint): bigint {
  const batches = readBatches(records, { compressions: nodeCompressions });
  let next = from;
  for (const batch of batches) next = batch.nextOffset;
  if (next === from) throw new Error(`nothing whole came from offset ${from} on`);
  return next;
}
