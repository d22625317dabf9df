import { Failure } from '../failure.ts';

/**
 * Blocks of bytes, each after its length as a signed 32-bit number, most significant byte first; -1 is null.
 * Give it bytes in pieces of any size.
 */
export class LengthPrefixedReader {
  readonly #maxBytes: number;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  /** Nothing can be read before this many bytes are there. */
  #needed = 4;
  #offset = 0;
  #failure: Failure | null = null;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Set where a length cannot be right: all behind it is out of step, so nothing more is read. */
  get failure(): Failure | null {
    return this.#failure;
  }

  read(chunk: Uint8Array): (Uint8Array | null)[] {
    if (this.#failure !== null) return [];
    this.#parts.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#needed) return [];
    const bytes = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts);
    const blocks: (Uint8Array | null)[] = [];
    const at = this.#readBlocks(bytes, blocks);
    // Copied, so that a few bytes do not hold a whole chunk.
    this.#parts = at === bytes.length ? [] : [new Uint8Array(bytes.subarray(at))];
    this.#bytes = bytes.length - at;
    this.#offset += at;
    return blocks;
  }

  /** @throws Failure if the input ends within a block, or is out of step. */
  end(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#bytes === 0) return;
    throw new Failure(`The input ends in the middle of the block that starts at byte ${this.#offset}.`, {
      hint: 'Everything before it was taken. Was the file copied whole?',
    });
  }

  #readBlocks(bytes: Uint8Array, blocks: (Uint8Array | null)[]): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    for (;;) {
      this.#needed = 4;
      if (at + 4 > bytes.length) return at;
      const length = view.getInt32(at);
      if (length < -1 || length > this.#maxBytes) {
        this.#failure = this.#outOfStep(at, length);
        return at;
      }
      this.#needed = 4 + Math.max(0, length);
      if (at + this.#needed > bytes.length) return at;
      blocks.push(length === -1 ? null : bytes.subarray(at + 4, at + 4 + length));
      at += this.#needed;
    }
  }

  #outOfStep(at: number, length: number): Failure {
    return new Failure(`Byte ${this.#offset + at}: ${length} is not a length (it must be -1 to ${this.#maxBytes}).`, {
      hint: 'Everything before it was taken. The input must be blocks after their int32 length, big-endian.',
    });
  }
}
