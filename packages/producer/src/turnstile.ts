import type { Accumulator } from './accumulator.ts';
import type { Cluster } from './cluster.ts';
import type { Intake } from './intake.ts';
import type { CompressionOption } from './options.ts';
import type { Clock } from './ports.ts';

const ready: Promise<void> = Promise.resolve();

/**
 * So much work is taken in one turn of the loop before `ready()` lets the sockets have theirs: 14,000 records of 100
 * bytes, or 2,900 of 1 KiB. Both hold the loop for some six milliseconds.
 */
const plainWorkPerTurn = 3_342_336;
/** Compressing comes on top of that. */
const compressedWorkPerTurn = 2_228_224;

/** Waits in the buffer, at the most, before there is a connection. */
const mostUnconnectedBytes = 1_048_576;

/** When a caller that asks may go on producing. */
export class Turnstile {
  readonly #accumulator: Accumulator;
  readonly #intake: Intake;
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #workPerTurn: number;
  /** What had been taken when this turn of the loop began. */
  #turnBeganAt = 0;
  #turn: Promise<void> | null = null;

  constructor(
    accumulator: Accumulator,
    intake: Intake,
    cluster: Cluster,
    clock: Clock,
    compression: CompressionOption,
  ) {
    this.#accumulator = accumulator;
    this.#intake = intake;
    this.#cluster = cluster;
    this.#clock = clock;
    this.#workPerTurn = compression === null ? plainWorkPerTurn : compressedWorkPerTurn;
  }

  /** A turn of the loop begins. */
  turn(): void {
    this.#turnBeganAt = this.#accumulator.acceptedWork;
  }

  /**
   * Resolves when there is room. A caller who awaits nothing else would starve the sockets, and fill the buffer to its
   * brim for nothing: after a good piece of work it resolves a turn of the loop later.
   */
  ready(): Promise<void> {
    if (!this.#intake.hasRoom) return this.#intake.room();
    const { acceptedWork, bufferedBytes } = this.#accumulator;
    // Nothing can leave yet: a caller that filled the buffer before the first connection would only take memory.
    if (this.#cluster.nodes.size === 0 && bufferedBytes > mostUnconnectedBytes) return this.#intake.admission();
    if (acceptedWork - this.#turnBeganAt < this.#workPerTurn) return ready;
    this.#turn ??= new Promise((resolve) => {
      this.#clock.setImmediate(() => {
        this.#turn = null;
        resolve(this.#intake.room());
      });
    });
    return this.#turn;
  }
}
