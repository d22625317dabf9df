/** Takes exact numbers of bytes out of chunks of any size. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;
  #position = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Bytes taken so far. */
  get position(): number {
    return this.#position;
  }

  /** @returns `size` bytes; fewer at the end of the input, none after it. */
  async take(size: number): Promise<Uint8Array> {
    const bytes = await this.peek(size);
    this.#at += bytes.length;
    this.#position += bytes.length;
    return bytes;
  }

  /** As `take`, and the bytes stay. */
  async peek(size: number): Promise<Uint8Array> {
    if (this.#chunk.length - this.#at < size) await this.#gather(size);
    return this.#chunk.subarray(this.#at, this.#at + size);
  }

  /** Passes over bytes without keeping them. @returns how many there were. */
  async skip(size: number): Promise<number> {
    let left = size;
    while (left > 0) {
      const step = (await this.take(Math.min(left, 65_536))).length;
      if (step === 0) break;
      left -= step;
    }
    return size - left;
  }

  /** What was read and not taken, then the rest, as chunks. */
  async *rest(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const bytes = this.#chunk.subarray(this.#at);
      this.#at = this.#chunk.length;
      this.#position += bytes.length;
      if (bytes.length > 0) yield bytes;
      const next = await this.#chunks.next();
      if (next.done === true) return;
      this.#chunk = next.value;
      this.#at = 0;
    }
  }

  async #gather(size: number): Promise<void> {
    const parts = [this.#chunk.subarray(this.#at)];
    let have = parts[0]!.length;
    while (have < size) {
      const next = await this.#chunks.next();
      if (next.done === true) break;
      parts.push(next.value);
      have += next.value.length;
    }
    this.#chunk = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    this.#at = 0;
  }
}
