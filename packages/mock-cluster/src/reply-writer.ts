import type { SeededRandom } from './clock/random.ts';
import type { ReplyMangling } from './faults/plan.ts';
import type { Clock, Peer } from './ports.ts';

/** A reply that waits for the next one goes out alone after this long. */
const HOLD_MS = 100;

/** Sends replies, whole or as rules want them mangled; never lets a later one overtake a slow one. */
export class ReplyWriter {
  readonly #peer: Peer;
  readonly #clock: Clock;
  readonly #random: SeededRandom;
  #isHeld = false;
  #waiting: Uint8Array[] = [];
  #kept: { readonly bytes: Uint8Array; readonly how: 'merge' | 'swap' } | null = null;
  /** Segments of a reply that trickles. */
  #trickling = false;

  constructor(peer: Peer, clock: Clock, random: SeededRandom) {
    this.#peer = peer;
    this.#clock = clock;
    this.#random = random;
  }

  /** Nothing goes out until `release`. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.#flush();
  }

  /** @returns true when the connection has to be closed behind it. */
  send(frame: Uint8Array, mangling: ReplyMangling | null): boolean {
    if (mangling === null) {
      this.#emit(this.#withKept(frame));
      return false;
    }
    let bytes = frame;
    if (mangling.garbageBytes !== null)
      bytes = Uint8Array.from({ length: mangling.garbageBytes }, () => this.#random.below(256));
    if (mangling.isCorrupt) bytes = this.#corrupted(bytes);
    if (mangling.hold !== null && this.#kept === null) {
      this.#keep(bytes, mangling.hold);
      return false;
    }
    if (mangling.truncateAt !== null) {
      this.#emit(bytes.subarray(0, mangling.truncateAt));
      return true;
    }
    if (mangling.trickle !== null) this.#trickle(bytes, mangling.trickle.bytes, mangling.trickle.everyMs);
    else if (mangling.splitAt !== null) this.#split(bytes, mangling.splitAt);
    else this.#emit(this.#withKept(bytes));
    return false;
  }

  #keep(bytes: Uint8Array, how: 'merge' | 'swap'): void {
    const kept = { bytes, how };
    this.#kept = kept;
    this.#clock.setTimeout(() => {
      if (this.#kept !== kept) return;
      this.#kept = null;
      this.#emit(bytes);
    }, HOLD_MS);
  }

  #withKept(bytes: Uint8Array): Uint8Array {
    if (this.#kept === null) return bytes;
    const kept = this.#kept;
    this.#kept = null;
    return Buffer.concat(kept.how === 'merge' ? [kept.bytes, bytes] : [bytes, kept.bytes]);
  }

  /** One bit after the size and the correlation id turns. */
  #corrupted(bytes: Uint8Array): Uint8Array {
    const copy = Uint8Array.prototype.slice.call(bytes);
    if (copy.length > 8) copy[8 + this.#random.below(copy.length - 8)]! ^= 1 << this.#random.below(8);
    return copy;
  }

  #split(bytes: Uint8Array, at: readonly number[]): void {
    let start = 0;
    for (const end of [...at, bytes.length]) {
      if (end <= start) continue;
      this.#emit(bytes.subarray(start, Math.min(end, bytes.length)));
      start = end;
    }
  }

  #trickle(bytes: Uint8Array, size: number, everyMs: number): void {
    const before = this.#trickling;
    this.#trickling = true;
    if (before) {
      this.#waiting.push(bytes);
      return;
    }
    let at = 0;
    const next = () => {
      this.#write(bytes.subarray(at, at + size));
      at += Math.max(1, size);
      if (at < bytes.length) this.#clock.setTimeout(next, everyMs);
      else {
        this.#trickling = false;
        this.#flush();
      }
    };
    next();
  }

  #emit(bytes: Uint8Array): void {
    if (this.#isHeld || this.#trickling) this.#waiting.push(bytes);
    else this.#write(bytes);
  }

  #flush(): void {
    if (this.#isHeld || this.#trickling) return;
    for (const bytes of this.#waiting.splice(0)) this.#write(bytes);
  }

  #write(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#peer.write(bytes);
  }
}
