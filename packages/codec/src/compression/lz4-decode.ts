import { CodecError } from '../errors.ts';
import { malformed } from './malformed.ts';

/**
 * Decompresses one block into `out` at `to`, and returns the place after.
 *
 * Short literals and matches are copied in steps of eight bytes that may run over: what they spoil lies behind `to` and
 * is written again. V8 moves a bigint between two DataViews without making one (bench/compression.bench.ts).
 *
 * @param floor - where in `out` the window begins: matches reach back no further.
 * @param limit - where in `out` the block must end at the latest.
 */
export function readLz4Block(
  bytes: Uint8Array,
  from: number,
  end: number,
  out: Uint8Array,
  to: number,
  floor: number,
  limit: number,
): number {
  const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const target = new DataView(out.buffer, out.byteOffset, out.byteLength);
  if (from >= end) throw malformed('lz4', 'a block is empty', from);
  const lastFrom = end - 17;
  const lastTo = limit - 16;
  for (;;) {
    const token = bytes[from++]!;
    let literals = token >>> 4;
    if (literals < 15 && from <= lastFrom && to <= lastTo) {
      // 17 bytes are left: the literals, and the two of the offset.
      target.setBigInt64(to, source.getBigInt64(from, true), true);
      if (literals > 8) target.setBigInt64(to + 8, source.getBigInt64(from + 8, true), true);
      from += literals;
      to += literals;
    } else {
      if (literals === 15) {
        let byte: number;
        do {
          if (from >= end) throw cutOff(from);
          byte = bytes[from++]!;
          literals += byte;
        } while (byte === 255);
      }
      if (literals > end - from) throw cutOff(end);
      if (literals > limit - to) throw tooMuch(from);
      copyLiterals(bytes, from, out, to, literals);
      from += literals;
      to += literals;
      if (from === end) {
        if ((token & 15) !== 0) throw cutOff(from);
        return to;
      }
      if (end - from < 2) throw cutOff(from);
    }
    const offset = source.getUint16(from, true);
    from += 2;
    if (offset === 0 || offset > to - floor) throw overTheStart(offset, from);
    let length = (token & 15) + 4;
    if (length === 19) {
      let byte: number;
      do {
        if (from >= end) throw cutOff(from);
        byte = bytes[from++]!;
        length += byte;
      } while (byte === 255);
    }
    if (length > limit - to) throw tooMuch(from);
    const stop = to + length;
    if (offset >= 8 && limit - stop >= 8) {
      do {
        target.setBigInt64(to, target.getBigInt64(to - offset, true), true);
        to += 8;
      } while (to < stop);
      to = stop;
    } else {
      to = copyMatch(out, to, offset, stop);
    }
    // The last thing in a block is literals.
    if (from >= end) throw cutOff(from);
  }
}

// Apart from the loop above, which is faster the less it holds.
function cutOff(at: number): CodecError {
  return malformed('lz4', 'a block ends too early', at);
}

function tooMuch(at: number): CodecError {
  return new CodecError('DECOMPRESSION_LIMIT', 'lz4: more comes out than the block or the reader allows', {
    offset: at,
  });
}

function overTheStart(offset: number, at: number): CodecError {
  return malformed('lz4', `a match reaches ${offset} bytes back, over the start`, at - 2);
}

function copyLiterals(bytes: Uint8Array, from: number, out: Uint8Array, to: number, count: number): void {
  if (count > 64) out.set(bytes.subarray(from, from + count), to);
  else for (const stop = from + count; from < stop; ) out[to++] = bytes[from++]!;
}

/**
 * Copies what lies `offset` bytes back to where it goes from `to` to `stop`, which it returns. With an offset shorter
 * than that, the match repeats what it has just written.
 */
export function copyMatch(out: Uint8Array, to: number, offset: number, stop: number): number {
  if (stop - to > 64) return copyRun(out, to, offset, stop);
  for (; to < stop; to++) out[to] = out[to - offset]!;
  return stop;
}

/** A long match of a short pattern: each copy doubles what there is to copy from. */
function copyRun(out: Uint8Array, to: number, offset: number, stop: number): number {
  const from = to - offset;
  while (to < stop) {
    const count = Math.min(to - from, stop - to);
    out.copyWithin(to, from, from + count);
    to += count;
  }
  return stop;
}
