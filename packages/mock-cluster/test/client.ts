import { connect, type Socket as NetSocket } from 'node:net';
import {
  type BatchSeal,
  correlationIdOf,
  decodeResponseAs,
  encodeRequest,
  FrameDecoder,
  ProduceRequest,
  ProduceResponse,
  RecordBatchBuilder,
  type RequestMessage,
  type ResponseMessage,
} from '@kiel/codec';
import type { InMemoryClient } from '../src/cluster.ts';
import type { Socket } from '../src/ports.ts';

/** A plain client for tests: one connection, answers matched by correlation id, bytes sent as given. */
export class TestClient {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #destroy: () => void;
  readonly #decoder = new FrameDecoder({ minFrameBytes: 0 });
  readonly #waiting = new Map<number, (frame: Uint8Array) => void>();
  #next = 1;
  readonly frames: Uint8Array[] = [];
  /** Settles when the other side ended the connection. */
  readonly ended: Promise<Error | null>;
  #end!: (error: Error | null) => void;

  private constructor(write: (bytes: Uint8Array) => void, destroy: () => void) {
    this.#write = write;
    this.#destroy = destroy;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  static memory(ports: InMemoryClient, address = ports.brokers[0]!): Promise<TestClient> {
    const [host, port] = address.split(':');
    return new Promise((resolve, reject) => {
      let socket: Socket;
      const client = new TestClient(
        (bytes) => socket.write([bytes]),
        () => socket.destroy(),
      );
      socket = ports.transport.connect(
        { host: host!, port: Number(port) },
        {
          connected: () => resolve(client),
          data: (chunk) => client.#data(chunk),
          drained() {},
          closed: (error) => {
            reject(error ?? new Error('closed'));
            client.#end(error);
          },
        },
      );
    });
  }

  static tcp(address: string): Promise<TestClient> {
    const [host, port] = address.split(':');
    return new Promise((resolve, reject) => {
      const socket: NetSocket = connect({ host: host!, port: Number(port) });
      const client = new TestClient(
        (bytes) => socket.write(bytes),
        () => socket.destroy(),
      );
      let failure: Error | null = null;
      socket.on('connect', () => resolve(client));
      socket.on('data', (chunk) => client.#data(chunk));
      socket.on('error', (error) => {
        failure = error;
      });
      socket.on('close', () => {
        reject(failure ?? new Error('closed'));
        client.#end(failure);
      });
    });
  }

  send(bytes: Uint8Array): void {
    this.#write(bytes);
  }

  destroy(): void {
    this.#destroy();
  }

  /** Sends a request and gives its answer; rejects when the connection ends first. */
  async call<Value, Input>(
    request: RequestMessage<unknown, Input>,
    response: ResponseMessage<Value, never>,
    version: number,
    body: Input,
  ): Promise<Value> {
    const correlationId = this.#next++;
    const answer = new Promise<Uint8Array>((resolve) => this.#waiting.set(correlationId, resolve));
    this.send(encodeRequest({ message: request, version, correlationId, clientId: 'test', body }));
    const frame = await Promise.race([answer, this.ended.then(() => null)]);
    if (frame === null) throw new Error('the connection ended before the answer');
    return decodeResponseAs(response, frame, version).body;
  }

  /** Produces one batch to one partition and gives that partition's answer. */
  async produce(topic: string, partition: number, records: Uint8Array | null, options: ProduceOptions = {}) {
    const { version = 11, acks = -1, transactionalId = null, timeoutMs = 30_000 } = options;
    const topicData = [{ name: topic, partitionData: [{ index: partition, records }] }];
    const body = { acks, timeoutMs, topicData, ...(version >= 3 ? { transactionalId } : {}) };
    const answer = await this.call(ProduceRequest, ProduceResponse, version, body);
    return answer.responses[0]!.partitionResponses[0]!;
  }

  #data(chunk: Uint8Array): void {
    for (const frame of this.#decoder.push(chunk)) {
      this.frames.push(frame);
      const waiting = frame.length >= 4 ? this.#waiting.get(correlationIdOf(frame)) : undefined;
      waiting?.(frame);
    }
  }
}

export interface ProduceOptions {
  readonly version?: number;
  readonly acks?: number;
  readonly transactionalId?: string | null;
  readonly timeoutMs?: number;
}

/** 2026-01-01, as the virtual clock begins. */
export const NOW = 1_767_225_600_000;

/** One batch of magic 2 with these values. */
export function batch(values: readonly string[], seal: BatchSeal = {}, timestampMs = NOW): Uint8Array {
  const builder = new RecordBatchBuilder({ limitBytes: 16_000_000 });
  for (const value of values) builder.tryAppend(timestampMs, null, value);
  return builder.seal(seal).slice();
}
