import {
  MetadataRequest,
  MetadataResponse,
  type MetadataResponseTopic,
  type RequestMessage,
  type ResponseMessage,
} from '@kiel/codec';
import { type Address, type Connection, parseAddress, showAddress } from '../config/connection-options.ts';
import { exitCodes, Failure } from '../failure.ts';
import { seconds } from '../terminal/quantity.ts';
import { BrokerConnection } from './broker-connection.ts';
import { errorText } from './error-text.ts';
import { Unreachable } from './socket.ts';

export interface Broker extends Address {
  readonly nodeId: number;
  readonly rack: string | null;
}

export interface ClusterPicture {
  readonly clusterId: string | null;
  readonly controllerId: number;
  readonly brokers: readonly Broker[];
  readonly topics: readonly MetadataResponseTopic[];
}

/** Errors that a moment later are gone: the topic is being created, a leader elected, a broker started. */
const passing = new Set([3, 5, 6, 7, 9, 13, 14, 15, 16, 72, 74, 75, 76, 100]);
const REPLICA_NOT_AVAILABLE = 9;
const RETRY_MS = 200;

/**
 * The command's own small client, for reading and looking: it asks one question at a time and repeats it
 * until its deadline. Producing is the producer's business.
 */
export class ClusterClient {
  readonly settings: Connection;
  readonly timeoutMs: number;
  readonly #connections = new Map<string, BrokerConnection>();
  #bootstrap: BrokerConnection;
  #brokers = new Map<number, Broker>();

  private constructor(settings: Connection, timeoutMs: number, bootstrap: BrokerConnection) {
    this.settings = settings;
    this.timeoutMs = timeoutMs;
    this.#bootstrap = bootstrap;
  }

  /**
   * Tries every address, again and again until the time is up.
   * @throws Failure that names each address tried, why it failed, and what to check.
   */
  static async connect(settings: Connection, timeoutMs: number, signal?: AbortSignal): Promise<ClusterClient> {
    const deadline = performance.now() + timeoutMs;
    const addresses = settings.brokers.map(parseAddress);
    const reasons = new Map<string, string>();
    for (let round = 0; ; round++) {
      for (const address of addresses) {
        const left = deadline - performance.now();
        if (left <= 0 && round > 0) break;
        try {
          const opening = BrokerConnection.open(address, settings, Math.max(1, left));
          const bootstrap = await unlessAborted(opening, signal);
          return new ClusterClient(settings, timeoutMs, bootstrap);
        } catch (error) {
          if (!(error instanceof Unreachable)) throw error;
          reasons.set(error.address, error.reason);
        }
      }
      const pauseMs = RETRY_MS * 2 ** Math.min(round, 3);
      if (signal?.aborted === true) throw interrupted();
      if (performance.now() + pauseMs >= deadline) throw unreachable(reasons, timeoutMs);
      await pause(pauseMs, signal);
    }
  }

  async picture(topics: readonly string[] | null, options: { create?: boolean } = {}): Promise<ClusterPicture> {
    const connection = await this.#any();
    const version = connection.commonVersion(MetadataRequest);
    // Before version 1 an empty list meant all topics, and later versions say null.
    const asked = topics === null ? (version === 0 ? [] : null) : topics.map((name) => ({ name }));
    const create = version >= 4 ? { allowAutoTopicCreation: options.create ?? false } : {};
    const answer = await connection.request(MetadataRequest, MetadataResponse, version, { topics: asked, ...create });
    this.#brokers = new Map(answer.brokers.map((broker) => [broker.nodeId, broker]));
    return {
      clusterId: answer.clusterId,
      controllerId: answer.controllerId,
      brokers: answer.brokers,
      topics: answer.topics,
    };
  }

  /** The topic with a leader for each partition, waited for until the deadline. @throws Failure */
  async topic(
    name: string,
    options: { create?: boolean; signal?: AbortSignal | undefined; wait?: boolean } = {},
  ): Promise<MetadataResponseTopic> {
    const deadline = performance.now() + this.timeoutMs;
    for (;;) {
      const { topics } = await this.picture([name], options);
      const topic = topics.find((each) => each.name === name) ?? topics[0];
      const faults = topic === undefined ? [3] : [topic.errorCode, ...topic.partitions.map((each) => each.errorCode)];
      // A replica that is not there does not keep anybody from the leader.
      const fault = faults.find((code) => code !== 0 && code !== REPLICA_NOT_AVAILABLE);
      if (fault === undefined) return topic!;
      const mayPass = passing.has(fault) && (fault !== 3 || options.create === true);
      if (options.signal?.aborted === true) throw interrupted();
      const isLate = performance.now() + RETRY_MS >= deadline;
      if (!mayPass || isLate) throw await this.#topicFailure(name, fault);
      await pause(RETRY_MS, options.signal);
    }
  }

  /** Whether the broker first met knows this version of an API. */
  speaks({ apiKey }: { readonly apiKey: number }, version: number): boolean {
    const range = this.#bootstrap.versions.get(apiKey);
    return range !== undefined && range.minVersion <= version && version <= range.maxVersion;
  }

  broker(nodeId: number): Broker | undefined {
    return this.#brokers.get(nodeId);
  }

  /** A connection to this node of the last picture. @throws Unreachable, Failure */
  async connection(nodeId: number): Promise<BrokerConnection> {
    const broker = this.#brokers.get(nodeId);
    if (broker === undefined) throw new Failure(`The cluster does not know broker ${nodeId}.`);
    const key = showAddress(broker);
    const open = this.#connections.get(key);
    if (open !== undefined) return open;
    const connection = await BrokerConnection.open(
      { host: broker.host, port: broker.port },
      this.settings,
      this.timeoutMs,
    );
    this.#connections.set(key, connection);
    return connection;
  }

  async requestFrom<I, O>(
    nodeId: number,
    request: RequestMessage<unknown, I>,
    response: ResponseMessage<O, never>,
    build: (version: number) => I,
    most?: number,
    timeoutMs?: number,
  ): Promise<O> {
    const connection = await this.connection(nodeId);
    const version = connection.commonVersion(request as RequestMessage<unknown, never>, most);
    try {
      return await connection.request(request, response, version, build(version), timeoutMs);
    } catch (error) {
      if (error instanceof Unreachable) this.forget(nodeId);
      throw error;
    }
  }

  /** The connection is of no use any more; the next request opens another. */
  forget(nodeId: number): void {
    const broker = this.#brokers.get(nodeId);
    if (broker === undefined) return;
    const key = showAddress(broker);
    this.#connections.get(key)?.close();
    this.#connections.delete(key);
  }

  close(): void {
    this.#bootstrap.close();
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  async #any(): Promise<BrokerConnection> {
    if (this.#bootstrap.isOpen) return this.#bootstrap;
    const seen = [...this.#brokers.values()].map(showAddress);
    const brokers = [...new Set([...this.settings.brokers, ...seen])];
    const other = await ClusterClient.connect({ ...this.settings, brokers }, this.timeoutMs);
    this.#bootstrap = other.#bootstrap;
    return this.#bootstrap;
  }

  async #topicFailure(name: string, code: number): Promise<Failure> {
    if (code !== 3) return new Failure(`Topic ${name}: ${errorText(code)}.`, { hint: hintFor(code) });
    const { topics } = await this.picture(null).catch(() => ({ topics: [] }));
    const names = topics.map((topic) => topic.name ?? '').filter((each) => each !== '');
    const near = names.filter((each) => each.toLowerCase().includes(name.toLowerCase().slice(0, 4))).slice(0, 5);
    const hint = near.length > 0 ? `There is ${near.join(', ')}.` : 'kiel meta lists the topics there are.';
    return new Failure(`The cluster has no topic ${name}.`, { hint });
  }
}

/** Rejects at an abort, at once; a connection that opens later is closed. */
function unlessAborted(opening: Promise<BrokerConnection>, signal: AbortSignal | undefined): Promise<BrokerConnection> {
  if (signal === undefined) return opening;
  return new Promise((resolve, reject) => {
    const stop = () => {
      reject(interrupted());
      opening.then(
        (connection) => connection.close(),
        () => {},
      );
    };
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    opening.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** Ctrl-C came before there was anything to end in good order. */
function interrupted(): Failure {
  return new Failure('Stopped before the cluster had answered.', { exitCode: exitCodes.interrupted });
}

function hintFor(code: number): string | undefined {
  if (code === 17) return 'Topic names have letters, digits, ".", "_" and "-", 249 at most.';
  if (code === 29) return 'This user may not do that with this topic: ask for the right to it.';
  if (code === 5) return 'A partition has no leader: are all brokers of the cluster up?';
  return undefined;
}

function unreachable(reasons: ReadonlyMap<string, string>, timeoutMs: number): Failure {
  const tried = [...reasons].map(([address, reason]) => `\n  ${address}: ${reason}`).join('');
  return new Failure(`No broker could be reached within ${seconds(timeoutMs)}.${tried}`, {
    hint: 'Check that a broker runs there, that host and port are right, and that no firewall stands between.',
  });
}

export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
