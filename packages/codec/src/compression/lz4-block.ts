const hashBits = 13;
/** A match reaches back no further. */
export const windowBytes = 0xffff;
/** The format's rules: no match begins in the last 12 bytes, and the last 5 are literals. */
export const lastMatchBegins = 12;
export const lastLiterals = 5;

/** The most bytes that an LZ4 block of so many bytes can take, and what the encoder may overrun it by. */
export function maxLz4BlockBytes(length: number): number {
  return length + Math.ceil(length / 255) + 32;
}

/** A table of places by the hash of the four bytes there: the memory of an encoder between calls. */
export function lz4Table(): Int32Array {
  return new Int32Array(1 << hashBits);
}

/** Compresses `bytes` as one block into `out` at a place, and returns the place after. Needs the worst case's room. */
export function putLz4Block(out: Uint8Array, at: number, bytes: Uint8Array, table: Int32Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const outView = new DataView(out.buffer, out.byteOffset, out.byteLength);
  const end = bytes.length;
  const last = end - lastMatchBegins;
  const matchEnd = end - lastLiterals;
  let literal = 0;
  let here = 1;
  let skip = 64;
  if (last > 0) {
    table.fill(0);
    while (here <= last) {
      const word = view.getInt32(here, true);
      const slot = Math.imul(word, 0x9e3779b1) >>> (32 - hashBits);
      let candidate = table[slot]!;
      table[slot] = here;
      if (here - candidate > windowBytes || view.getInt32(candidate, true) !== word) {
        // The longer nothing is found, the longer the steps: what cannot be compressed is soon left behind.
        here += skip++ >> 6;
        continue;
      }
      let start = here;
      while (start > literal && candidate > 0 && bytes[start - 1] === bytes[candidate - 1]) {
        start--;
        candidate--;
      }
      const offset = start - candidate;
      const stop = matchStop(bytes, view, here + 4, offset, matchEnd);
      at = putSequence(out, outView, at, bytes, view, literal, start, offset, stop - start);
      here = literal = stop;
      skip = 64;
      if (here <= last) table[Math.imul(view.getInt32(here - 2, true), 0x9e3779b1) >>> (32 - hashBits)] = here - 2;
    }
  }
  return putLastLiterals(out, at, bytes, literal);
}

/** Where a match ends that is known to hold up to `here`. */
export function matchStop(bytes: Uint8Array, view: DataView, here: number, offset: number, end: number): number {
  for (const last = end - 4; here <= last; here += 4) {
    const difference = view.getInt32(here, true) ^ view.getInt32(here - offset, true);
    if (difference !== 0) return here + ((31 - Math.clz32(difference & -difference)) >> 3);
  }
  while (here < end && bytes[here] === bytes[here - offset]) here++;
  return here;
}

/** Writes literals and the match that follows them. */
export function putSequence(
  out: Uint8Array,
  outView: DataView,
  at: number,
  bytes: Uint8Array,
  view: DataView,
  literal: number,
  start: number,
  offset: number,
  length: number,
): number {
  const literals = start - literal;
  const token = at++;
  if (literals < 15 && literal + 16 <= bytes.length) {
    // Two steps that may run over, into room that the worst case leaves.
    outView.setBigInt64(at, view.getBigInt64(literal, true), true);
    if (literals > 8) outView.setBigInt64(at + 8, view.getBigInt64(literal + 8, true), true);
    at += literals;
  } else if (literals < 15) {
    for (let i = literal; i < start; i++) out[at++] = bytes[i]!;
  } else {
    at = putLength(out, at, literals - 15);
    at = putLiterals(out, at, bytes, literal, start);
  }
  out[at++] = offset;
  out[at++] = offset >>> 8;
  const rest = length - 4;
  if (rest >= 15) at = putLength(out, at, rest - 15);
  out[token] = (Math.min(literals, 15) << 4) | Math.min(rest, 15);
  return at;
}

export function putLastLiterals(out: Uint8Array, at: number, bytes: Uint8Array, literal: number): number {
  const literals = bytes.length - literal;
  out[at++] = Math.min(literals, 15) << 4;
  if (literals >= 15) at = putLength(out, at, literals - 15);
  return putLiterals(out, at, bytes, literal, bytes.length);
}

function putLiterals(out: Uint8Array, at: number, bytes: Uint8Array, from: number, end: number): number {
  if (end - from > 64) {
    out.set(bytes.subarray(from, end), at);
    return at + end - from;
  }
  while (from < end) out[at++] = bytes[from++]!;
  return at;
}

function putLength(out: Uint8Array, at: number, rest: number): number {
  while (rest >= 255) {
    out[at++] = 255;
    rest -= 255;
  }
  out[at++] = rest;
  return at;
}
