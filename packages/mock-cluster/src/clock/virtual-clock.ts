import type { Clock } from '../ports.ts';
import { type Timer, TimerQueue } from './timer-queue.ts';

// Taken at load time, so that a test framework's fake timers do not stop the virtual clock.
const realSetImmediate = globalThis.setImmediate;
const realSetTimeout = globalThis.setTimeout;
const realClearTimeout = globalThis.clearTimeout;

/** 2026-01-01T00:00:00Z: where virtual time begins unless told otherwise. */
const DEFAULT_EPOCH_MS = 1_767_225_600_000;

/** Steps prepared per turn of Node's loop: between two of them it runs microtasks, but does not poll. */
const STEPS_PER_TURN = 64;

/** A run with nothing left to happen waits this long for work outside (files, threads) before it gives up. */
const STUCK_AFTER_REAL_MS = 250;

/** Callbacks without any passing of time that are taken for an endless loop. */
const STANDSTILL_STEPS = 5_000_000;

/** Outside of `run`, time starts to drift after this long without anybody moving it. */
const DRIFT_EVERY_REAL_MS = 100;
const DRIFT_VIRTUAL_MS = 2_000;

/** When `run()` gives up. */
export interface RunOptions {
  /** Virtual milliseconds after which `run` gives up. One hour, unless told otherwise. */
  readonly limitMs?: number;
}

/** A run came to its limit, or nothing was left that could settle its promise. */
export class VirtualTimeError extends Error {
  override readonly name = 'VirtualTimeError';
  readonly code: 'TIME_LIMIT' | 'NOTHING_LEFT' | 'STANDSTILL' | 'STOPPED';

  constructor(code: VirtualTimeError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

interface Run {
  readonly deadline: number;
  readonly reject: (error: unknown) => void;
}

/**
 * Time that moves only when everyone is waiting. Timers are run in order of their time, ties in the order
 * they were set; `setImmediate` callbacks come after everything that is due at the same moment. Between two
 * callbacks all promise jobs are done, as in Node's own loop.
 *
 * What is due now happens by itself. To let time pass, await `run(promise)`; if nobody does for a while,
 * time drifts slowly, so that a forgotten `run` around a `close()` does not hang a test.
 */
export class VirtualClock implements Clock {
  #now = 0;
  readonly #epochMs: number;
  readonly #timers = new TimerQueue();
  #immediates: (() => void)[] = [];
  #nextImmediate = 0;
  readonly #runs = new Set<Run>();
  #isTurning = false;
  #isStopped = false;
  #standstill = 0;
  #stuckTimer: NodeJS.Timeout | null = null;
  #driftTimer: NodeJS.Timeout | null = null;
  #steps = 0;

  constructor(epochMs: number = DEFAULT_EPOCH_MS) {
    this.#epochMs = epochMs;
  }

  /** Milliseconds since this clock began. */
  now(): number {
    return this.#now;
  }

  epochMs(): number {
    return Math.floor(this.#epochMs + this.#now);
  }

  /** Callbacks run so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Timers set and not yet due. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** As Node's: a delay below one millisecond is one. */
  setTimeout(callback: () => void, delayMs: number): unknown {
    return this.at(this.#now + Math.max(1, delayMs), callback);
  }

  clearTimeout(id: unknown): void {
    if (id !== undefined && id !== null) this.#timers.cancel(id as Timer);
  }

  setImmediate(callback: () => void): void {
    if (this.#isStopped) return;
    this.#immediates.push(callback);
    this.#wake();
  }

  /** Runs `callback` at the moment `timeMs` of this clock, or now if that has passed. */
  at(timeMs: number, callback: () => void): Timer {
    const timer = this.#timers.add(Math.max(timeMs, this.#now), callback);
    if (this.#isStopped) this.#timers.cancel(timer);
    else this.#wake();
    return timer;
  }

  /** A promise that resolves after `delayMs` of virtual time. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.setTimeout(resolve, delayMs);
    });
  }

  /** Lets `durationMs` pass, whatever happens meanwhile. */
  advance(durationMs: number): Promise<void> {
    return this.run(this.sleep(durationMs), { limitMs: durationMs + 1 });
  }

  /**
   * Moves time on whenever everyone is waiting, until `promise` settles; gives its outcome.
   *
   * @returns rejects with VirtualTimeError: `TIME_LIMIT` after `limitMs`, `NOTHING_LEFT` when no timer is
   *   set that could change anything, `STANDSTILL` when callbacks follow each other without end; or with
   *   whatever a timer's callback threw.
   */
  run<T>(promise: PromiseLike<T>, options: RunOptions = {}): Promise<T> {
    if (this.#isStopped) return Promise.reject(new VirtualTimeError('STOPPED', 'the clock was stopped'));
    const limitMs = options.limitMs ?? 3_600_000;
    return new Promise<T>((resolve, reject) => {
      const run: Run = { deadline: this.#now + limitMs, reject };
      this.#runs.add(run);
      this.#stopDrift();
      promise.then(
        (value) => {
          this.#runs.delete(run);
          resolve(value);
        },
        (error: unknown) => {
          this.#runs.delete(run);
          reject(error);
        },
      );
      this.#wake();
    });
  }

  /** Nothing happens any more: timers are dropped, runs are rejected. */
  stop(): void {
    this.#isStopped = true;
    this.#timers.clear();
    this.#immediates = [];
    this.#nextImmediate = 0;
    this.#stopDrift();
    if (this.#stuckTimer !== null) realClearTimeout(this.#stuckTimer);
    this.#stuckTimer = null;
    this.#rejectRuns(new VirtualTimeError('STOPPED', 'the clock was stopped'));
  }

  #wake(): void {
    if (this.#stuckTimer !== null) {
      realClearTimeout(this.#stuckTimer);
      this.#stuckTimer = null;
    }
    if (this.#isTurning) return;
    if (this.#runs.size === 0 && !this.#hasDue()) {
      this.#startDrift();
      return;
    }
    this.#isTurning = true;
    this.#prepareTurn();
  }

  #prepareTurn(): void {
    for (let i = 1; i < STEPS_PER_TURN; i++) realSetImmediate(this.#step);
    realSetImmediate(this.#lastStep);
  }

  #hasDue(): boolean {
    if (this.#nextImmediate < this.#immediates.length) return true;
    const next = this.#timers.peek();
    return next !== undefined && next.at <= this.#now;
  }

  readonly #lastStep = (): void => {
    this.#step();
    // Microtasks of the step just taken have yet to run, and may settle a run or schedule more:
    // so the decision to stop turning is made one turn later.
    if (this.#isStopped) {
      this.#isTurning = false;
    } else if (this.#hasDue() || (this.#runs.size > 0 && this.#timers.size > 0)) {
      this.#prepareTurn();
    } else {
      realSetImmediate(this.#decide);
    }
  };

  readonly #decide = (): void => {
    this.#isTurning = false;
    if (this.#isStopped) return;
    if (this.#hasDue() || (this.#runs.size > 0 && this.#timers.size > 0)) this.#wake();
    else if (this.#runs.size > 0) this.#watchStuck();
    else this.#startDrift();
  };

  readonly #step = (): void => {
    const next = this.#timers.peek();
    if (next !== undefined && next.at <= this.#now) {
      this.#call(this.#timers.take());
    } else if (this.#nextImmediate < this.#immediates.length) {
      const callback = this.#immediates[this.#nextImmediate++]!;
      if (this.#nextImmediate === this.#immediates.length) {
        this.#immediates = [];
        this.#nextImmediate = 0;
      }
      this.#call(callback);
    } else if (next !== undefined && this.#runs.size > 0) {
      if (this.#passesDeadline(next.at)) return;
      this.#now = next.at;
      this.#standstill = 0;
      this.#call(this.#timers.take());
    }
  };

  #call(callback: () => void): void {
    this.#steps++;
    if (++this.#standstill > STANDSTILL_STEPS) {
      this.#standstill = 0;
      this.#rejectRuns(
        new VirtualTimeError('STANDSTILL', `time stands still at ${this.#now} ms: callbacks without end`),
      );
    }
    try {
      callback();
    } catch (error) {
      if (this.#runs.size === 0) throw error;
      this.#rejectRuns(error);
    }
  }

  /** True when a run was rejected because the next thing lies beyond its limit. */
  #passesDeadline(at: number): boolean {
    let rejected = false;
    for (const run of this.#runs) {
      if (at <= run.deadline) continue;
      this.#now = Math.max(this.#now, run.deadline);
      this.#runs.delete(run);
      run.reject(new VirtualTimeError('TIME_LIMIT', `not settled by ${run.deadline} ms of virtual time`));
      rejected = true;
    }
    return rejected;
  }

  #rejectRuns(error: unknown): void {
    const runs = [...this.#runs];
    this.#runs.clear();
    for (const run of runs) run.reject(error);
  }

  #watchStuck(): void {
    this.#stuckTimer = realSetTimeout(() => {
      this.#stuckTimer = null;
      this.#rejectRuns(
        new VirtualTimeError(
          'NOTHING_LEFT',
          `at ${this.#now} ms no timer is set and no input is due: it would wait for ever`,
        ),
      );
    }, STUCK_AFTER_REAL_MS);
  }

  #startDrift(): void {
    if (this.#driftTimer !== null || this.#timers.size === 0 || this.#isStopped) return;
    this.#driftTimer = realSetTimeout(() => {
      this.#driftTimer = null;
      if (this.#runs.size > 0 || this.#timers.size === 0) return;
      // A run of its own: it ends by the passing of time, whatever happens.
      const until = this.#now + DRIFT_VIRTUAL_MS;
      const run: Run = { deadline: until, reject: () => this.#startDrift() };
      this.#runs.add(run);
      this.at(until, () => {
        this.#runs.delete(run);
      });
    }, DRIFT_EVERY_REAL_MS);
    this.#driftTimer.unref();
  }

  #stopDrift(): void {
    if (this.#driftTimer !== null) realClearTimeout(this.#driftTimer);
    this.#driftTimer = null;
  }
}
