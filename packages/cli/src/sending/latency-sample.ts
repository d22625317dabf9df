import { duration } from '../terminal/quantity.ts';

const MOST = 100_000;

/** Times from `produce` to the broker's answer, of a sample of the records. */
export class LatencySample {
  readonly #ms: number[] = [];

  add(ms: number): void {
    if (this.#ms.length < MOST) this.#ms.push(ms);
    // Later ones replace earlier ones at random places, so that the sample stays one of the whole run.
    else this.#ms[Math.floor(Math.random() * MOST)] = ms;
  }

  /** Null without a sample. */
  percentiles(): Record<'p50' | 'p95' | 'p99' | 'max', number> | null {
    if (this.#ms.length === 0) return null;
    const sorted = Float64Array.from(this.#ms).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: sorted.at(-1)! };
  }

  text(): string {
    const found = this.percentiles();
    if (found === null) return 'no record was delivered';
    return Object.entries(found)
      .map(([name, ms]) => `${name} ${duration(ms)}`)
      .join(', ');
  }
}
