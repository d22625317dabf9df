import { CodecError, describeValue } from './errors.ts';

/** The sizes that a FrameDecoder takes. */
export interface FrameDecoderOptions {
  /** Bigger frames are refused. 128 MiB: an answer may exceed the fetch limit by what surrounds the records. */
  readonly maxFrameBytes?: number | undefined;
  /**
   * Smaller frames are refused. 4, the correlation id, which every request and answer begins with; SASL tokens
   * without a header (after SaslHandshake v0) may be empty.
   */
  readonly minFrameBytes?: number | undefined;
}

/** While a frame comes in, room is made for four times what is there, so a claimed size alone costs next to nothing. */
const growth = 4;
const firstRoom = 64 * 1024;

/**
 * Cuts a stream into Kafka's frames: an int32 size and that many bytes. Chunks may come in any sizes. A frame that
 * lies in one chunk is given as a view of it; one that spans several is gathered in memory that grows with what has
 * come, never with what was only claimed: at most 64 KiB or four times the bytes received.
 *
 * After an error the stream is out of step for good, and every further `push` throws the same error. Whole frames
 * that came in the same chunk before it are given first; `failure` tells at once.
 */
export class FrameDecoder {
  readonly #maxFrameBytes: number;
  readonly #minFrameBytes: number;
  /** What has come of the frame in progress, or of its size: `pendingBytes` of it. */
  #gathered: Uint8Array = new Uint8Array(0);
  #pendingBytes = 0;
  /** -1 until the four bytes of the size are there. */
  #size = -1;
  /** Position in the stream, for errors. */
  #offset = 0;
  #failure: CodecError | null = null;

  constructor(options: FrameDecoderOptions = {}) {
    this.#maxFrameBytes = options.maxFrameBytes ?? 128 * 1024 * 1024;
    this.#minFrameBytes = options.minFrameBytes ?? 4;
  }

  /** Bytes that came and belong to no whole frame yet. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** The error that ended the stream. */
  get failure(): CodecError | null {
    return this.#failure;
  }

  /** Takes the next chunk and returns the frames it completes, without their sizes. Throws CodecError `FRAME_SIZE`. */
  push(chunk: Uint8Array): Uint8Array[] {
    if (this.#failure !== null) throw this.#failure;
    if (!(chunk instanceof Uint8Array)) {
      throw new CodecError('WRONG_TYPE', `a chunk must be a Uint8Array, not ${describeValue(chunk)}`);
    }
    const frames: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.length) {
      const wanted = (this.#size < 0 ? 4 : this.#size) - this.#pendingBytes;
      const end = Math.min(chunk.length, at + wanted);
      const piece = chunk.subarray(at, end);
      at = end;
      if (piece.length < wanted) {
        this.#gather(piece, this.#pendingBytes + wanted);
        break;
      }
      const whole = this.#complete(piece);
      if (this.#size >= 0) {
        frames.push(whole);
        this.#size = -1;
        continue;
      }
      this.#size = this.#readSize(whole);
      if (this.#failure !== null) {
        if (frames.length === 0) throw this.#failure;
        break;
      }
      if (this.#size === 0) {
        frames.push(new Uint8Array(0));
        this.#size = -1;
      }
    }
    return frames;
  }

  /** Says that the stream has ended. Throws CodecError `TRUNCATED` if it did so inside a frame. */
  end(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#pendingBytes === 0 && this.#size < 0) return;
    const wanted = this.#size < 0 ? 4 : this.#size;
    throw new CodecError('TRUNCATED', `the stream ends after ${this.#pendingBytes} of ${wanted} bytes of a frame`, {
      offset: this.#offset + this.#pendingBytes,
    });
  }

  #gather(piece: Uint8Array, size: number): void {
    const end = this.#pendingBytes + piece.length;
    if (end > this.#gathered.length) {
      const larger = new Uint8Array(Math.min(size, Math.max(firstRoom, end * growth)));
      larger.set(this.#gathered.subarray(0, this.#pendingBytes));
      this.#gathered = larger;
    }
    this.#gathered.set(piece, this.#pendingBytes);
    this.#pendingBytes = end;
  }

  /** Joins what was gathered with the last piece. */
  #complete(last: Uint8Array): Uint8Array {
    const size = this.#pendingBytes + last.length;
    this.#offset += size;
    if (this.#pendingBytes === 0) return last;
    this.#gather(last, size);
    const whole = this.#gathered.subarray(0, size);
    this.#gathered = new Uint8Array(0);
    this.#pendingBytes = 0;
    return whole;
  }

  #readSize(prefix: Uint8Array): number {
    const size = (prefix[0]! << 24) | (prefix[1]! << 16) | (prefix[2]! << 8) | prefix[3]!;
    if (size >= this.#minFrameBytes && size <= this.#maxFrameBytes) return size;
    const limit =
      size > this.#maxFrameBytes ? `the limit is ${this.#maxFrameBytes}` : `the least is ${this.#minFrameBytes}`;
    const guess = guessPeer(prefix);
    this.#failure = new CodecError(
      'FRAME_SIZE',
      `a frame of ${size} bytes, and ${limit}${guess === null ? '' : `: ${guess}`}`,
      { offset: this.#offset - 4 },
    );
    return -1;
  }
}

/** What a peer that does not speak Kafka usually turns out to be, from the first four bytes it sent. */
function guessPeer(prefix: Uint8Array): string | null {
  // A TLS record: alert, handshake or application data, then the version 3.x.
  if (prefix[0]! >= 0x14 && prefix[0]! <= 0x17 && prefix[1] === 3) {
    return 'the peer speaks TLS and this side does not; use the TLS option, or the port without TLS';
  }
  const text = String.fromCharCode(...prefix);
  if (/^(HTTP|GET |POST|PUT |HEAD|OPTI|DELE|PATC|CONN)$/.test(text)) return 'the peer speaks HTTP, not Kafka';
  if (text === 'SSH-') return 'the peer speaks SSH, not Kafka';
  return /^[ -~]{4}$/.test(text) ? `the stream has the text ${JSON.stringify(text)} where a size belongs` : null;
}
