import { MetadataRequest, MetadataResponse, type MetadataResponseTopic, zeroUuid } from '@kiel/codec/client';
import type { BrokerLink } from './broker-link.ts';
import { treatmentOf } from './error-treatment.ts';
import { BrokerError, ConnectionError, type KafkaError, toError } from './errors.ts';
import type { Network } from './network.ts';
import type { PartitionQueue } from './partition-queue.ts';
import type { Random } from './ports.ts';
import { addressProblem, metadataProblem, mostNodes } from './security/metadata-limits.ts';
import type { Topic } from './topic.ts';

/** Of a large answer, partitions are taken in one turn of the loop, and a topic counts as so many: some 5 ms. */
const workPerSlice = 4_096;
const workPerTopic = 10;

export interface ClusterEvents {
  /** Resolves with the next turn of the loop. */
  turn(): Promise<void>;
  /** There is news of a topic; `failure` when it cannot be used. */
  topicChanged(topic: Topic, failure: KafkaError | null): void;
  /** This partition has a leader, perhaps another one than before. */
  leaderFound(queue: PartitionQueue): void;
  rebootstrapped(reason: string): void;
  /** All topics in use. */
  topics(): Iterable<Topic>;
}

/** How many known nodes are asked before the entries of `brokers` are. */
const mostNodesAsked = 3;

/** The picture of the cluster: its nodes, and who leads what. Fetched when asked, and hinted at by answers. */
export class Cluster {
  readonly nodes = new Map<number, BrokerLink>();
  clusterId: string | null = null;
  /** Why the last fetch failed; null after one that did not. */
  failure: ConnectionError | null = null;
  readonly #network: Network;
  readonly #random: Random;
  readonly #events: ClusterEvents;
  readonly #autoCreateTopics: boolean;
  /** Only the entries of `brokers` are asked: no node is known, or none can be trusted. */
  #mustBootstrap = true;

  constructor(network: Network, random: Random, autoCreateTopics: boolean, events: ClusterEvents) {
    this.#network = network;
    this.#random = random;
    this.#autoCreateTopics = autoCreateTopics;
    this.#events = events;
  }

  /** The node with the least to do, one that stands if possible; for requests that any broker answers. */
  anyNode(): BrokerLink | null {
    return this.#byPreference()[0] ?? null;
  }

  /**
   * Asks one broker after the other until one answers, and takes its answer into the picture.
   *
   * @param topics - the ones to ask for; their state is updated.
   * @throws ConnectionError `NO_BROKERS` with what each of them said.
   */
  async fetch(topics: readonly Topic[]): Promise<void> {
    for (const topic of topics) topic.isAsked = true;
    const failures: Error[] = [];
    for (const link of this.#candidates()) {
      try {
        const { body } = await link.call(MetadataRequest, MetadataResponse, (version) => ({
          topics: topics.map(({ name }) => ({ name })),
          ...(version >= 4 ? { allowAutoTopicCreation: this.#autoCreateTopics } : {}),
        }));
        if (body.errorCode !== 0) throw new BrokerError(body.errorCode, `Metadata from ${link.name}`);
        // A broker that is starting knows nobody, not even itself.
        if (body.brokers.length === 0) throw new Error(`${link.name} knows no brokers yet`);
        const problem = metadataProblem(body);
        if (problem !== null) throw new ConnectionError('PROTOCOL_VIOLATION', `${link.name} ${problem}`);
        await this.#take(body, topics);
        return;
      } catch (thrown) {
        const error = toError(thrown);
        failures.push(error);
        if (error instanceof BrokerError && treatmentOf(error.errorCode).treatment === 'rebootstrap') {
          this.#forgetNodes(error.code);
          break;
        }
      }
    }
    this.failure = noBrokers(failures);
    throw this.failure;
  }

  /**
   * KIP-951: a broker that is no longer leader says who is.
   *
   * @returns whether it was news.
   */
  takeHint(
    queue: PartitionQueue,
    hint: { leaderId: number; leaderEpoch: number },
    endpoints: readonly { nodeId: number; host: string; port: number; rack: string | null }[],
  ): boolean {
    if (hint.leaderId < 0 || hint.leaderEpoch <= queue.leaderEpoch) return false;
    const endpoint = endpoints.find(({ nodeId }) => nodeId === hint.leaderId);
    if (endpoint !== undefined && this.nodes.size < mostNodes && addressProblem(endpoint) === null)
      this.#node(endpoint);
    const link = this.nodes.get(hint.leaderId);
    if (link === undefined) return false;
    queue.moveTo(link, hint.leaderEpoch);
    queue.topic.refreshAvailable();
    this.#events.leaderFound(queue);
    return true;
  }

  /** The broker that coordinates something, as another broker says; null if there can be no such one. */
  coordinator(broker: { nodeId: number; host: string; port: number }): BrokerLink | null {
    const known = this.nodes.get(broker.nodeId);
    if (addressProblem(broker) !== null || (known === undefined && this.nodes.size >= mostNodes)) return null;
    return this.#node({ ...broker, rack: known?.rack ?? null });
  }

  /** Nobody leads it, as far as we know. */
  loseLeader(queue: PartitionQueue): void {
    queue.leader?.ready.delete(queue);
    queue.moveTo(null, queue.leaderEpoch);
    queue.topic.refreshAvailable();
  }

  /** Known nodes first, those that stand before the rest; then the entries of `brokers`. */
  *#candidates(): Generator<BrokerLink> {
    if (!this.#mustBootstrap) {
      yield* this.#byPreference().slice(0, mostNodesAsked);
      this.#events.rebootstrapped('no known broker answers');
    }
    // A copy: an answer retires them.
    yield* [...this.#network.bootstrapLinks()];
    this.#network.retireBootstrap();
  }

  #byPreference(): BrokerLink[] {
    const rank = (link: BrokerLink) => (link.isReady ? link.inFlight : link.isFailing ? 2_000_000 : 1_000_000);
    return [...this.nodes.values()]
      .map((link) => ({ link, rank: rank(link), draw: this.#random() }))
      .sort((a, b) => a.rank - b.rank || a.draw - b.draw)
      .map(({ link }) => link);
  }

  /** Large answers are taken in slices: ten thousand topics and the records that wait for them would hold the loop. */
  async #take(body: MetadataResponse, topics: readonly Topic[]): Promise<void> {
    this.failure = null;
    this.#mustBootstrap = false;
    if (body.clusterId !== null) this.clusterId = body.clusterId;
    const present = new Set<number>();
    for (const broker of body.brokers) {
      present.add(broker.nodeId);
      this.#node(broker);
    }
    for (const [nodeId, link] of this.nodes) {
      if (present.has(nodeId)) continue;
      this.nodes.delete(nodeId);
      this.#leave(link);
    }
    this.#network.retireBootstrap();
    const byName = new Map(topics.map((topic) => [topic.name, topic]));
    let work = 0;
    for (const answer of body.topics) {
      const topic = answer.name === null ? undefined : byName.get(answer.name);
      if (topic === undefined) continue;
      if (work > workPerSlice) {
        work = 0;
        await this.#events.turn();
      }
      work += workPerTopic + answer.partitions.length;
      this.#takeTopic(topic, answer);
    }
  }

  #node(broker: { nodeId: number; host: string; port: number; rack: string | null }): BrokerLink {
    const { nodeId, host, port, rack } = broker;
    const known = this.nodes.get(nodeId);
    if (known !== undefined && known.host === host && known.port === port) {
      known.rack = rack;
      return known;
    }
    const link = this.#network.adopt(nodeId, host, port, rack) ?? this.#network.add(nodeId, host, port, rack);
    this.nodes.set(nodeId, link);
    if (known !== undefined) {
      // The same broker at another address: what waits goes there, and what is out may still be answered here.
      const waiting = [...known.ready];
      known.ready.clear();
      for (const queue of this.#ledBy(known)) queue.moveTo(link, queue.leaderEpoch);
      this.#network.retire(known);
      for (const queue of waiting) this.#events.leaderFound(queue);
    }
    return link;
  }

  *#ledBy(link: BrokerLink): Generator<PartitionQueue> {
    for (const topic of this.#events.topics()) {
      for (const queue of topic.partitions) if (queue.leader === link) yield queue;
    }
  }

  #leave(link: BrokerLink): void {
    for (const queue of this.#ledBy(link)) this.loseLeader(queue);
    link.ready.clear();
    this.#network.retire(link);
  }

  #takeTopic(topic: Topic, answer: MetadataResponseTopic): void {
    const { errorCode } = answer;
    topic.errorCode = errorCode;
    if (errorCode !== 0 && answer.partitions.length === 0) {
      const { treatment } = treatmentOf(errorCode);
      // 3 and 5 mean "not yet" for a topic that is being created, and are waited out.
      const isFinal = treatment === 'failRecord' || treatment === 'failProducer';
      this.#events.topicChanged(topic, isFinal ? new BrokerError(errorCode, `Metadata of "${topic.name}"`) : null);
      return;
    }
    const id = answer.topicId === zeroUuid ? null : answer.topicId;
    const isAnother = topic.id !== null && id !== null && id !== topic.id;
    topic.id = id;
    const count = answer.partitions.reduce((most, { partitionIndex }) => Math.max(most, partitionIndex + 1), 0);
    // Partitions are only ever added: fewer of them is a stale answer, unless the topic is another one by that name.
    if (isAnother && count < topic.partitions.length) topic.partitions.length = count;
    topic.grow(count);
    const found: PartitionQueue[] = [];
    for (const partition of answer.partitions) {
      const queue = topic.partitions[partition.partitionIndex]!;
      if (isAnother) queue.beginAgain();
      const { leaderEpoch } = partition;
      // An answer of a broker that lags behind.
      if (leaderEpoch >= 0 && leaderEpoch < queue.leaderEpoch) {
        if (queue.leader === null) continue;
        found.push(queue);
        continue;
      }
      const link = partition.leaderId < 0 ? undefined : this.nodes.get(partition.leaderId);
      if (link === undefined) {
        this.loseLeader(queue);
        continue;
      }
      if (queue.leader !== link) queue.leader?.ready.delete(queue);
      queue.moveTo(link, leaderEpoch);
      found.push(queue);
    }
    topic.refreshAvailable();
    for (const queue of found) this.#events.leaderFound(queue);
    this.#events.topicChanged(topic, null);
  }

  /** The cluster behind these addresses is another one now: only `brokers` can tell where ours is. */
  #forgetNodes(reason: string): void {
    this.#mustBootstrap = true;
    for (const link of this.nodes.values()) this.#leave(link);
    this.nodes.clear();
    this.#events.rebootstrapped(reason);
  }
}

function noBrokers(failures: readonly Error[]): ConnectionError {
  const reasons = [...new Set(failures.map(({ message }) => message))].slice(0, 10);
  return new ConnectionError(
    'NO_BROKERS',
    `no broker can be used: ${reasons.join('; ')}. Check that they run, and host, port, tls and sasl`,
    { cause: new AggregateError(failures, 'the attempts') },
  );
}
