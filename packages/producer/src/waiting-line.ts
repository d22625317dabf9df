import type { WaitingRecord } from './topic.ts';

/** Left-over slots before they are given back. */
const mostSlots = 1_024;

/** Records in the order of their calls. Who is taken out is out at once, whatever happens then. */
export class WaitingLine {
  #records: (WaitingRecord | undefined)[] = [];
  /** Slots before this one are empty: a shift of a long array would move all of it. */
  #from = 0;

  get length(): number {
    return this.#records.length - this.#from;
  }

  get first(): WaitingRecord | undefined {
    return this.#records[this.#from];
  }

  push(record: WaitingRecord): void {
    this.#records.push(record);
  }

  shift(): WaitingRecord | undefined {
    const record = this.#records[this.#from];
    if (record === undefined) return undefined;
    // Whoever takes it out decides what becomes of it.
    record.delivery.waiting = null;
    this.#records[this.#from++] = undefined;
    if (this.#from === this.#records.length || (this.#from > mostSlots && this.#from * 2 > this.#records.length)) {
      this.#records.splice(0, this.#from);
      this.#from = 0;
    }
    return record;
  }

  /** Takes out the ones that have waited long enough, and those that are gone. */
  *expired(nowMs: number): Generator<WaitingRecord> {
    for (;;) {
      const { first } = this;
      if (first === undefined || !(first.isGone || first.giveUpAtMs <= nowMs)) return;
      this.shift();
      if (!first.isGone) yield first;
    }
  }
}
