import { performance } from 'node:perf_hooks';
import type { Clock, Random } from './ports.ts';

/**
 * This machine's time. Its timers do not keep the process alive; `hold` does, for as long as something is pending.
 */
export class SystemClock implements Clock {
  #held: NodeJS.Timeout | null = null;

  now(): number {
    return performance.now();
  }

  epochMs(): number {
    return Date.now();
  }

  setTimeout(callback: () => void, delayMs: number): unknown {
    return setTimeout(callback, delayMs).unref();
  }

  clearTimeout(id: unknown): void {
    clearTimeout(id as NodeJS.Timeout);
  }

  setImmediate(callback: () => void): void {
    setImmediate(callback);
  }

  /** Keeps the process alive until `release`. */
  hold(): void {
    this.#held ??= setInterval(() => {}, 0x7fff_ffff);
  }

  release(): void {
    if (this.#held !== null) clearInterval(this.#held);
    this.#held = null;
  }
}

export const systemRandom: Random = () => Math.random();
