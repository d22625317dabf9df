import { clampDelay } from './backoff.ts';
import type { Clock } from './ports.ts';

/** One timer for many deadlines: whoever is called looks at what is due and sets it for the next. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #timer: unknown = null;
  #atMs = Number.POSITIVE_INFINITY;
  #isStopped = false;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings at this moment, or before if it was set earlier already. */
  set(atMs: number): void {
    if (this.#isStopped || atMs >= this.#atMs) return;
    if (this.#timer !== null) this.#clock.clearTimeout(this.#timer);
    this.#atMs = atMs;
    const delayMs = Math.max(1, Math.ceil(clampDelay(atMs - this.#clock.now())));
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = null;
      this.#atMs = Number.POSITIVE_INFINITY;
      // The process may have slept: answers that lie in the sockets come before deadlines.
      this.#clock.setImmediate(() => {
        if (!this.#isStopped) this.#ring();
      });
    }, delayMs);
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }
}
