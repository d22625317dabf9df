import { backoffMs } from './backoff.ts';
import type { BrokerLink } from './broker-link.ts';
import type { PartitionQueue } from './partition-queue.ts';
import type { Clock, Random } from './ports.ts';

export interface TurnEvents {
  /** There is something to do, or may be soon. */
  wake(): void;
  metadataStale(): void;
}

export interface TurnSettings {
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
}

/** Whose turn it is: the partitions that may send, at the links to their leaders, and those that wait after a failure. */
export class Turns {
  /** Links that have become able to send, or have been given something to. */
  readonly links = new Set<BrokerLink>();
  readonly #settings: TurnSettings;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #events: TurnEvents;
  /** Partitions that wait after a failure. */
  readonly #pausing = new Set<PartitionQueue>();

  constructor(settings: TurnSettings, clock: Clock, random: Random, events: TurnEvents) {
    this.#settings = settings;
    this.#clock = clock;
    this.#random = random;
    this.#events = events;
  }

  /** When the next partition may be tried again; Infinity if none waits. */
  get nextRetryAtMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const queue of this.#pausing) if (queue.retryAtMs < next) next = queue.retryAtMs;
    return next;
  }

  /** A partition has got something due, or may send again. */
  enlist(queue: PartitionQueue): void {
    if (!queue.hasDue) return;
    const { leader } = queue;
    if (leader === null) {
      this.#events.metadataStale();
      return;
    }
    leader.ready.add(queue);
    this.links.add(leader);
    this.#events.wake();
  }

  /** A failure: the partition waits before its next attempt, longer each time unless another leader is found. */
  penalize(queue: PartitionQueue): void {
    const { retryBackoffMs, retryBackoffMaxMs } = this.#settings;
    queue.failures++;
    const nowMs = this.#clock.now();
    const pauseMs = backoffMs(queue.failures, retryBackoffMs, retryBackoffMaxMs, this.#random);
    queue.retryAt(nowMs + pauseMs, nowMs + retryBackoffMs);
    this.#pausing.add(queue);
  }

  /** Its next attempt lies in the future. */
  pause(queue: PartitionQueue): void {
    this.#pausing.add(queue);
  }

  /** Enlists the partitions that have waited long enough. */
  resume(nowMs: number): void {
    for (const queue of this.#pausing) {
      if (queue.retryAtMs > nowMs) continue;
      this.#pausing.delete(queue);
      this.enlist(queue);
    }
  }

  /** A connection stands, or takes bytes again. */
  linkReady(link: BrokerLink): void {
    if (link.ready.size === 0) return;
    this.links.add(link);
    this.#events.wake();
  }
}
