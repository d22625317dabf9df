import { connect } from 'node:net';
import {
  CreateTopicsRequest,
  CreateTopicsResponse,
  DeleteTopicsRequest,
  DeleteTopicsResponse,
  decodeResponseAs,
  encodeRequest,
  FrameDecoder,
  ListOffsetsRequest,
  ListOffsetsResponse,
  type RequestMessage,
  type ResponseMessage,
} from '@kiel/codec';

/** Makes, counts and removes topics of a real broker that leads all their partitions. */
export class BrokerAdmin {
  readonly #host: string;
  readonly #port: number;

  constructor(address: string) {
    const colon = address.lastIndexOf(':');
    this.#host = address.slice(0, colon);
    this.#port = Number(address.slice(colon + 1));
  }

  async makeTopic(name: string, partitions: number): Promise<void> {
    const topic = { name, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] };
    const answer = await this.#ask(CreateTopicsRequest, CreateTopicsResponse, 2, {
      topics: [topic],
      timeoutMs: 30_000,
    });
    const { errorCode } = answer.topics[0]!;
    if (errorCode !== 0) throw new Error(`the broker refuses to make ${name}: error ${errorCode}`);
    for (let tries = 0; ; tries++) {
      try {
        await this.recordsIn(name, partitions);
        return;
      } catch (error) {
        if (tries === 100) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100)); // leaders come a moment after the topic
      }
    }
  }

  /** The end offsets, added up. */
  async recordsIn(name: string, partitions: number): Promise<number> {
    const asked = Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, timestamp: -1n }));
    const answer = await this.#ask(ListOffsetsRequest, ListOffsetsResponse, 1, {
      replicaId: -1,
      topics: [{ name, partitions: asked }],
    });
    let sum = 0;
    for (const { errorCode, offset } of answer.topics[0]!.partitions) {
      if (errorCode !== 0) throw new Error(`the broker does not tell the offsets of ${name}: error ${errorCode}`);
      sum += Number(offset);
    }
    return sum;
  }

  async removeTopic(name: string): Promise<void> {
    await this.#ask(DeleteTopicsRequest, DeleteTopicsResponse, 1, { topicNames: [name], timeoutMs: 30_000 });
  }

  #ask<Input, Value>(
    request: RequestMessage<unknown, Input>,
    response: ResponseMessage<Value, never>,
    version: number,
    body: Input,
  ): Promise<Value> {
    return new Promise((resolve, reject) => {
      const frames = new FrameDecoder();
      const socket = connect(this.#port, this.#host);
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        for (const frame of frames.push(chunk)) {
          socket.destroy();
          resolve(decodeResponseAs(response, frame, version).body);
        }
      });
      socket.write(encodeRequest({ message: request, version, correlationId: 1, clientId: 'bench', body }));
    });
  }
}
