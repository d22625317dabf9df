/**
 * What was accepted between two calls of flush(). Batches never mix groups, so that a flush waits for exactly what
 * came before it.
 */
export class FlushGroup {
  /** Batches and waiting records of this group that are not settled. */
  open = 0;
  /** A flush has ended this group: its records do not linger. */
  isEnded = false;
}

interface Waiter {
  /** All groups up to this one have to be settled. */
  readonly last: FlushGroup;
  readonly resolve: () => void;
}

/** The groups that are not settled, oldest first, and the flushes that wait for them. */
export class FlushGroups {
  current = new FlushGroup();
  readonly #unsettled: FlushGroup[] = [];
  readonly #waiters: Waiter[] = [];

  /** Ends the current group and resolves when it and all before it are settled. */
  flush(): Promise<void> {
    const last = this.current;
    last.isEnded = true;
    this.#unsettled.push(last);
    this.current = new FlushGroup();
    return new Promise((resolve) => {
      this.#waiters.push({ last, resolve });
      this.settle();
    });
  }

  /** Called when a group's last batch was settled. */
  settle(): void {
    while (this.#unsettled.length > 0 && this.#unsettled[0]!.open === 0) {
      const group = this.#unsettled.shift()!;
      while (this.#waiters.length > 0 && this.#waiters[0]!.last === group) this.#waiters.shift()!.resolve();
    }
  }
}
