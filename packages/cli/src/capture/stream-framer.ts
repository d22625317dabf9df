/** One frame of a Kafka stream, or what stands where a frame should. */
export type Framed =
  | { readonly kind: 'frame'; readonly bytes: Uint8Array; readonly offset: number; readonly timestampMs: number }
  | {
      readonly kind: 'fault';
      readonly fault: 'TLS' | 'HTTP' | 'not a frame size' | 'bytes missing' | 'cut short';
      readonly detail: string;
      /** Where in the stream, counting captured bytes only. */
      readonly offset: number;
      /** Bytes around the fault, and where in them it lies. */
      readonly context: Uint8Array;
      readonly contextAt: number;
      readonly timestampMs: number;
    };

/** Tells whether the bytes after a size could be the begin of a frame of this stream. */
export type FrameTest = (head: Uint8Array) => boolean;

const SMALLEST_FRAME = 4;
const CONTEXT_BYTES = 32;

/**
 * Cuts one direction of a connection into frames. It survives holes: one inside a frame costs that frame,
 * since the size tells where the next begins; after any other it looks for a place that passes `looksRight`.
 */
export class StreamFramer {
  readonly #maxFrameBytes: number;
  readonly #looksRight: FrameTest;
  #bytes: Uint8Array = new Uint8Array(0);
  #parts: Uint8Array[] = [];
  #buffered = 0;
  /** Stream position of the first buffered byte. */
  #offset = 0;
  #needed = 4;
  /** Bytes of a damaged frame still to be passed over. */
  #skip = 0;
  #inStep: boolean;
  #isForeign = false;

  /** @param inStep - false where the stream was captured from somewhere in its middle. */
  constructor(options: { maxFrameBytes: number; looksRight: FrameTest; inStep?: boolean }) {
    this.#maxFrameBytes = options.maxFrameBytes;
    this.#looksRight = options.looksRight;
    this.#inStep = options.inStep ?? true;
  }

  /** @param missingBytes - bytes of the stream before these that nobody has. */
  accept(bytes: Uint8Array, timestampMs: number, missingBytes = 0): Framed[] {
    if (this.#isForeign) return [];
    const found: Framed[] = [];
    if (missingBytes > 0) this.#cross(missingBytes, timestampMs, found);
    const skipped = Math.min(this.#skip, bytes.length);
    this.#skip -= skipped;
    this.#offset += skipped;
    const rest = bytes.subarray(skipped);
    if (rest.length > 0) {
      this.#parts.push(rest);
      this.#buffered += rest.length;
    }
    if (this.#buffered >= this.#needed) this.#cut(timestampMs, found);
    return found;
  }

  /** What is left when the stream is over. */
  end(timestampMs: number): Framed[] {
    if (this.#isForeign || this.#buffered === 0 || !this.#inStep) return [];
    this.#gather();
    const detail = `the stream ends with ${this.#buffered} of ${this.#needed} bytes of a frame`;
    return [this.#fault('cut short', detail, this.#buffered, timestampMs)];
  }

  #cross(missingBytes: number, timestampMs: number, found: Framed[]): void {
    this.#gather();
    const hole = `${missingBytes} bytes were not captured`;
    const isInsideFrame = this.#inStep && this.#buffered >= 4 && this.#buffered + missingBytes <= this.#needed;
    found.push(this.#fault('bytes missing', hole, this.#buffered, timestampMs));
    if (isInsideFrame) this.#skip = this.#needed - this.#buffered - missingBytes;
    else this.#inStep = false;
    this.#offset += this.#buffered;
    this.#reset(new Uint8Array(0));
  }

  #cut(timestampMs: number, found: Framed[]): void {
    this.#gather();
    const bytes = this.#bytes;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = this.#inStep ? 0 : this.#nextInStep();
    this.#needed = 4;
    while (at + 4 <= bytes.length) {
      const size = view.getInt32(at);
      if (size < SMALLEST_FRAME || size > this.#maxFrameBytes || isTls(bytes.subarray(at))) {
        found.push(this.#sizeFault(at, size, timestampMs));
        this.#inStep = false;
        if (this.#isForeign) {
          this.#reset(new Uint8Array(0));
          return;
        }
        // Somewhere in the bytes behind it another frame may begin.
        at = this.#nextInStep(at + 1);
        continue;
      }
      if (at + 4 + size > bytes.length) {
        this.#needed = 4 + size;
        break;
      }
      found.push({
        kind: 'frame',
        bytes: bytes.subarray(at + 4, at + 4 + size),
        offset: this.#offset + at,
        timestampMs,
      });
      at += 4 + size;
    }
    this.#offset += at;
    this.#reset(bytes.subarray(at));
  }

  /** The first place from `from` on that could begin a frame; the end of what there is, if none. */
  #nextInStep(from = 0): number {
    const bytes = this.#bytes;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = from; at + 12 <= bytes.length; at++) {
      const size = view.getInt32(at);
      if (size < SMALLEST_FRAME || size > this.#maxFrameBytes || !this.#looksRight(bytes.subarray(at + 4))) continue;
      this.#inStep = true;
      return at;
    }
    return bytes.length;
  }

  #gather(): void {
    this.#bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = this.#bytes.length === 0 ? [] : [this.#bytes];
  }

  #reset(rest: Uint8Array): void {
    this.#parts = rest.length === 0 ? [] : [rest];
    this.#buffered = rest.length;
    if (rest.length === 0) this.#needed = 4;
  }

  #sizeFault(at: number, size: number, timestampMs: number): Framed {
    const head = this.#bytes.subarray(at, at + 8);
    const text = Buffer.from(head).toString('latin1');
    if (isTls(head)) {
      this.#isForeign = true;
      return this.#fault('TLS', 'this stream is encrypted: decode it from a capture without TLS', at, timestampMs);
    }
    if (/^(HTTP|GET |POST|PUT |HEAD|OPTI|PRI )/.test(text)) {
      this.#isForeign = true;
      return this.#fault('HTTP', 'this stream speaks HTTP, not Kafka', at, timestampMs);
    }
    return this.#fault('not a frame size', `a frame of ${size} bytes`, at, timestampMs);
  }

  #fault(fault: (Framed & { kind: 'fault' })['fault'], detail: string, at: number, timestampMs: number): Framed {
    const from = Math.max(0, at - CONTEXT_BYTES);
    return {
      kind: 'fault',
      fault,
      detail,
      offset: this.#offset + at,
      context: this.#bytes.slice(from, at + CONTEXT_BYTES),
      contextAt: at - from,
      timestampMs,
    };
  }
}

/** A TLS record's head. As a size it were more than 335 MB. */
function isTls(head: Uint8Array): boolean {
  return head.length >= 3 && head[0]! >= 0x14 && head[0]! <= 0x17 && head[1] === 3 && head[2]! <= 4;
}
