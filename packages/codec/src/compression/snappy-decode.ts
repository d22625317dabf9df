import type { CodecError } from '../errors.ts';
import type { Allocate } from './compression.ts';
import { copyMatch } from './lz4-decode.ts';
import { malformed, outputOver } from './malformed.ts';

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

/** Decompresses one raw block, which must fill `bytes` exactly. Steps of eight bytes may run over, as with LZ4. */
export function readSnappyBlock(bytes: Uint8Array, maxBytes: number, allocate: Allocate): Uint8Array {
  const { length, start } = readPreamble(bytes);
  if (length > maxBytes) throw outputOver('snappy', maxBytes, 0);
  // Three bytes make 64 at most, so a greater claim is a lie: refused before memory is taken for it.
  if (length > (bytes.length - start) * 22) {
    throw malformed('snappy', `${bytes.length} bytes cannot hold the ${length} they claim`, 0);
  }
  const out = allocate(length);
  const to = readElements(bytes, start, out);
  if (to !== length) throw malformed('snappy', `the block holds ${to} bytes and claims ${length}`, bytes.length);
  return out;
}

function readElements(bytes: Uint8Array, start: number, out: Uint8Array): number {
  const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const target = new DataView(out.buffer, out.byteOffset, out.byteLength);
  const end = bytes.length;
  const limit = out.length;
  let from = start;
  let to = 0;
  while (from < end) {
    const tag = bytes[from++]!;
    const kind = tag & 3;
    let size = (tag >>> 2) + 1;
    if (kind === 0) {
      if (size <= 16 && end - from >= 16 && limit - to >= 16) {
        target.setBigInt64(to, source.getBigInt64(from, true), true);
        if (size > 8) target.setBigInt64(to + 8, source.getBigInt64(from + 8, true), true);
      } else {
        if (size > 60) {
          const extra = size - 60;
          if (end - from < extra) throw cutOff(from);
          size = longLength(bytes, from, extra);
          from += extra;
        }
        if (size <= 0 || size > end - from) throw cutOff(end);
        if (size > limit - to) throw tooMuch(from);
        copyLiterals(bytes, from, out, to, size);
      }
      from += size;
      to += size;
      continue;
    }
    let offset: number;
    if (kind === 1) {
      if (from >= end) throw cutOff(from);
      size = ((tag >>> 2) & 7) + 4;
      offset = ((tag >>> 5) << 8) | bytes[from++]!;
    } else if (kind === 2) {
      if (end - from < 2) throw cutOff(from);
      offset = bytes[from]! | (bytes[from + 1]! << 8);
      from += 2;
    } else {
      if (end - from < 4) throw cutOff(from);
      offset = source.getInt32(from, true); // one over 2^31 shows as negative, and is refused as well
      from += 4;
    }
    if (offset <= 0 || offset > to) throw overTheStart(offset, from);
    const stop = to + size;
    if (offset >= 8 && limit - stop >= 8) {
      do {
        target.setBigInt64(to, target.getBigInt64(to - offset, true), true);
        to += 8;
      } while (to < stop);
      to = stop;
    } else {
      if (size > limit - to) throw tooMuch(from);
      to = copyMatch(out, to, offset, stop);
    }
  }
  return to;
}

/** A length over 2^31 shows as negative: numbers stay small integers, which keeps the loop above fast. */
function longLength(bytes: Uint8Array, at: number, count: number): number {
  let length = 0;
  for (let i = 0; i < count; i++) length |= bytes[at + i]! << (8 * i);
  return (length + 1) | 0;
}

function copyLiterals(bytes: Uint8Array, from: number, out: Uint8Array, to: number, count: number): void {
  if (count > 64) out.set(bytes.subarray(from, from + count), to);
  else for (const stop = from + count; from < stop; ) out[to++] = bytes[from++]!;
}

function cutOff(at: number): CodecError {
  return malformed('snappy', 'the block ends too early', at);
}

function tooMuch(at: number): CodecError {
  return malformed('snappy', 'the block holds more than it claims', at);
}

function overTheStart(offset: number, at: number): CodecError {
  return malformed('snappy', `a copy reaches ${offset} bytes back, over the start`, at);
}
