import type { Accumulator } from './accumulator.ts';
import type { Cluster } from './cluster.ts';
import { toError } from './errors.ts';
import type { SafeLogger } from './logger.ts';
import type { Clock } from './ports.ts';
import type { Topic } from './topic.ts';

export interface MetadataRefreshParts {
  readonly accumulator: Accumulator;
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly logger: SafeLogger;
  readonly metadataMaxIdleMs: number;
  /** Tells the metadata machine how it went. */
  tell(event: { type: 'fetched' } | { type: 'failed' }): void;
}

/** What the metadata machine has fetched: the picture of the topics in use. */
export class MetadataRefresh {
  readonly #parts: MetadataRefreshParts;

  constructor(parts: MetadataRefreshParts) {
    this.#parts = parts;
  }

  get hasTopics(): boolean {
    return this.#topicsInUse().length > 0;
  }

  /** A topic is wanted that no request has asked for yet. */
  get hasUnasked(): boolean {
    return this.#topicsInUse().some((topic) => !topic.isAsked);
  }

  fetch(): void {
    const { cluster, logger, tell } = this.#parts;
    this.#retireIdleTopics();
    const topics = this.#topicsInUse();
    // In a turn of its own: it may need links, and those need the machine, which is at work just now.
    Promise.resolve()
      .then(() => cluster.fetch(topics))
      .then(
        () => tell({ type: 'fetched' }),
        (thrown: unknown) => {
          logger.warn('no metadata', { reason: toError(thrown).message });
          tell({ type: 'failed' });
        },
      );
  }

  #topicsInUse(): Topic[] {
    return [...this.#parts.accumulator.topics.values()].filter((topic) => !topic.isIdle);
  }

  /** Brokers are not asked about topics that nobody uses. */
  #retireIdleTopics(): void {
    const { accumulator, clock, metadataMaxIdleMs } = this.#parts;
    const usedSince = clock.now() - metadataMaxIdleMs;
    for (const topic of accumulator.topics.values()) {
      if (topic.usedAtMs >= usedSince || topic.waiting.length > 0) continue;
      if (topic.partitions.every((queue) => queue.length === 0)) topic.isIdle = true;
    }
  }
}
