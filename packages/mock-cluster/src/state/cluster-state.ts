import type { SeededRandom } from '../clock/random.ts';
import { Code } from '../codes.ts';
import type { Address, Clock } from '../ports.ts';
import type { Profile } from '../profiles/profile.ts';
import { defaultTopicConfig, Partition, Topic, type TopicConfig, topicNameFault } from './topic.ts';

/** A broker as the cluster sees it. */
export interface BrokerNode {
  readonly id: number;
  readonly rack: string | null;
  /** Where clients in memory reach it, and where TCP clients do. */
  memory: Address;
  tcp: Address | null;
  isUp: boolean;
}

export interface PartitionView {
  readonly index: number;
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

export interface TopicView {
  readonly name: string;
  readonly id: string;
  readonly isInternal: boolean;
  readonly partitions: readonly PartitionView[];
}

/** What Metadata answers from: the cluster now, or as it was when a rule froze it. */
export interface ClusterView {
  readonly brokers: readonly BrokerNode[];
  readonly controllerId: number;
  readonly topics: ReadonlyMap<string, TopicView>;
}

/** What a topic is like. */
export interface TopicOptions {
  readonly partitions?: number;
  readonly replicationFactor?: number;
  /** Kafka's names: `{ 'max.message.bytes': 1_000_000 }`. */
  readonly config?: Readonly<Record<string, string | number>>;
}

export interface ClusterStateOptions {
  readonly profile: Profile;
  readonly random: SeededRandom;
  readonly autoCreateTopics: boolean;
  readonly defaultPartitions: number;
  readonly replicationFactor: number;
  readonly retentionBytes: number;
}

export const NO_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAA';

/** What all brokers of the cluster agree on: nodes, topics, leaders. */
export class ClusterState {
  readonly profile: Profile;
  readonly clusterId: string;
  readonly options: ClusterStateOptions;
  readonly nodes = new Map<number, BrokerNode>();
  readonly topics = new Map<string, Topic>();
  readonly topicsById = new Map<string, Topic>();
  controllerId = -1;
  /** Topics that were deleted, perhaps to be created again: what was in them is gone by intent. */
  readonly purgedTopics = new Set<string>();
  #nextProducerId = 1000n;
  readonly #random: SeededRandom;
  #nextReplica = 0;

  constructor(options: ClusterStateOptions) {
    this.options = options;
    this.profile = options.profile;
    this.#random = options.random.fork('cluster');
    this.clusterId = this.#uuid();
  }

  newProducerId(): bigint {
    return this.#nextProducerId++;
  }

  liveBrokers(): BrokerNode[] {
    return [...this.nodes.values()].filter((node) => node.isUp);
  }

  view(): ClusterView {
    const topics = new Map<string, TopicView>();
    for (const topic of this.topics.values()) topics.set(topic.name, viewOfTopic(topic));
    return { brokers: this.liveBrokers().map((node) => ({ ...node })), controllerId: this.controllerId, topics };
  }

  partition(topic: string, index: number): Partition | undefined {
    return this.topics.get(topic)?.partitions[index];
  }

  /** @returns the topic, or the code that says why not. */
  createTopic(name: string, options: TopicOptions = {}): Topic | number {
    if (topicNameFault(name) !== null) return Code.INVALID_TOPIC_EXCEPTION;
    if (this.topics.has(name)) return Code.TOPIC_ALREADY_EXISTS;
    const count = options.partitions ?? this.options.defaultPartitions;
    const live = this.liveBrokers().length;
    const factor = options.replicationFactor ?? Math.min(this.options.replicationFactor, live);
    if (count <= 0) return Code.INVALID_PARTITIONS;
    if (factor <= 0 || factor > live) return Code.INVALID_REPLICATION_FACTOR;
    const config: TopicConfig = {};
    const clusterDefaults = {
      'message.timestamp.after.max.ms': String(this.profile.timestampAfterMaxMs),
      'retention.bytes': String(this.options.retentionBytes),
    };
    for (const [key, value] of Object.entries(options.config ?? {})) {
      if (!isValidConfig(key, String(value))) return Code.INVALID_CONFIG;
      config[key] = String(value);
    }
    const topic = new Topic(name, this.#uuid(), config, clusterDefaults);
    this.topics.set(name, topic);
    this.topicsById.set(topic.id, topic);
    this.#addPartitions(topic, count, factor);
    return topic;
  }

  /** @param leavesTrace - false for one that was never meant to be there. */
  deleteTopic(name: string, leavesTrace = true): boolean {
    const topic = this.topics.get(name);
    if (topic === undefined) return false;
    topic.isDeleted = true;
    if (leavesTrace) this.purgedTopics.add(name);
    this.topics.delete(name);
    this.topicsById.delete(topic.id);
    for (const partition of topic.partitions) partition.notify();
    return true;
  }

  /** Raises a topic's partition count to `count`. */
  growTopic(topic: Topic, count: number): void {
    const factor = topic.partitions[0]?.replicas.length ?? 1;
    this.#addPartitions(topic, count - topic.partitions.length, factor);
  }

  /** Makes `to` the leader of a partition, with a new epoch. */
  moveLeader(partition: Partition, to: number): void {
    partition.leader = to;
    partition.leaderEpoch++;
    if (!partition.replicas.includes(to) && to >= 0) {
      partition.replicas = partition.replicas.map((id, i) => (i === 0 ? to : id));
    }
    if (to >= 0 && !partition.isr.includes(to)) partition.isr.push(to);
    partition.isr = partition.isr.filter((id) => partition.replicas.includes(id));
    // what the new leader did not copy is lost
    partition.log.truncateTo(partition.log.highWatermark);
    if (to >= 0) partition.log.beginEpoch(partition.leaderEpoch);
    partition.notify();
  }

  /** A broker is gone: its partitions shrink and elect. */
  brokerDown(id: number): void {
    const node = this.nodes.get(id);
    if (node === undefined) return;
    node.isUp = false;
    for (const partition of this.partitions()) {
      if (partition.isr.length > 1) partition.isr = partition.isr.filter((replica) => replica !== id);
      if (partition.leader === id) this.#elect(partition);
    }
    this.electController();
  }

  /** A broker is back: it catches up, joins the in-sync replicas, and leads what has no leader. */
  brokerUp(id: number): void {
    const node = this.nodes.get(id);
    if (node === undefined) return;
    node.isUp = true;
    for (const partition of this.partitions()) {
      if (!partition.replicas.includes(id)) continue;
      if (!partition.isr.includes(id)) partition.isr.push(id);
      if (partition.leader === -1) this.#elect(partition);
    }
    this.electController();
  }

  electController(): void {
    if (this.nodes.get(this.controllerId)?.isUp) return;
    this.controllerId = this.liveBrokers()[0]?.id ?? -1;
  }

  *partitions(): Generator<Partition> {
    for (const topic of this.topics.values()) yield* topic.partitions;
  }

  /** After an append to a partition. */
  appended(partition: Partition, clock: Clock): void {
    partition.replicate(clock);
  }

  #elect(partition: Partition): void {
    const next = partition.isr.find((id) => this.nodes.get(id)?.isUp);
    if (next === undefined) {
      partition.leader = -1;
      partition.leaderEpoch++;
      partition.notify();
    } else this.moveLeader(partition, next);
  }

  #addPartitions(topic: Topic, count: number, factor: number): void {
    const live = this.liveBrokers();
    const { refusesUnknownProducers } = this.profile;
    for (let i = 0; i < count; i++) {
      const first = this.#nextReplica++;
      const replicas = Array.from(
        { length: Math.min(factor, live.length) },
        (_, r) => live[(first + r) % live.length]!.id,
      );
      const partition = new Partition(topic, topic.partitions.length, replicas, { refusesUnknownProducers }, -1);
      topic.partitions.push(partition);
    }
    topic.refresh();
  }

  #uuid(): string {
    const bytes = new Uint8Array(16);
    for (let i = 0; i < 16; i++) bytes[i] = this.#random.below(256);
    bytes[6] = (bytes[6]! & 0x0f) | 0x40;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    return Buffer.from(bytes).toString('base64url');
  }
}

const configValues: Readonly<Record<string, RegExp>> = {
  'cleanup.policy': /^(|compact|delete)(,(compact|delete))*$/,
  'compression.type': /^(uncompressed|producer|gzip|snappy|lz4|zstd)$/,
  'message.timestamp.type': /^(CreateTime|LogAppendTime)$/,
};

/** Whether a topic can have this setting, and with this value. */
export function isValidConfig(key: string, value: string): boolean {
  if (!(key in defaultTopicConfig)) return knownConfigs.has(key);
  return (configValues[key] ?? /^-?\d+$/).test(value);
}

export function viewOfTopic(topic: Topic): TopicView {
  return {
    name: topic.name,
    id: topic.id,
    isInternal: topic.isInternal,
    partitions: topic.partitions.map((p) => ({
      index: p.index,
      leader: p.leader,
      leaderEpoch: p.leaderEpoch,
      replicas: [...p.replicas],
      isr: [...p.isr],
    })),
  };
}

/** Topic settings that a broker takes and this one has no use for. */
const knownConfigs = new Set([
  'compression.gzip.level',
  'compression.lz4.level',
  'compression.zstd.level',
  'delete.retention.ms',
  'file.delete.delay.ms',
  'flush.messages',
  'flush.ms',
  'follower.replication.throttled.replicas',
  'index.interval.bytes',
  'leader.replication.throttled.replicas',
  'local.retention.bytes',
  'local.retention.ms',
  'max.compaction.lag.ms',
  'message.downconversion.enable',
  'message.format.version',
  'message.timestamp.difference.max.ms',
  'min.cleanable.dirty.ratio',
  'min.compaction.lag.ms',
  'preallocate',
  'remote.copy.disable',
  'remote.log.delete.on.disable',
  'remote.storage.enable',
  'segment.bytes',
  'segment.index.bytes',
  'segment.jitter.ms',
  'segment.ms',
  'unclean.leader.election.enable',
]);
