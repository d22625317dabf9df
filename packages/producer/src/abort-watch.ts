/**
 * One listener a signal, however many records wait under it: taking one of many listeners away walks through them all,
 * which fifty thousand records of one signal would do fifty thousand times.
 */
export class AbortWatch {
  readonly #watched = new WeakMap<AbortSignal, Watched>();

  /**
   * Calls back when the signal is aborted, in the order of the calls.
   *
   * @returns what ends it before.
   */
  watch(signal: AbortSignal, onAbort: () => void): () => void {
    const known = this.#watched.get(signal);
    const watched = known ?? { callbacks: new Set(), tell: () => this.#tell(signal) };
    if (known === undefined) {
      this.#watched.set(signal, watched);
      signal.addEventListener('abort', watched.tell, { once: true });
    }
    watched.callbacks.add(onAbort);
    return () => {
      watched.callbacks.delete(onAbort);
      if (watched.callbacks.size > 0 || this.#watched.get(signal) !== watched) return;
      this.#watched.delete(signal);
      signal.removeEventListener('abort', watched.tell);
    };
  }

  #tell(signal: AbortSignal): void {
    const { callbacks } = this.#watched.get(signal)!;
    this.#watched.delete(signal);
    for (const onAbort of callbacks) onAbort();
  }
}

interface Watched {
  readonly callbacks: Set<() => void>;
  readonly tell: () => void;
}
