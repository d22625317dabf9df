import type { TlsOptions } from 'node:tls';
import type { Compressions } from '@kiel/codec';
import { nodeCompressions } from '@kiel/codec/node';
import { Broker } from './broker.ts';
import { SeededRandom } from './clock/random.ts';
import { realClock } from './clock/real-clock.ts';
import { VirtualClock } from './clock/virtual-clock.ts';
import { codeName } from './codes.ts';
import { type ClusterActs, Coordinators, type Core } from './core.ts';
import type { Ending } from './faults/plan.ts';
import { parseFault, type Rule, type RuleOptions, Rules } from './faults/rule.ts';
import { type LoggedRecord, type LogOptions, readLog } from './logged-record.ts';
import { type LinkOptions, MemoryNetwork } from './network/memory-network.ts';
import { TcpListener } from './network/tcp-listener.ts';
import type { Clock, Random, Transport } from './ports.ts';
import { type Profile, profileFor, withTwoPhaseCommit } from './profiles/profile.ts';
import { type RequestEntry, type RequestFilter, RequestLog, type RequestObserver } from './requests.ts';
import type { SaslPort } from './session.ts';
import { type BrokerNode, ClusterState, type ClusterView, type TopicOptions } from './state/cluster-state.ts';
import { GroupMembers } from './state/group-members.ts';
import { Groups } from './state/groups.ts';
import { type PushedMetrics, Telemetry, type TelemetrySubscription } from './state/telemetry.ts';
import type { Partition, Topic } from './state/topic.ts';
import { Transactions } from './state/transactions.ts';
import { check, type Verdict } from './verify/checker.ts';
import type { History } from './verify/history.ts';

/** One broker of a cluster. */
export interface BrokerOptions {
  readonly id?: number;
  readonly rack?: string;
  /** For TCP; a free one unless given. */
  readonly port?: number;
}

/** Options of `MockCluster.start`; all have defaults. */
export interface MockClusterOptions {
  /** How many, with ids from 1, or each by itself. One unless given. */
  readonly brokers?: number | readonly BrokerOptions[];
  /** Topics to begin with: `{ orders: { partitions: 6 } }`, `{ orders: 6 }` or `['orders']`. */
  readonly topics?: readonly string[] | Readonly<Record<string, number | TopicOptions>>;
  /** Whose manners the brokers have: `4.4`, `3.9`, `2.8`, `1.1`, `0.10.2`, `0.8.2`. */
  readonly version?: string;
  /** Everything random follows from it. */
  readonly seed?: number | string;
  /** False opens no socket at all: only `inMemory()` reaches the cluster. */
  readonly tcp?: boolean;
  /** Where to listen, and what Metadata says. */
  readonly host?: string;
  /** Links in memory; 0.2 to 2 ms each way unless given. */
  readonly link?: LinkOptions;
  /** As Kafka's `auto.create.topics.enable`: true unless given. */
  readonly autoCreateTopics?: boolean;
  /** Partitions of a topic that does not say: 1. */
  readonly defaultPartitions?: number;
  /** Replicas of a topic that does not say: 3, or as many as there are brokers. */
  readonly replicationFactor?: number;
  /** Bytes that each partition keeps; all unless given. */
  readonly retentionBytes?: number;
  /** How many requests `requests()` remembers: 10,000, within 64 MiB. 0 remembers none. */
  readonly requestHistory?: number;
  /** How long after EndTxn the markers are written; at once unless given. */
  readonly transactionMarkerDelayMs?: number;
  /** Brokers of 4.4 take part in commits of two phases (KIP-939), which real ones do when told to. */
  readonly transactionTwoPhaseCommit?: boolean;
  /** Options of `tls.createServer`: clients over TCP must speak TLS. */
  readonly tls?: TlsOptions;
  /** Clients must authenticate; `new SaslServer({ users })` lets some in. */
  readonly sasl?: SaslPort;
  readonly compressions?: Required<Compressions>;
  /** Brokers take their clients' metrics (KIP-714) and ask for these. They do not unless given. */
  readonly telemetry?: TelemetrySubscription;
}

/** What a client takes to live in memory with the cluster: spread it into `createProducer`. */
export interface InMemoryClient {
  readonly brokers: string[];
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
}

const HISTORY_BYTES = 64 * 1024 * 1024;

/**
 * Kafka brokers in this process, on the real wire format. Over TCP any client can use them; in memory a client
 * runs on a virtual clock, and everything that happens follows from the seed.
 */
export class MockCluster implements ClusterActs, AsyncDisposable {
  readonly profile: Profile;
  readonly seed: number | string;
  /** The virtual time of the in-memory side. */
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  readonly #options: MockClusterOptions;
  readonly #random: SeededRandom;
  readonly #core: Core;
  readonly #requests: RequestLog;
  readonly #staleViews = new Map<Rule, ClusterView>();
  readonly #brokers = new Map<number, Broker>();
  readonly #listeners = new Map<number, TcpListener>();
  readonly #host: string;
  readonly #startedAt: number;
  #clients = 0;
  #nextPort = 9092;
  #nextId = 1;

  private constructor(options: MockClusterOptions) {
    this.#options = options;
    const profile = profileFor(options.version);
    this.profile = options.transactionTwoPhaseCommit === true ? withTwoPhaseCommit(profile) : profile;
    this.seed = options.seed ?? 'kiel';
    this.#random = new SeededRandom(this.seed);
    this.clock = new VirtualClock();
    this.network = new MemoryNetwork(this.clock, this.#random.fork('links'), options.link ?? { latencyMs: [0.2, 2] });
    this.#host = options.host ?? '127.0.0.1';
    this.#startedAt = realClock.now();
    this.#requests = new RequestLog(options.requestHistory ?? 10_000, HISTORY_BYTES);
    const state = new ClusterState({
      profile: this.profile,
      random: this.#random,
      autoCreateTopics: options.autoCreateTopics ?? true,
      defaultPartitions: options.defaultPartitions ?? 1,
      replicationFactor: options.replicationFactor ?? 3,
      retentionBytes: options.retentionBytes ?? -1,
    });
    const groups = new Groups();
    const transactions = new Transactions(state, groups);
    transactions.markerDelayMs = options.transactionMarkerDelayMs ?? 0;
    transactions.allowsTwoPhaseCommit = options.transactionTwoPhaseCommit === true;
    this.#core = {
      state,
      groups,
      transactions,
      members: new GroupMembers(),
      rules: new Rules(this.#random),
      random: this.#random.fork('core'),
      compressions: options.compressions ?? nodeCompressions,
      coordinators: new Coordinators(state),
      keepsRequests: () => this.#requests.isOn,
      acts: this,
      sasl: options.sasl ?? null,
      telemetry: new Telemetry(options.telemetry ?? null),
    };
  }

  /** Starts the brokers; over TCP too, on free ports of loopback, unless `tcp` is false. */
  static async start(options: MockClusterOptions = {}): Promise<MockCluster> {
    const cluster = new MockCluster(options);
    const { brokers = 1 } = options;
    const list = typeof brokers === 'number' ? Array.from({ length: brokers }, (): BrokerOptions => ({})) : brokers;
    if (list.length === 0) throw new RangeError('a cluster needs at least one broker');
    for (const broker of list) cluster.#addNode(broker.id ?? cluster.#nextId, broker.rack ?? null);
    cluster.#core.state.electController();
    const ids = [...cluster.#brokers.keys()];
    if (cluster.#isTcp) await Promise.all(ids.map((id, i) => cluster.#listen(id, list[i]!.port ?? 0)));
    for (const [name, topic] of topicsOf(options.topics)) cluster.createTopic(name, topic);
    return cluster;
  }

  /** `host:port` of each broker that is up, for clients over TCP. */
  get brokers(): string[] {
    return this.#core.state.liveBrokers().flatMap(({ tcp }) => (tcp === null ? [] : [`${tcp.host}:${tcp.port}`]));
  }

  get brokerIds(): number[] {
    return [...this.#core.state.nodes.keys()];
  }

  get clusterId(): string {
    return this.#core.state.clusterId;
  }

  /** A client's ports to the cluster in memory; each call gives a random source of its own. */
  inMemory(): InMemoryClient {
    const random = this.#random.fork(`client-${this.#clients++}`);
    return {
      brokers: this.#core.state.liveBrokers().map(({ memory }) => `${memory.host}:${memory.port}`),
      transport: this.network,
      clock: this.clock,
      random: () => random.next(),
    };
  }

  /** Everything ends: connections are reset, ports closed, virtual time stops. */
  async stop(): Promise<void> {
    this.#core.transactions.stop();
    for (const broker of this.#brokers.values()) broker.disconnect('reset');
    this.clock.stop();
    await Promise.all([...this.#listeners.values()].map((listener) => listener.close()));
    this.#listeners.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  // ---- what is in it

  createTopic(name: string, options: number | TopicOptions = {}): void {
    const topic = this.#core.state.createTopic(name, typeof options === 'number' ? { partitions: options } : options);
    if (typeof topic === 'number') throw new Error(`topic "${name}" cannot be created: ${codeName(topic)}`);
  }

  topics(): { name: string; id: string; partitions: number }[] {
    return [...this.#core.state.topics.values()].map(({ name, id, partitions }) => ({
      name,
      id,
      partitions: partitions.length,
    }));
  }

  /** The records of one partition, or of all partitions of a topic one after the other. */
  log(topic: string, partition?: number, options: LogOptions = {}): LoggedRecord[] {
    const found = partition === undefined ? this.#topic(topic).partitions : [this.#partition(topic, partition)];
    return found.flatMap((each) => readLog(each, this.#core.compressions, options));
  }

  /** What clients have told of their metrics, oldest first. */
  pushedMetrics(): readonly PushedMetrics[] {
    return this.#core.telemetry.pushes;
  }

  /** Brokers ask for other metrics from now on; clients learn of it when their next push is refused. */
  subscribeMetrics(subscription: TelemetrySubscription): void {
    this.#core.telemetry.subscribe(subscription);
  }

  /** The bytes of a partition's log as they are stored, one batch each. */
  batches(topic: string, partition: number): Uint8Array[] {
    return this.#partition(topic, partition)
      .log.entries()
      .map(({ bytes }) => bytes);
  }

  offsets(topic: string, partition: number): { start: number; stable: number; high: number; end: number } {
    const { log } = this.#partition(topic, partition);
    return { start: log.logStartOffset, stable: log.lastStableOffset, high: log.highWatermark, end: log.endOffset };
  }

  leader(topic: string, partition: number): number {
    return this.#partition(topic, partition).leader;
  }

  /** A partition's replicas: who leads, with which epoch, who is in sync. */
  replicas(
    topic: string,
    partition: number,
  ): { leader: number; leaderEpoch: number; replicas: number[]; isr: number[] } {
    const { leader, leaderEpoch, replicas, isr } = this.#partition(topic, partition);
    return { leader, leaderEpoch, replicas: [...replicas], isr: [...isr] };
  }

  /** The offset that a group committed, or null. */
  committed(group: string, topic: string, partition: number): bigint | null {
    return this.#core.groups.fetch(group, topic, partition)?.offset ?? null;
  }

  /** A transaction by its id: its state, as Kafka names it, and who may go on with it. */
  transaction(id: string): { state: string; producerId: bigint; epoch: number } | null {
    const tx = this.#core.transactions.get(id);
    return tx === undefined ? null : { state: tx.status, producerId: tx.producerId, epoch: tx.epoch };
  }

  // ---- what happened

  /** The requests that came, oldest first, refused ones included. */
  requests(filter: RequestFilter = {}): RequestEntry[] {
    return this.#requests.find(filter);
  }

  forgetRequests(): void {
    this.#requests.clear();
  }

  /**
   * Calls back when the fate of a request is known.
   * @returns call it to stop.
   */
  observe(filter: RequestFilter, observer: RequestObserver): () => void {
    return this.#requests.observe(filter, observer);
  }

  /** Holds what an application lived through against the logs: loss, duplicates, order, transactions. */
  verify(history: History): Verdict {
    return check({
      history,
      partitions: [...this.#core.state.partitions()],
      compressions: this.#core.compressions,
      requests: this.#requests.find({}),
      purgedTopics: this.#core.state.purgedTopics,
    });
  }

  // ---- faults by rule

  /** Adds a rule: `on('Produce', { times: 1, then: 'append-then-drop-reply' })`; `'*'` is every API, `'Connect'` attempts. */
  on(api: string, options: RuleOptions): Rule {
    const rule = this.#core.rules.add(api, options);
    if (rule.actions.includes('stale-metadata')) this.#staleViews.set(rule, this.#core.state.view());
    return rule;
  }

  /** Adds a rule in words: `Produce: 2 times, error NOT_LEADER_OR_FOLLOWER`. */
  fault(sentence: string): Rule {
    const { api, options } = parseFault(sentence);
    return this.on(api, options);
  }

  get rules(): readonly Rule[] {
    return this.#core.rules.all();
  }

  clearRules(): void {
    this.#core.rules.clear();
    this.#staleViews.clear();
  }

  // ---- faults at once

  /** The broker's process ends. Its partitions elect other leaders; `vanish` leaves its connections dangling. */
  killBroker(id: number, how: 'close' | 'reset' | 'vanish' = 'reset'): void {
    const broker = this.#broker(id);
    if (!broker.node.isUp) return;
    const ending: Ending = how === 'vanish' ? 'black-hole' : how;
    this.network.unlisten(broker.node.memory);
    void this.#listeners.get(id)?.stopListening();
    this.#listeners.delete(id);
    broker.disconnect(ending);
    broker.isPaused = false;
    this.#core.state.brokerDown(id);
  }

  /** Brings a broker back, at the address it had or at another; in memory at once, over TCP when the promise resolves. */
  async startBroker(id: number, options: { readonly newAddress?: boolean } = {}): Promise<void> {
    const { node } = this.#broker(id);
    if (node.isUp) return;
    if (options.newAddress) node.memory = { host: node.memory.host, port: this.#nextPort++ };
    this.#listenInMemory(id);
    if (!this.#isTcp) {
      this.#core.state.brokerUp(id);
      return;
    }
    const port = options.newAddress ? 0 : (node.tcp?.port ?? 0);
    await this.#listen(id, port);
    this.#core.state.brokerUp(id);
  }

  /** Stops a broker's process as SIGSTOP does: the kernel takes connections and bytes, and nobody answers. */
  pauseBroker(id: number): void {
    this.#broker(id).pause();
  }

  resumeBroker(id: number): void {
    this.#broker(id).resume();
  }

  /** Adds a broker; partitions stay where they are. */
  async addBroker(options: BrokerOptions = {}): Promise<number> {
    const id = options.id ?? this.#nextId;
    this.#addNode(id, options.rack ?? null);
    if (this.#isTcp) await this.#listen(id, options.port ?? 0);
    return id;
  }

  /**
   * Every broker goes and new ones with new ids and addresses come, with all data. The hosts and ports of the old
   * ones lead to the new ones in memory if `keepAddresses` is given, as names do that are resolved again.
   * In memory it is done at once, over TCP when the promise resolves.
   */
  async replaceAllBrokers(options: { readonly keepAddresses?: boolean } = {}): Promise<void> {
    const listening: Promise<void>[] = [];
    const { state } = this.#core;
    const old = [...this.#brokers.values()];
    const renamed = new Map<number, number>();
    for (const { node } of old) {
      const id = this.#nextId;
      this.#addNode(id, node.rack);
      renamed.set(node.id, id);
      if (this.#isTcp) listening.push(this.#listen(id, 0));
    }
    for (const partition of state.partitions()) {
      partition.replicas = partition.replicas.map((id) => renamed.get(id) ?? id);
      partition.isr = partition.isr.map((id) => renamed.get(id) ?? id);
      // One whose leader was down is led by its first replica, which has come back under another name.
      state.moveLeader(partition, renamed.get(partition.leader) ?? partition.replicas[0] ?? partition.leader);
    }
    for (const broker of old) {
      this.killBroker(broker.node.id);
      state.nodes.delete(broker.node.id);
      this.#brokers.delete(broker.node.id);
      const heir = this.#brokers.get(renamed.get(broker.node.id)!)!;
      if (options.keepAddresses) this.network.listen(broker.node.memory, heir.endpoint('memory', this.clock));
    }
    state.electController();
    await Promise.all(listening);
  }

  /** @param to - another replica, if absent. */
  moveLeader(topic: string, partition: number, to?: number): void {
    const { state } = this.#core;
    const found = this.#partition(topic, partition);
    const candidates = [...found.isr, ...found.replicas, ...this.brokerIds];
    const target = to ?? candidates.find((id) => id !== found.leader && state.nodes.get(id)?.isUp) ?? found.leader;
    state.moveLeader(found, target);
  }

  /** Which replicas are in sync: with fewer than `min.insync.replicas`, acks=-1 is refused. */
  setInSyncReplicas(topic: string, partition: number, isr: readonly number[]): void {
    const found = this.#partition(topic, partition);
    found.isr = [...isr];
    found.notify();
  }

  /** Followers copy so much later; 0 at once, Infinity never. Whatever they lack is lost when the leader goes. */
  setReplicationLag(topic: string, partition: number, lagMs: number): void {
    const found = this.#partition(topic, partition);
    found.replicationLagMs = lagMs;
    if (lagMs === 0) found.catchUp();
  }

  addPartitions(topic: string, count: number): void {
    const found = this.#topic(topic);
    this.#core.state.growTopic(found, found.partitions.length + count);
  }

  deleteTopic(topic: string): void {
    this.#core.state.deleteTopic(topic);
  }

  /** Deletes a topic and creates it again, empty and with another id. */
  recreateTopic(name: string): void {
    const topic = this.#topic(name);
    const { state } = this.#core;
    const partitions = topic.partitions.length;
    const replicationFactor = topic.partitions[0]!.replicas.length;
    state.deleteTopic(name);
    state.createTopic(name, {
      partitions,
      replicationFactor: Math.min(replicationFactor, state.liveBrokers().length),
      config: topic.config,
    });
  }

  /** Logs forget what they know of idempotent producers, as after `producer.id.expiration.ms`. */
  forgetProducers(topic?: string): void {
    for (const partition of this.#core.state.partitions()) {
      if (topic === undefined || partition.topic.name === topic) partition.log.producers.forget();
    }
  }

  /** Makes another broker the coordinator of a group or transactional id. */
  moveCoordinator(key: string, to?: number): void {
    this.#core.coordinators.move(key, to);
  }

  coordinator(key: string): number {
    return this.#core.coordinators.of(key);
  }

  /** The open transaction of this id is aborted and its producer fenced, as by its timeout. */
  expireTransaction(id: string): void {
    this.#core.transactions.expire(id, this.#core.transactions.get(id)?.clock ?? this.clock);
  }

  /** Moves the start of a log up, as retention or DeleteRecords does. */
  deleteRecords(topic: string, partition: number, beforeOffset: number): void {
    this.#partition(topic, partition).log.startAt(beforeOffset);
  }

  /** Every answer says so and every connection is not read for that long; remove the rule to end it. */
  throttle(throttleMs: number, options: Omit<RuleOptions, 'then'> & { readonly api?: string } = {}): Rule {
    const { api = '*', ...rest } = options;
    return this.on(api, { ...rest, then: { throttleMs } });
  }

  // ---- inner works

  get #isTcp(): boolean {
    return this.#options.tcp ?? true;
  }

  #addNode(id: number, rack: string | null): void {
    if (this.#brokers.has(id)) throw new RangeError(`there are two brokers with the id ${id}`);
    this.#nextId = Math.max(this.#nextId, id) + 1;
    const node: BrokerNode = {
      id,
      rack,
      memory: { host: `broker-${id}.kiel`, port: this.#nextPort++ },
      tcp: null,
      isUp: true,
    };
    this.#core.state.nodes.set(id, node);
    const startOf = (clock: Clock) => (clock === this.clock ? 0 : this.#startedAt);
    this.#brokers.set(id, new Broker(node, this.#core, this.#requests, this.#staleViews, startOf));
    this.#listenInMemory(id);
  }

  #listenInMemory(id: number): void {
    const broker = this.#broker(id);
    this.network.listen(broker.node.memory, broker.endpoint('memory', this.clock));
  }

  async #listen(id: number, port: number): Promise<void> {
    const broker = this.#broker(id);
    const listener = new TcpListener(this.#host, broker.endpoint('tcp', realClock), this.#options.tls);
    this.#listeners.set(id, listener);
    await listener.listen(port);
    broker.node.tcp = { host: this.#host, port: listener.port };
  }

  #broker(id: number): Broker {
    const broker = this.#brokers.get(id);
    if (broker === undefined)
      throw new RangeError(`there is no broker ${id}, only ${[...this.#brokers.keys()].join(', ')}`);
    return broker;
  }

  #topic(name: string): Topic {
    const topic = this.#core.state.topics.get(name);
    if (topic === undefined) throw new RangeError(`there is no topic "${name}"`);
    return topic;
  }

  #partition(topic: string, index: number): Partition {
    const partition = this.#topic(topic).partitions[index];
    if (partition === undefined) throw new RangeError(`topic "${topic}" has no partition ${index}`);
    return partition;
  }
}

function topicsOf(topics: MockClusterOptions['topics']): [string, number | TopicOptions][] {
  if (topics === undefined) return [];
  return Array.isArray(topics)
    ? topics.map((name: string): [string, TopicOptions] => [name, {}])
    : Object.entries(topics as Record<string, number | TopicOptions>);
}
