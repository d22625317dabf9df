import {
  decodeResponseAs,
  encodeRequest,
  FetchRequest,
  FetchResponse,
  ListOffsetsRequest,
  ListOffsetsResponse,
  type RequestMessage,
  type ResponseMessage,
  readBatches,
} from '@kiel/codec';
import { nodeCompressions } from '@kiel/codec/node';
import type { ReadLog } from '@kiel/mock-cluster';
import { type BrokerPlace, isAtLeast, type KafkaAccess } from '../kafka/index.ts';
import { askMetadata, RawConnection } from '../kafka/wire.ts';

/** Versions that a range of releases shares: they speak of topics by name. */
function versionsOf(kafka: string): { fetch: number; listOffsets: number } {
  if (isAtLeast(kafka, '2.1')) return { fetch: 10, listOffsets: 1 }; // the first in which zstd may come
  if (isAtLeast(kafka, '0.11')) return { fetch: 4, listOffsets: 1 };
  if (isAtLeast(kafka, '0.10.1')) return { fetch: 3, listOffsets: 1 };
  return { fetch: 0, listOffsets: 0 };
}

/** All that a consumer can see of a topic, each partition from its leader, in the broker's bytes. */
export async function readBack(kafka: KafkaAccess, topic: string): Promise<ReadLog[]> {
  const picture = await askMetadata(kafka.brokers[0]!.port, [topic]);
  const partitions = picture.topics[0]?.partitions ?? [];
  const logs: ReadLog[] = [];
  for (const { partition, leader } of partitions.sort((a, b) => a.partition - b.partition)) {
    const place = kafka.brokers.find(({ id }) => id === leader);
    if (place === undefined) throw new Error(`${topic}-${partition} has no leader to read from`);
    logs.push(await readPartition(kafka.version, place, topic, partition));
  }
  return logs;
}

async function readPartition(kafka: string, place: BrokerPlace, topic: string, partition: number): Promise<ReadLog> {
  const reader = new Reader(await RawConnection.open(place.port), versionsOf(kafka), topic, partition);
  try {
    const startOffset = await reader.offsetAt(-2n);
    const end = await reader.offsetAt(-1n);
    const chunks: Uint8Array[] = [];
    for (let next = startOffset; next < end; ) {
      const chunk = await reader.fetch(next);
      let after = next;
      for (const batch of readBatches(chunk, { compressions: nodeCompressions })) after = batch.nextOffset;
      if (after === next) throw new Error(`${topic}-${partition}: nothing whole came from offset ${next} on`);
      chunks.push(chunk);
      next = after;
    }
    return { topic, partition, startOffset: Number(startOffset), chunks };
  } finally {
    reader.close();
  }
}

class Reader {
  readonly #connection: RawConnection;
  readonly #versions: { fetch: number; listOffsets: number };
  readonly #topic: string;
  readonly #partition: number;
  #correlationId = 0;

  constructor(
    connection: RawConnection,
    versions: { fetch: number; listOffsets: number },
    topic: string,
    partition: number,
  ) {
    this.#connection = connection;
    this.#versions = versions;
    this.#topic = topic;
    this.#partition = partition;
  }

  close(): void {
    this.#connection.close();
  }

  /** @param timestamp - -2 for the first offset, -1 for the one after the last. */
  async offsetAt(timestamp: bigint): Promise<bigint> {
    const partitions = [{ partitionIndex: this.#partition, timestamp, maxNumOffsets: 1 }];
    const body = { replicaId: -1, topics: [{ name: this.#topic, partitions }] };
    const version = this.#versions.listOffsets;
    const answer = await this.#ask(ListOffsetsRequest, ListOffsetsResponse, version, body);
    const outcome = answer.topics[0]?.partitions[0];
    if (outcome?.errorCode !== 0) throw new Error(`ListOffsets of ${this.#name}: code ${outcome?.errorCode}`);
    return version === 0 ? (outcome.oldStyleOffsets[0] ?? 0n) : outcome.offset;
  }

  async fetch(fetchOffset: bigint): Promise<Uint8Array> {
    const version = this.#versions.fetch;
    const partitions = [{ partition: this.#partition, fetchOffset, partitionMaxBytes: 4 << 20 }];
    const body = {
      replicaId: -1,
      maxWaitMs: 1000,
      minBytes: 1,
      ...(version >= 3 ? { maxBytes: 8 << 20 } : {}),
      topics: [{ topic: this.#topic, partitions }],
    };
    const answer = await this.#ask(FetchRequest, FetchResponse, version, body);
    const outcome = answer.responses[0]?.partitions[0];
    if (outcome?.errorCode !== 0) {
      throw new Error(`Fetch of ${this.#name} from ${fetchOffset}: code ${outcome?.errorCode ?? answer.errorCode}`);
    }
    return outcome.records ?? new Uint8Array(0);
  }

  get #name(): string {
    return `${this.#topic}-${this.#partition}`;
  }

  async #ask<Input, Value>(
    request: RequestMessage<unknown, Input>,
    response: ResponseMessage<Value, never>,
    version: number,
    body: Input,
  ): Promise<Value> {
    const correlationId = ++this.#correlationId;
    this.#connection.send(encodeRequest({ message: request, version, correlationId, clientId: 'chaos', body }));
    const frame = await this.#connection.frame(30_000);
    if (frame === null) throw new Error(`${request.name} v${version}: no answer (${this.#connection.ending})`);
    return decodeResponseAs(response, new Uint8Array(frame), version).body;
  }
}
