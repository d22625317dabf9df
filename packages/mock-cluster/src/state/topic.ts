import type { Clock } from '../ports.ts';
import { PartitionLog } from './partition-log.ts';
import type { ProducerManners } from './producer-states.ts';

/** A topic's settings under Kafka's names. */
export type TopicConfig = Record<string, string>;

export const defaultTopicConfig: Readonly<TopicConfig> = {
  'cleanup.policy': 'delete',
  'compression.type': 'producer',
  'max.message.bytes': '1048588',
  'message.timestamp.type': 'CreateTime',
  'message.timestamp.before.max.ms': '9223372036854775807',
  'message.timestamp.after.max.ms': '3600000',
  'min.insync.replicas': '1',
  'retention.bytes': '-1',
  'retention.ms': '604800000',
};

/** Somebody who waits for the high watermark or the end of a log to move. */
export interface LogWaiter {
  logMoved(): void;
}

export class Partition {
  readonly topic: Topic;
  readonly index: number;
  readonly log: PartitionLog;
  replicas: number[];
  isr: number[];
  /** -1 while there is none. */
  leader: number;
  leaderEpoch = 0;
  /** Followers copy this much later; 0 copies at once, Infinity never. */
  replicationLagMs = 0;
  readonly waiters = new Set<LogWaiter>();

  constructor(topic: Topic, index: number, replicas: number[], manners: ProducerManners, retentionBytes: number) {
    this.topic = topic;
    this.index = index;
    this.replicas = replicas;
    this.isr = [...replicas];
    this.leader = replicas[0] ?? -1;
    this.log = new PartitionLog(manners, { bytes: retentionBytes });
    this.log.beginEpoch(0);
  }

  /** After an append: followers copy it, now or later, and the high watermark follows. */
  replicate(clock: Clock): void {
    const end = this.log.endOffset;
    if (this.isr.length <= 1 || this.replicationLagMs === 0) this.#advance(end);
    else if (this.replicationLagMs !== Number.POSITIVE_INFINITY) {
      const epoch = this.leaderEpoch;
      clock.setTimeout(() => {
        if (this.leaderEpoch === epoch) this.#advance(Math.min(end, this.log.endOffset));
      }, this.replicationLagMs);
    }
  }

  /** Everything that was appended counts as copied. */
  catchUp(): void {
    this.#advance(this.log.endOffset);
  }

  notify(): void {
    if (this.waiters.size > 0) for (const waiter of [...this.waiters]) waiter.logMoved();
  }

  #advance(offset: number): void {
    if (offset > this.log.highWatermark) this.log.highWatermark = offset;
    this.notify();
  }
}

export class Topic {
  readonly name: string;
  /** Kafka's text form of a UUID. */
  readonly id: string;
  /** What was set for this topic. */
  readonly config: TopicConfig;
  /** What holds where nothing was set: Kafka's own defaults but for those of this cluster. */
  readonly #defaults: TopicConfig;
  readonly partitions: Partition[] = [];
  /** Settings as numbers, read on every produce. */
  maxMessageBytes = 0;
  minInsyncReplicas = 0;
  timestampBeforeMaxMs = 0;
  timestampAfterMaxMs = 0;
  isLogAppendTime = false;
  isCompacted = false;
  isDeleted = false;

  constructor(name: string, id: string, config: TopicConfig, clusterDefaults: TopicConfig = {}) {
    this.name = name;
    this.id = id;
    this.config = config;
    this.#defaults = { ...defaultTopicConfig, ...clusterDefaults };
    this.refresh();
  }

  get isInternal(): boolean {
    return this.name === '__consumer_offsets' || this.name === '__transaction_state';
  }

  /** Every setting, with its value. */
  settings(): TopicConfig {
    return { ...this.#defaults, ...this.config };
  }

  setting(name: string): string {
    return this.config[name] ?? this.#defaults[name] ?? '';
  }

  /** Reads the settings again after a change of `config`. */
  refresh(): void {
    const read = (name: string) => this.setting(name);
    this.maxMessageBytes = Number(read('max.message.bytes'));
    this.minInsyncReplicas = Number(read('min.insync.replicas'));
    this.timestampBeforeMaxMs = Number(read('message.timestamp.before.max.ms'));
    this.timestampAfterMaxMs = Number(read('message.timestamp.after.max.ms'));
    this.isLogAppendTime = read('message.timestamp.type') === 'LogAppendTime';
    this.isCompacted = read('cleanup.policy').includes('compact');
    for (const { log } of this.partitions) log.retentionBytes = Number(read('retention.bytes'));
  }
}

/** Why a topic may not be called so, or null: Kafka's rules. */
export function topicNameFault(name: string): string | null {
  if (name.length === 0) return 'the name is empty';
  if (name === '.' || name === '..') return `the name is "${name}"`;
  if (name.length > 249) return `the name has ${name.length} characters, 249 are allowed`;
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) return `"${name}" has characters other than letters, digits, ".", "_" and "-"`;
  return null;
}
