/** As Java's clients have it: two windows of half a minute, and the one that is being filled. */
const windowMs = 30_000;
const windows = 2;

class Sample {
  startMs: number;
  lastMs: number;
  count = 0;
  sum = 0;
  max = Number.NEGATIVE_INFINITY;

  constructor(nowMs: number) {
    this.startMs = nowMs;
    this.lastMs = nowMs;
  }

  reset(nowMs: number): void {
    this.startMs = nowMs;
    this.lastMs = nowMs;
    this.count = 0;
    this.sum = 0;
    this.max = Number.NEGATIVE_INFINITY;
  }
}

/** Values of the last minute or so, by the monotonic clock. Recording costs a few additions and keeps nothing. */
class Window {
  readonly #samples: Sample[] = [];
  #current = 0;

  record(value: number, nowMs: number): void {
    let sample = this.#samples[this.#current];
    if (sample === undefined) this.#samples[this.#current] = sample = new Sample(nowMs);
    else if (nowMs - sample.startMs >= windowMs) sample = this.#advance(nowMs);
    sample.count++;
    sample.sum += value;
    if (value > sample.max) sample.max = value;
    sample.lastMs = nowMs;
  }

  /** What is too old counts no more. */
  purge(nowMs: number): readonly Sample[] {
    for (const sample of this.#samples) if (nowMs - sample.lastMs >= windows * windowMs) sample.reset(nowMs);
    return this.#samples;
  }

  /** When the oldest value that counts can have been recorded. The first question counts as a beginning too. */
  beganMs(nowMs: number): number {
    if (this.#samples.length === 0) this.#samples.push(new Sample(nowMs));
    let began = Number.POSITIVE_INFINITY;
    for (const { startMs } of this.#samples) if (startMs < began) began = startMs;
    return began;
  }

  #advance(nowMs: number): Sample {
    this.#current = (this.#current + 1) % (windows + 1);
    const next = this.#samples[this.#current];
    if (next === undefined) {
      const sample = new Sample(nowMs);
      this.#samples.push(sample);
      return sample;
    }
    next.reset(nowMs);
    return next;
  }
}

/** How much a second, and how much ever. */
export class Rate {
  readonly #window = new Window();
  total = 0;

  record(value: number, nowMs: number): void {
    this.total += value;
    this.#window.record(value, nowMs);
  }

  perSecond(nowMs: number): number {
    let sum = 0;
    for (const sample of this.#window.purge(nowMs)) sum += sample.sum;
    const elapsedMs = nowMs - this.#window.beganMs(nowMs);
    // In its first half minute as if it had lasted one: a rate out of a single second would say nothing.
    const isYoung = elapsedMs < windowMs * (windows - 1);
    return (sum / (isYoung ? elapsedMs + windowMs * (windows - 1) : elapsedMs)) * 1000;
  }
}

/** Average and maximum of the last minute or so; NaN where there was nothing. */
export class Spread {
  readonly #window = new Window();

  record(value: number, nowMs: number): void {
    this.#window.record(value, nowMs);
  }

  average(nowMs: number): number {
    let sum = 0;
    let count = 0;
    for (const sample of this.#window.purge(nowMs)) {
      sum += sample.sum;
      count += sample.count;
    }
    return count === 0 ? Number.NaN : sum / count;
  }

  maximum(nowMs: number): number {
    let max = Number.NEGATIVE_INFINITY;
    for (const sample of this.#window.purge(nowMs)) if (sample.max > max) max = sample.max;
    return max === Number.NEGATIVE_INFINITY ? Number.NaN : max;
  }
}
