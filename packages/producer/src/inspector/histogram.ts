import type { Percentiles } from './feed-format.ts';

/** Three buckets to a doubling from 1/16 ms on: a percentile is off by 13 % at most, and 2^17 ms still have a bucket. */
const bucketsPerDoubling = 3;
const leastMs = 1 / 16;
const bucketCount = 64;

/** Counts durations without keeping them: adding costs the same whatever was added before. */
export class Histogram {
  readonly #counts = new Uint32Array(bucketCount);
  #count = 0;
  #maxMs = 0;

  add(ms: number): void {
    this.#counts[bucketOf(ms)]!++;
    this.#count++;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  /** What was added since the last call; null if nothing was. */
  take(): Percentiles | null {
    if (this.#count === 0) return null;
    const taken = {
      count: this.#count,
      p50: this.#at(0.5),
      p95: this.#at(0.95),
      p99: this.#at(0.99),
      max: rounded(this.#maxMs),
    };
    this.#counts.fill(0);
    this.#count = 0;
    this.#maxMs = 0;
    return taken;
  }

  #at(share: number): number {
    const rank = Math.ceil(this.#count * share);
    let seen = 0;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= rank) return rounded(Math.min(this.#maxMs, middleOf(bucket)));
    }
    return rounded(this.#maxMs);
  }
}

function bucketOf(ms: number): number {
  if (!(ms > leastMs)) return 0;
  return Math.min(bucketCount - 1, 1 + Math.floor(Math.log2(ms / leastMs) * bucketsPerDoubling));
}

function middleOf(bucket: number): number {
  return bucket === 0 ? leastMs : leastMs * 2 ** ((bucket - 0.5) / bucketsPerDoubling);
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
