import type { ActorRefFrom } from 'xstate';
import type { Accumulator } from './accumulator.ts';
import { Alarm } from './alarm.ts';
import type { Intake } from './intake.ts';
import type { Clock } from './ports.ts';
import type { Backlog, producerMachine } from './producer-machine.ts';
import type { Sender } from './sender.ts';
import { SystemClock } from './system-ports.ts';

export interface PumpSettings {
  readonly lingerMs: number;
  readonly deliveryTimeoutMs: number;
}

export interface PumpParts {
  readonly accumulator: Accumulator;
  readonly intake: Intake;
  readonly sender: Sender;
  readonly clock: Clock;
  /** The machine; it starts after this was made. */
  actor(): ActorRefFrom<typeof producerMachine>;
  /** Something was done: a reading of the clock from before is old. */
  drained(): void;
}

/** More than this in the buffer is a stream of records, not a lone one. */
const mostLoneBytes = 65_536;

/**
 * Keeps things moving: does in a turn of its own what has become possible, and at its time what has become due. The
 * machine hears of it when it has to decide, which is not often in a busy producer.
 */
export class Pump {
  readonly #settings: PumpSettings;
  readonly #parts: PumpParts;
  readonly #alarm: Alarm;
  /** A turn of its own is coming: after the code that runs now, or with the next turn of the loop. */
  #isSoon = false;
  #isLater = false;
  /** This is a turn that began for it. */
  #isOwnTurn = false;
  /** The machine believes that the sender works, and need not be told of more work. */
  #isRunning = false;
  /** When the next waiting record has to be looked at. */
  #intakeDueMs = Number.POSITIVE_INFINITY;
  #isStopped = false;

  constructor(settings: PumpSettings, parts: PumpParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#alarm = new Alarm(parts.clock, () => this.#tick());
  }

  /** What the machine may ask about the records. */
  backlog(): Backlog {
    const { accumulator, clock } = this.#parts;
    const settings = this.#settings;
    return {
      get unsettled() {
        return accumulator.unsettled;
      },
      get ready() {
        return accumulator.due > 0;
      },
      get dueInMs() {
        const endsMs = accumulator.lingerEndsMs ?? clock.now() + settings.lingerMs;
        return Math.max(0, Math.ceil(endsMs - clock.now()));
      },
    };
  }

  /**
   * Does what has become possible: as soon as the code that runs now has ended where a record waits for nothing else,
   * and with the next turn of the loop when requests are out anyway, or there is only something to put in order. So
   * too in a stream of records: its first batch would go alone, before there are others to share its request.
   */
  wake(): void {
    if (this.#isSoon || this.#isStopped) return;
    this.hold();
    const { sender, accumulator } = this.#parts;
    if (sender.inFlightRequests === 0 && accumulator.due > 0 && accumulator.bufferedBytes <= mostLoneBytes) {
      this.#isSoon = true;
      queueMicrotask(this.#soon);
    } else this.#comeLater();
  }

  /** The machine has decided that the sender works. */
  drain(): void {
    this.#isRunning = true;
    this.#parts.drained();
    const { accumulator, intake, sender, clock } = this.#parts;
    intake.admit();
    // Timers may fire a fraction of a millisecond early.
    const lingerEndsMs = accumulator.endLingersDue(clock.now() + 1);
    sender.drain();
    if (this.#isRunning) this.#alarm.set(lingerEndsMs);
    this.#setAlarm();
  }

  /**
   * Nothing is due and nothing is in flight. Whoever awaits one record after the other sends the next one before the
   * loop's next turn: to the machine, that is no rest.
   *
   * @param rested - called when it is one.
   */
  quiet(rested: () => void): void {
    if (!this.#isOwnTurn) {
      this.#comeLater();
      return;
    }
    rested();
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#parts.actor().send({ type: 'sender.quiet' });
  }

  /** A batch has begun to wait for company. */
  lingering(): void {
    this.hold();
    if (this.#isRunning) this.wake();
    else this.#parts.actor().send({ type: 'batch.opened' });
    this.#setAlarm();
  }

  /** A record waits for room or metadata, and has to be looked at by then. */
  waiting(untilMs: number): void {
    this.hold();
    this.#intakeDueMs = Math.min(this.#intakeDueMs, untilMs);
    this.#alarm.set(untilMs);
  }

  /** The process may not end: something is pending. */
  hold(): void {
    const { clock } = this.#parts;
    if (clock instanceof SystemClock && !this.#isStopped) clock.hold();
  }

  /** The process may not end, though this has stopped: something is to be said yet. */
  holdOn(): void {
    const { clock } = this.#parts;
    if (clock instanceof SystemClock) clock.hold();
  }

  /** The process may end. */
  letGo(): void {
    const { clock } = this.#parts;
    if (clock instanceof SystemClock) clock.release();
  }

  stop(): void {
    this.#isStopped = true;
    this.#alarm.stop();
    this.letGo();
  }

  #comeLater(): void {
    if (this.#isLater || this.#isStopped) return;
    this.#isLater = true;
    this.#parts.clock.setImmediate(this.#later);
  }

  readonly #soon = (): void => {
    this.#isSoon = false;
    this.#awake();
  };

  readonly #later = (): void => {
    this.#isLater = false;
    this.#isOwnTurn = true;
    try {
      this.#awake();
    } finally {
      this.#isOwnTurn = false;
    }
  };

  /** A lone record is written first, and the machine, which would decide nothing else, is told while it travels. */
  #awake(): void {
    if (this.#isStopped) return;
    const wasRunning = this.#isRunning;
    this.drain();
    if (!wasRunning && this.#isRunning) this.#parts.actor().send({ type: 'batch.ready' });
  }

  #setAlarm(): void {
    const oldest = this.#parts.accumulator.oldest();
    const deadlineMs =
      oldest === undefined ? Number.POSITIVE_INFINITY : oldest.acceptedAtMs + this.#settings.deliveryTimeoutMs;
    this.#alarm.set(Math.min(deadlineMs, this.#parts.sender.nextRetryAtMs, this.#intakeDueMs));
  }

  #tick(): void {
    const { clock, intake, sender } = this.#parts;
    const nowMs = clock.now();
    sender.expire(nowMs);
    this.#intakeDueMs = intake.expire(nowMs);
    this.drain();
  }
}
