/**
 * Memory of settled batches, kept for the next ones: full-sized buffers only, which are the dear ones. The last one
 * that came back goes out first: it is still in the processor's cache.
 */
export class BufferPool {
  readonly #size: number;
  readonly #mostFree: number;
  readonly #free: Uint8Array[] = [];
  /** Full-sized buffers that are out. */
  #taken = 0;

  /** @param mostBytes - kept at most. */
  constructor(sizeBytes: number, mostBytes: number) {
    this.#size = sizeBytes;
    this.#mostFree = Math.max(1, Math.min(64, Math.floor(mostBytes / sizeBytes)));
  }

  /**
   * @param expected - bytes that are likely to be needed.
   * @returns null where a small buffer that grows is better than a full one.
   */
  take(expected: number): Uint8Array | null {
    if (expected > this.#size) return new Uint8Array(expected);
    if (expected < this.#size >> 2 && this.#free.length === 0 && this.#taken >= this.#mostFree) {
      // Small batches of a great many partitions: a full buffer each would be too much.
      return expected <= 1024 ? null : new Uint8Array(expected);
    }
    this.#taken++;
    return this.#free.pop() ?? new Uint8Array(this.#size);
  }

  give(buffer: Uint8Array): void {
    if (buffer.length !== this.#size) return;
    if (this.#taken > 0) this.#taken--;
    if (this.#free.length < this.#mostFree) this.#free.push(buffer);
  }
}
