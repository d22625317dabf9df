import { matchStop } from './lz4-block.ts';

/** Snappy looks back no further than this: each stretch of it is compressed by itself. */
const stretchBytes = 1 << 16;
const hashBits = 14;

/** The most bytes that a snappy block of so many bytes can take. */
export function maxSnappyBlockBytes(length: number): number {
  return 32 + length + Math.ceil(length / 6);
}

/** A table of places by the hash of the four bytes there: the memory of an encoder between calls. */
export function snappyTable(): Uint16Array {
  return new Uint16Array(1 << hashBits);
}

/** Compresses into `out` at a place and returns the place after. There must be room for the worst case. */
export function putSnappyBlock(out: Uint8Array, at: number, bytes: Uint8Array, table: Uint16Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const outView = new DataView(out.buffer, out.byteOffset, out.byteLength);
  let rest = bytes.length;
  while (rest >= 0x80) {
    out[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[at++] = rest;
  for (let from = 0; from < bytes.length; from += stretchBytes) {
    at = putStretch(out, outView, at, bytes, view, from, Math.min(from + stretchBytes, bytes.length), table);
  }
  return at;
}

function putStretch(
  out: Uint8Array,
  outView: DataView,
  at: number,
  bytes: Uint8Array,
  view: DataView,
  from: number,
  end: number,
  table: Uint16Array,
): number {
  let literal = from;
  // Four bytes are read at once, also at the end of a match: the last fifteen always go out as they are.
  const last = end - 15;
  if (last > from) {
    table.fill(0);
    let here = from + 1;
    let skip = 32;
    while (here < last) {
      const word = view.getUint32(here, true);
      const slot = Math.imul(word, 0x1e35a7bd) >>> (32 - hashBits);
      const candidate = from + table[slot]!;
      table[slot] = here - from;
      if (candidate >= here || view.getUint32(candidate, true) !== word) {
        // The longer nothing is found, the longer the steps: what cannot be compressed is soon left behind.
        here += skip++ >> 5;
        continue;
      }
      if (here > literal) at = putLiteral(out, outView, at, bytes, view, literal, here);
      const length = matchStop(bytes, view, here + 4, here - candidate, end) - here;
      at = putCopy(out, at, here - candidate, length);
      here += length;
      literal = here;
      skip = 32;
      if (here < last) {
        const before = view.getUint32(here - 1, true);
        table[Math.imul(before, 0x1e35a7bd) >>> (32 - hashBits)] = here - 1 - from;
      }
    }
  }
  return literal < end ? putLiteral(out, outView, at, bytes, view, literal, end) : at;
}

function putLiteral(
  out: Uint8Array,
  outView: DataView,
  at: number,
  bytes: Uint8Array,
  view: DataView,
  from: number,
  end: number,
): number {
  const length = end - from;
  const stored = length - 1;
  if (stored < 16 && from + 16 <= bytes.length) {
    // Two steps that may run over, into room that the worst case leaves.
    out[at] = stored << 2;
    outView.setBigInt64(at + 1, view.getBigInt64(from, true), true);
    if (stored >= 8) outView.setBigInt64(at + 9, view.getBigInt64(from + 8, true), true);
    return at + 1 + length;
  }
  if (stored < 60) {
    out[at++] = stored << 2;
  } else if (stored < 0x100) {
    out[at++] = 60 << 2;
    out[at++] = stored;
  } else {
    out[at++] = 61 << 2;
    out[at++] = stored;
    out[at++] = stored >>> 8;
  }
  if (length > 48) {
    out.set(bytes.subarray(from, end), at);
    return at + length;
  }
  while (from < end) out[at++] = bytes[from++]!;
  return at;
}

function putCopy(out: Uint8Array, at: number, offset: number, length: number): number {
  // 64 at a time, but never leave a rest under 4, which has no short form.
  while (length >= 68) {
    at = putLongCopy(out, at, offset, 64);
    length -= 64;
  }
  if (length > 64) {
    at = putLongCopy(out, at, offset, 60);
    length -= 60;
  }
  if (length >= 12 || offset >= 2048) return putLongCopy(out, at, offset, length);
  out[at++] = ((offset >>> 8) << 5) | ((length - 4) << 2) | 1;
  out[at++] = offset;
  return at;
}

function putLongCopy(out: Uint8Array, at: number, offset: number, length: number): number {
  out[at++] = ((length - 1) << 2) | 2;
  out[at++] = offset;
  out[at++] = offset >>> 8;
  return at;
}
