import type { Batch } from '../batch.ts';
import type { BrokerLink } from '../broker-link.ts';
import type { Watcher } from '../watcher.ts';
import type { Percentiles } from './feed-format.ts';
import { Histogram } from './histogram.ts';

/** Counts what goes out and comes back, since the inspector was opened. */
export class TrafficWatch implements Watcher {
  deliveredRecords = 0;
  deliveredBytes = 0;
  failed = 0;
  batches = 0;
  requests = 0;
  retries = 0;
  readonly records = new Histogram();
  readonly allRequests = new Histogram();
  readonly #nowMs: () => number;
  readonly #byLink = new WeakMap<BrokerLink, Histogram>();
  /** By the name of the broker: when its pause ends. */
  readonly #pauses = new Map<string, number>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  answered(link: BrokerLink, sentAtMs: number): void {
    this.requests++;
    // It was sent before anybody looked.
    if (sentAtMs === 0) return;
    const ms = this.#nowMs() - sentAtMs;
    this.allRequests.add(ms);
    let histogram = this.#byLink.get(link);
    if (histogram === undefined) {
      histogram = new Histogram();
      this.#byLink.set(link, histogram);
    }
    histogram.add(ms);
  }

  delivered(batch: Batch): void {
    this.deliveredRecords += batch.count;
    this.deliveredBytes += batch.sizeBytes;
    this.batches++;
    this.records.add(this.#nowMs() - batch.acceptedAtMs);
  }

  returned(): void {
    this.retries++;
  }

  lost(count: number): void {
    this.failed += count;
  }

  /** A broker asked for a pause. */
  throttled(broker: string, throttleMs: number): void {
    this.#pauses.set(broker, this.#nowMs() + throttleMs);
  }

  /** What is left of it. */
  throttledMs(link: BrokerLink, nowMs: number): number {
    const untilMs = this.#pauses.get(link.name);
    if (untilMs === undefined) return 0;
    if (untilMs <= nowMs) this.#pauses.delete(link.name);
    return Math.max(0, Math.ceil(untilMs - nowMs));
  }

  takeRequests(link: BrokerLink): Percentiles | null {
    return this.#byLink.get(link)?.take() ?? null;
  }
}
