export interface Line {
  /** Counted from 1. */
  readonly number: number;
  /** Without its end, `\n` or `\r\n`; a view where it lay within one chunk. Null if it was over the limit. */
  readonly bytes: Uint8Array | null;
}

const LF = 10;
const CR = 13;

/**
 * Cuts chunks into lines. Each step of the iteration gives the lines one chunk completes, so that a caller
 * pays for a promise once a chunk and not once a line. A line over `maxBytes` is passed over, not kept:
 * a file without line ends must not fill the memory.
 *
 * @param cut - once it is aborted, what stands after the last line end is no line.
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
  cut?: AbortSignal,
): AsyncGenerator<Line[]> {
  const cutter = new LineCutter(maxBytes);
  for await (const chunk of chunks) {
    const lines = cutter.cut(chunk);
    if (lines.length > 0) yield lines;
  }
  if (cut?.aborted === true) return;
  const last = cutter.rest();
  if (last !== null) yield [last];
}

export class LineCutter {
  readonly #maxBytes: number;
  #number = 0;
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  #tooLong = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  cut(chunk: Uint8Array): Line[] {
    const lines: Line[] = [];
    let from = 0;
    for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, from)) {
      lines.push(this.#finish(chunk.subarray(from, at)));
      from = at + 1;
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
    return lines;
  }

  /** What stands after the last line end. */
  rest(): Line | null {
    return this.#partBytes === 0 && !this.#tooLong ? null : this.#finish(new Uint8Array(0));
  }

  #keep(part: Uint8Array): void {
    if (this.#tooLong) return;
    this.#partBytes += part.length;
    if (this.#partBytes > this.#maxBytes) {
      this.#tooLong = true;
      this.#parts = [];
      return;
    }
    this.#parts.push(part);
  }

  #finish(end: Uint8Array): Line {
    this.#number++;
    const isWhole = this.#partBytes === 0;
    const tooLong = this.#tooLong || this.#partBytes + end.length > this.#maxBytes;
    const bytes = tooLong ? null : isWhole ? end : joined(this.#parts, end, this.#partBytes + end.length);
    this.#parts = [];
    this.#partBytes = 0;
    this.#tooLong = false;
    return { number: this.#number, bytes: bytes === null ? null : withoutReturn(bytes) };
  }
}

function joined(parts: readonly Uint8Array[], end: Uint8Array, size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  whole.set(end, at);
  return whole;
}

function withoutReturn(bytes: Uint8Array): Uint8Array {
  return bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes;
}
