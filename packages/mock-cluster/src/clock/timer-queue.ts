/** A callback and the moment it is due; `callback` is null once it ran or was cancelled. */
export interface Timer {
  readonly at: number;
  readonly order: number;
  callback: (() => void) | null;
}

/**
 * A binary heap of timers, earliest first, ties in the order of insertion. Cancelled timers stay until they
 * come up or are more than half of the heap, so that cancelling costs nothing.
 */
export class TimerQueue {
  #heap: Timer[] = [];
  #order = 0;
  #cancelled = 0;

  /** Timers that are not cancelled. */
  get size(): number {
    return this.#heap.length - this.#cancelled;
  }

  add(at: number, callback: () => void): Timer {
    const timer: Timer = { at, order: this.#order++, callback };
    this.#heap.push(timer);
    this.#up(this.#heap.length - 1);
    return timer;
  }

  cancel(timer: Timer): void {
    if (timer.callback === null) return;
    timer.callback = null;
    if (++this.#cancelled > 64 && this.#cancelled * 2 > this.#heap.length) this.#compact();
  }

  /** The earliest timer that is not cancelled. */
  peek(): Timer | undefined {
    while (this.#heap.length > 0) {
      const top = this.#heap[0]!;
      if (top.callback !== null) return top;
      this.#cancelled--;
      this.#removeTop();
    }
    return undefined;
  }

  /** Takes the earliest timer's callback, which must be there; cancelling it from now on does nothing. */
  take(): () => void {
    const top = this.peek()!;
    const callback = top.callback!;
    top.callback = null;
    this.#removeTop();
    return callback;
  }

  clear(): void {
    for (const timer of this.#heap) timer.callback = null;
    this.#heap = [];
    this.#cancelled = 0;
  }

  #compact(): void {
    this.#heap = this.#heap.filter((timer) => timer.callback !== null);
    this.#cancelled = 0;
    for (let i = (this.#heap.length >> 1) - 1; i >= 0; i--) this.#down(i);
  }

  #removeTop(): void {
    const last = this.#heap.pop()!;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#down(0);
  }

  #up(start: number): void {
    const heap = this.#heap;
    const timer = heap[start]!;
    let i = start;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(timer, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = timer;
  }

  #down(start: number): void {
    const heap = this.#heap;
    const timer = heap[start]!;
    let i = start;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, timer)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = timer;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
