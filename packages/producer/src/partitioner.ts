import { murmur2, murmur2OfText, toPositive } from '@kiel/codec/client';
import { nodeCrc32 } from '@kiel/codec/node';
import type { PartitionQueue } from './partition-queue.ts';
import type { Random } from './ports.ts';
import type { Topic } from './topic.ts';

/**
 * - `default`: with a key as Java's client (murmur2), without one a random partition a batch.
 * - `perRecord`: a random partition for each record, whatever its key.
 * - `roundRobin`: one partition after the other, whatever the key.
 * - `consistentRandom`: librdkafka's default: CRC-32 of the key; a missing or empty key goes as in `default`.
 * - `rackAware`: as `default`, but without a key only leaders in this client's `rack`, if there are any (KIP-1123).
 */
export type PartitionerName = 'default' | 'perRecord' | 'roundRobin' | 'consistentRandom' | 'rackAware';

export const namedPartitioners: readonly PartitionerName[] = [
  'default',
  'perRecord',
  'roundRobin',
  'consistentRandom',
  'rackAware',
];

/** What a partitioner may look at beside the key. */
export interface PartitionerContext {
  readonly topic: string;
  /** The value as it was given to `produce`. */
  readonly value: unknown;
  /** Partitions that have a leader now. */
  readonly available: readonly number[];
  /** The producer's source of randomness. */
  readonly random: Random;
}

/** Chooses one of `partitions`, which are all of the topic's. */
export type PartitionerFunction = (
  key: Uint8Array | string | null,
  partitions: readonly number[],
  context: PartitionerContext,
) => number;

/** A named way to choose partitions, or a function of your own. */
export type PartitionerOption = PartitionerName | PartitionerFunction;

/** What partitioners need to know beyond the topic. */
export interface PartitionerSettings {
  readonly partitioner: PartitionerOption;
  readonly rack: string | null;
  readonly random: Random;
}

/** Chooses the partition of each record. */
export class Partitioner {
  readonly #option: PartitionerOption;
  readonly #rack: string | null;
  readonly #random: Random;

  constructor(settings: PartitionerSettings) {
    this.#option = settings.partitioner;
    this.#rack = settings.rack;
    this.#random = settings.random;
  }

  /** It is a function of the user's, which may do anything. */
  get isForeign(): boolean {
    return typeof this.#option === 'function';
  }

  /** Records without key share a partition until its batch is full. */
  get isSticky(): boolean {
    return this.#option === 'default' || this.#option === 'rackAware' || this.#option === 'consistentRandom';
  }

  /**
   * @param topic - its partitions are known.
   * @throws whatever a function of the user's throws, and RangeError for a partition that does not exist.
   */
  choose(topic: Topic, key: Uint8Array | string | null, value: unknown): PartitionQueue {
    const { partitions } = topic;
    const option = this.#option;
    switch (option) {
      case 'default':
      case 'rackAware':
        return key === null ? this.#stick(topic) : partitions[toPositive(hashOf(key)) % partitions.length]!;
      case 'consistentRandom':
        return key === null || key.length === 0 ? this.#stick(topic) : partitions[crcOf(key) % partitions.length]!;
      case 'perRecord':
        return pick(topic.available, this.#random);
      case 'roundRobin': {
        const { available } = topic;
        if (topic.turn < 0) topic.turn = Math.floor(this.#random() * available.length);
        topic.turn = (topic.turn + 1) % available.length;
        return available[topic.turn]!;
      }
      default:
        return this.#ask(option, topic, key, value);
    }
  }

  #stick(topic: Topic): PartitionQueue {
    topic.sticky ??= this.#draw(topic);
    return topic.sticky;
  }

  #draw(topic: Topic): PartitionQueue {
    const { available } = topic;
    const near = this.#rack === null || this.#option !== 'rackAware' ? available : inRack(available, this.#rack);
    const chosen = this.#pickByLength(near);
    if (chosen.leader?.isFailing !== true) return chosen;
    // Its leader cannot be reached now: another one, while there are others. Looked at only now, since there may be
    // thousands of partitions, and all is well nearly always.
    const isReachable = (queue: PartitionQueue) => queue.leader?.isFailing !== true;
    const nearAndReachable = near.filter(isReachable);
    if (nearAndReachable.length > 0) return this.#pickByLength(nearAndReachable);
    const reachable = available.filter(isReachable);
    return reachable.length > 0 ? this.#pickByLength(reachable) : chosen;
  }

  /** KIP-794: the longer a partition's queue, the less often it is chosen. */
  #pickByLength(queues: readonly PartitionQueue[]): PartitionQueue {
    let longest = 0;
    let total = 0;
    for (const queue of queues) {
      const { length } = queue;
      total += length;
      if (length > longest) longest = length;
    }
    if (longest === 0) return pick(queues, this.#random);
    // The weight of each is the longest length + 1 - its own.
    let at = this.#random() * (queues.length * (longest + 1) - total);
    for (const queue of queues) {
      at -= longest + 1 - queue.length;
      if (at < 0) return queue;
    }
    return queues[queues.length - 1]!;
  }

  #ask(choose: PartitionerFunction, topic: Topic, key: Uint8Array | string | null, value: unknown): PartitionQueue {
    const numbers = topic.partitions.map(({ index }) => index);
    const chosen = choose(key, numbers, {
      topic: topic.name,
      value,
      available: topic.available.map(({ index }) => index),
      random: this.#random,
    });
    const queue = Number.isInteger(chosen) ? topic.partitions[chosen] : undefined;
    if (queue === undefined) {
      throw new RangeError(
        `the partitioner chose ${String(chosen)}, and the partitions are 0 to ${numbers.length - 1}`,
      );
    }
    return queue;
  }
}

/** Those whose leader is in this rack; all of them if there is none. */
function inRack(queues: readonly PartitionQueue[], rack: string): readonly PartitionQueue[] {
  const near = queues.filter((queue) => queue.leader?.rack === rack);
  return near.length > 0 ? near : queues;
}

function hashOf(key: Uint8Array | string): number {
  return typeof key === 'string' ? murmur2OfText(key) : murmur2(key);
}

function crcOf(key: Uint8Array | string): number {
  return nodeCrc32(typeof key === 'string' ? Buffer.from(key, 'utf8') : key);
}

function pick(queues: readonly PartitionQueue[], random: Random): PartitionQueue {
  return queues[Math.floor(random() * queues.length)]!;
}
