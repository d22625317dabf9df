import type { TokenClock } from '../../src/security/token-source.ts';

/** Time that moves when told to, timers firing in order. */
export class VirtualTime implements TokenClock {
  #nowMs = 1_700_000_000_000;
  #timers: { atMs: number; callback: () => void }[] = [];

  epochMs = (): number => this.#nowMs;

  setTimeout = (callback: () => void, delayMs: number): unknown => {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.push(timer);
    return timer;
  };

  clearTimeout = (id: unknown): void => {
    this.#timers = this.#timers.filter((timer) => timer !== id);
  };

  get timers(): number {
    return this.#timers.length;
  }

  /** Moves on by so much, giving promises their turn around each timer. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settled();
    for (;;) {
      const due = this.#timers.filter((timer) => timer.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.callback();
      await settled();
    }
    this.#nowMs = untilMs;
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}
