import type { RequestMessage, ResponseMessage } from '@kiel/codec/client';
import type { ActorRefFrom } from 'xstate';
import { newestCommon, noCommonVersion } from './api-versions.ts';
import type { brokerMachine } from './broker-machine.ts';
import type { Connection } from './connection.ts';
import { ConnectionError } from './errors.ts';
import type { PartitionQueue } from './partition-queue.ts';
import type { NodeMeters } from './telemetry/meters.ts';

interface Call {
  run(connection: Connection): void;
  fail(error: Error): void;
}

/** One broker, or one entry of `brokers`: its connection, and what waits for it. */
export class BrokerLink {
  /** Unique among all links that ever were. */
  readonly key: string;
  /** Null for an entry of `brokers`. */
  nodeId: number | null;
  readonly host: string;
  readonly port: number;
  rack: string | null;
  /** What goes to it and comes from it. */
  readonly meters: NodeMeters;
  /** Partitions led here that have something due. */
  readonly ready = new Set<PartitionQueue>();
  /** Produce requests without answer. */
  inFlight = 0;
  connection: Connection | null = null;
  /** Why the last connection ended or failed. */
  lastError: ConnectionError | null = null;
  /** Its machine; null until the broker is first needed, since a cluster may have thousands that never are. */
  actor: ActorRefFrom<typeof brokerMachine> | null = null;
  /** The cluster has no such broker any more; it ends when its last answer is in. */
  isLeaving = false;
  /** Its last connection ended as brokers end it that cannot refuse in words: soon after a request without answer. */
  isRefusing = false;
  readonly #start: (link: BrokerLink) => void;
  #calls: Call[] = [];

  /** @param start - sets `actor`, at once or soon, and wakes the link again if it is late. */
  constructor(
    key: string,
    nodeId: number | null,
    host: string,
    port: number,
    rack: string | null,
    meters: NodeMeters,
    start: (link: BrokerLink) => void,
  ) {
    this.#start = start;
    this.key = key;
    this.nodeId = nodeId;
    this.host = host;
    this.port = port;
    this.rack = rack;
    this.meters = meters;
  }

  get name(): string {
    const address = this.host.includes(':') ? `[${this.host}]:${this.port}` : `${this.host}:${this.port}`;
    return this.nodeId === null ? address : `broker ${this.nodeId} (${address})`;
  }

  /** Requests wait for a connection. Not while its machine starts: it is told to connect when it can be told things. */
  get isWanted(): boolean {
    return !this.isLeaving && this.actor !== null && (this.ready.size > 0 || this.#calls.length > 0);
  }

  /** A request can be written now. A connection that is ending may still be here while its requests fail. */
  get isReady(): boolean {
    return this.connection?.isOpen === true && this.actor?.getSnapshot().value === 'ready';
  }

  /** Its machine has not heard of an end of the connection. */
  get wasReady(): boolean {
    const state = this.actor?.getSnapshot().value;
    return state === 'ready' || state === 'throttled';
  }

  /** It could not be reached the last time. */
  get isFailing(): boolean {
    return this.isLeaving || (this.actor?.getSnapshot().context.failures ?? 0) > 0;
  }

  /** Asks for a connection if there is none. */
  wake(): void {
    if (this.actor === null) this.#start(this);
    this.actor?.send({ type: 'connect' });
  }

  /** Sends one request as soon as there is a connection, in the newest version that both sides have. */
  call<Input, Value>(
    message: RequestMessage<unknown, Input>,
    answer: ResponseMessage<Value, never>,
    bodyFor: (version: number) => Input,
  ): Promise<{ version: number; body: Value }> {
    return new Promise((resolve, reject) => {
      if (this.isLeaving) {
        reject(new ConnectionError('CLOSED', `${this.name} is not used any more`));
        return;
      }
      const call: Call = {
        run: (connection) => {
          const version = newestCommon(connection.versions!, message);
          if (version < 0) {
            reject(noCommonVersion(this.name, connection.versions!, message));
            return;
          }
          connection
            .call(message, answer, version, bodyFor(version))
            .then((body) => resolve({ version, body }), reject);
        },
        fail: reject,
      };
      if (this.isReady) call.run(this.connection!);
      else {
        this.#calls.push(call);
        this.wake();
      }
    });
  }

  /** The connection stands: what waited goes out. */
  runCalls(): void {
    const calls = this.#calls;
    this.#calls = [];
    for (const call of calls) call.run(this.connection!);
  }

  failCalls(error: Error): void {
    const calls = this.#calls;
    this.#calls = [];
    for (const call of calls) call.fail(error);
  }
}
