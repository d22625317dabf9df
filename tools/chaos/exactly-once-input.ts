import { setTimeout as sleep } from 'node:timers/promises';
import {
  decodeResponseAs,
  encodeRequest,
  FetchRequest,
  FetchResponse,
  FindCoordinatorRequest,
  FindCoordinatorResponse,
  OffsetFetchRequest,
  OffsetFetchResponse,
  type RequestMessage,
  type ResponseMessage,
  readRecords,
} from '@kiel/codec';
import { nodeCompressions } from '@kiel/codec/node';
import { askMetadata, RawConnection } from '../kafka/wire.ts';

export interface InputRecord {
  readonly offset: number;
  readonly value: string;
}

const decoder = new TextDecoder();

/**
 * A consumer of one group and one topic, as much of one as a worker needs that has all partitions to itself. It asks
 * until it is answered: brokers die under it.
 */
export class Input {
  readonly #ports: readonly number[];
  readonly #topic: string;
  readonly #group: string;
  readonly #leaders = new Map<number, RawConnection>();

  constructor(ports: readonly number[], topic: string, group: string) {
    this.#ports = ports;
    this.#topic = topic;
    this.#group = group;
  }

  /** Where the group stands in each partition, once no transaction that would move it is open. */
  positions(partitions: number): Promise<number[]> {
    return patiently(async () => {
      const port = await coordinatorPort(this.#ports, 'group', this.#group);
      const connection = await RawConnection.open(port);
      try {
        const partitionIndexes = Array.from({ length: partitions }, (_, index) => index);
        const { groups } = await ask(connection, OffsetFetchRequest, OffsetFetchResponse, 8, {
          groups: [{ groupId: this.#group, topics: [{ name: this.#topic, partitionIndexes }] }],
          requireStable: true,
        });
        const found = groups[0]?.topics[0]?.partitions ?? [];
        const code = groups[0]?.errorCode || found.find(({ errorCode }) => errorCode !== 0)?.errorCode;
        if (code || found.length !== partitions) throw new Error(`the group's offsets are not known: ${code}`);
        const positions = new Array<number>(partitions).fill(0);
        for (const { partitionIndex, committedOffset } of found) {
          positions[partitionIndex] = Math.max(0, Number(committedOffset));
        }
        return positions;
      } finally {
        connection.close();
      }
    });
  }

  /** Records from an offset on: some, or none when there are no more. */
  read(partition: number, from: number): Promise<InputRecord[]> {
    return patiently(async () => {
      try {
        return await this.#fetch(partition, from);
      } catch (error) {
        this.#leaders.get(partition)?.close();
        this.#leaders.delete(partition);
        throw error;
      }
    });
  }

  async #fetch(partition: number, from: number): Promise<InputRecord[]> {
    let connection = this.#leaders.get(partition);
    if (connection === undefined) {
      connection = await RawConnection.open(await this.#leaderPort(partition));
      this.#leaders.set(partition, connection);
    }
    const { responses } = await ask(connection, FetchRequest, FetchResponse, 10, {
      replicaId: -1,
      maxWaitMs: 100,
      minBytes: 1,
      maxBytes: 64 << 10,
      topics: [
        {
          topic: this.#topic,
          partitions: [{ partition, fetchOffset: BigInt(from), partitionMaxBytes: 64 << 10 }],
        },
      ],
    });
    const outcome = responses[0]?.partitions[0];
    if (outcome?.errorCode !== 0) throw new Error(`Fetch: code ${outcome?.errorCode}`);
    const records: InputRecord[] = [];
    for (const { offset, value } of readRecords(outcome.records ?? new Uint8Array(0), {
      compressions: nodeCompressions,
    })) {
      if (offset >= BigInt(from)) records.push({ offset: Number(offset), value: decoder.decode(value ?? undefined) });
    }
    return records;
  }

  async #leaderPort(partition: number): Promise<number> {
    for (const port of this.#ports) {
      try {
        const { brokers, topics } = await askMetadata(port, [this.#topic]);
        const leader = topics[0]?.partitions.find((each) => each.partition === partition)?.leader;
        const broker = brokers.find(({ id }) => id === leader);
        if (broker !== undefined) return broker.port;
      } catch {}
    }
    throw new Error(`no leader of ${this.#topic}-${partition} can be found`);
  }
}

/** The port of the broker that coordinates a group or a transactional id, as soon as there is one. */
export function coordinatorPort(ports: readonly number[], kind: 'group' | 'transaction', key: string): Promise<number> {
  return patiently(() => askForCoordinator(ports, kind, key));
}

async function askForCoordinator(
  ports: readonly number[],
  kind: 'group' | 'transaction',
  key: string,
): Promise<number> {
  for (const port of ports) {
    let connection: RawConnection | undefined;
    try {
      connection = await RawConnection.open(port);
      const { coordinators } = await ask(connection, FindCoordinatorRequest, FindCoordinatorResponse, 4, {
        keyType: kind === 'group' ? 0 : 1,
        coordinatorKeys: [key],
      });
      const found = coordinators[0];
      if (found?.errorCode === 0) return found.port;
    } catch {
    } finally {
      connection?.close();
    }
  }
  throw new Error(`no coordinator of ${kind} "${key}" can be found`);
}

async function ask<Request, Value>(
  connection: RawConnection,
  message: RequestMessage<unknown, Request>,
  answer: ResponseMessage<Value, never>,
  version: number,
  body: Request,
): Promise<Value> {
  connection.send(encodeRequest({ message, version, correlationId: 1, clientId: 'exactly-once', body }));
  const frame = await connection.frame();
  if (frame === null) throw new Error(`no answer to ${message.name}`);
  return decodeResponseAs(answer, frame, version).body;
}

async function patiently<Value>(work: () => Promise<Value>): Promise<Value> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === 240) throw error;
      await sleep(250);
    }
  }
}
