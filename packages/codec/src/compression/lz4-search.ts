import { lastLiterals, lastMatchBegins, matchStop, putLastLiterals, putSequence, windowBytes } from './lz4-block.ts';

const hashBits = 15;
const noBytes = new Uint8Array(0);
const noView = new DataView(noBytes.buffer);

/** Makes smaller LZ4 blocks than the fast encoder, by looking at many earlier places: the levels from 2 on. */
export class Lz4Search {
  /** The latest place with a hash, and for each place of the window the one before with the same hash. */
  readonly #heads = new Int32Array(1 << hashBits);
  readonly #earlier = new Int32Array(windowBytes + 1);
  /** Places before this one are in the tables. */
  #known = 0;
  #bytes: Uint8Array = noBytes;
  #view: DataView = noView;
  #attempts = 0;
  /** Where the match that was found last begins in the past. */
  #found = 0;

  /** As `putLz4Block`: compresses `bytes` as one block into `out` at a place, and returns the place after. */
  put(out: Uint8Array, at: number, bytes: Uint8Array, level: number): number {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#attempts = 1 << Math.min(level - 1, 12);
    this.#heads.fill(-1);
    this.#known = 0;
    const view = this.#view;
    const outView = new DataView(out.buffer, out.byteOffset, out.byteLength);
    const last = bytes.length - lastMatchBegins;
    let literal = 0;
    let here = 0;
    while (here <= last) {
      let stop = this.#longest(here);
      if (stop === 0) {
        here++;
        continue;
      }
      let found = this.#found;
      // A longer match may begin one byte later: then this byte is better left a literal.
      while (here < last) {
        const later = this.#longest(here + 1);
        if (later <= stop + 1) break;
        here++;
        stop = later;
        found = this.#found;
      }
      at = putSequence(out, outView, at, bytes, view, literal, here, here - found, stop - here);
      here = literal = stop;
    }
    at = putLastLiterals(out, at, bytes, literal);
    // A search keeps nothing of a caller's between calls.
    this.#bytes = noBytes;
    this.#view = noView;
    return at;
  }

  /** Finds the longest match for the bytes here, and returns where it ends; 0 if there is none. */
  #longest(here: number): number {
    const view = this.#view;
    for (; this.#known <= here; this.#known++) {
      const slot = hashOf(view.getInt32(this.#known, true));
      this.#earlier[this.#known & windowBytes] = this.#heads[slot]!;
      this.#heads[slot] = this.#known;
    }
    const bytes = this.#bytes;
    const word = view.getInt32(here, true);
    const end = bytes.length - lastLiterals;
    let best = 0;
    let candidate = this.#earlier[here & windowBytes]!;
    for (let left = this.#attempts; left > 0 && candidate >= 0 && here - candidate <= windowBytes; left--) {
      const offset = here - candidate;
      if (view.getInt32(candidate, true) === word && (best === 0 || bytes[best - offset] === bytes[best])) {
        const stop = matchStop(bytes, view, here + 4, offset, end);
        if (stop > best) {
          best = stop;
          this.#found = candidate;
        }
      }
      candidate = this.#earlier[candidate & windowBytes]!;
    }
    return best;
  }
}

function hashOf(word: number): number {
  return Math.imul(word, 0x9e3779b1) >>> (32 - hashBits);
}
