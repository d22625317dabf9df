import { malformed, outputOver } from './malformed.ts';

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
  let rest = bytes.length;
  while (rest >= 0x80) {
    out[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[at++] = rest;
  for (let from = 0; from < bytes.length; from += stretchBytes) {
    at = putStretch(out, at, bytes, view, from, Math.min(from + stretchBytes, bytes.length), table);
  }
  return at;
}

function putStretch(
  out: Uint8Array,
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
      if (here > literal) at = putLiteral(out, at, bytes, literal, here);
      let length = 4;
      while (here + length < end && bytes[here + length] === bytes[candidate + length]) length++;
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
  return literal < end ? putLiteral(out, at, bytes, literal, end) : at;
}

function putLiteral(out: Uint8Array, at: number, bytes: Uint8Array, from: number, end: number): number {
  const length = end - from;
  const stored = length - 1;
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

/** The length that a snappy block claims to have uncompressed, and where its elements begin. */
function readPreamble(bytes: Uint8Array): { length: number; start: number } {
  let length = 0;
  for (let at = 0; at < 5; at++) {
    if (at >= bytes.length) throw malformed('snappy', 'the block ends within its length', at);
    const byte = bytes[at]!;
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) {
      if (length > 0xffff_ffff) break;
      return { length, start: at + 1 };
    }
  }
  throw malformed('snappy', 'the block claims a length over 32 bits', 0);
}

/** Decompresses one raw block, which must fill `bytes` exactly. */
export function readSnappyBlock(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const { length, start } = readPreamble(bytes);
  if (length > maxBytes) throw outputOver('snappy', maxBytes, 0);
  // Three bytes make 64 at most, so a greater claim is a lie: refused before memory is taken for it.
  if (length > (bytes.length - start) * 22) {
    throw malformed('snappy', `${bytes.length} bytes cannot hold the ${length} they claim`, 0);
  }
  const out = new Uint8Array(length);
  const end = bytes.length;
  let from = start;
  let to = 0;
  while (from < end) {
    const tag = bytes[from++]!;
    const kind = tag & 3;
    let size: number;
    let offset: number;
    if (kind === 0) {
      size = (tag >>> 2) + 1;
      if (size > 60) {
        const extra = size - 60;
        if (from + extra > end) throw malformed('snappy', 'the block ends within a tag', from);
        size = 1;
        for (let i = 0; i < extra; i++) size += bytes[from + i]! * 2 ** (8 * i);
        from += extra;
      }
      if (size > end - from) throw malformed('snappy', 'a literal runs past the end of the block', from);
      if (size > length - to) throw malformed('snappy', 'the block holds more than it claims', from);
      if (size > 64) {
        out.set(bytes.subarray(from, from + size), to);
        from += size;
        to += size;
      } else {
        for (const stop = to + size; to < stop; ) out[to++] = bytes[from++]!;
      }
      continue;
    }
    if (kind === 1) {
      if (from + 1 > end) throw malformed('snappy', 'the block ends within a tag', from);
      size = ((tag >>> 2) & 7) + 4;
      offset = ((tag >>> 5) << 8) | bytes[from]!;
      from += 1;
    } else if (kind === 2) {
      if (from + 2 > end) throw malformed('snappy', 'the block ends within a tag', from);
      size = (tag >>> 2) + 1;
      offset = bytes[from]! | (bytes[from + 1]! << 8);
      from += 2;
    } else {
      if (from + 4 > end) throw malformed('snappy', 'the block ends within a tag', from);
      size = (tag >>> 2) + 1;
      offset = (bytes[from]! | (bytes[from + 1]! << 8) | (bytes[from + 2]! << 16) | (bytes[from + 3]! << 24)) >>> 0;
      from += 4;
    }
    if (offset === 0 || offset > to)
      throw malformed('snappy', `a copy reaches ${offset} bytes back, over the start`, from);
    if (size > length - to) throw malformed('snappy', 'the block holds more than it claims', from);
    // Forward and byte by byte: with offset < size the copy repeats what it has just written.
    for (const stop = to + size; to < stop; to++) out[to] = out[to - offset]!;
  }
  if (to !== length) throw malformed('snappy', `the block holds ${to} bytes and claims ${length}`, end);
  return out;
}
