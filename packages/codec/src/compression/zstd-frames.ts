import { malformed } from './malformed.ts';

const frameMagic = 0xfd2fb528;
/** Sixteen magics, the lowest four bits free, begin frames that a reader is to skip. */
const skippableMagic = 0x184d2a50;

/** Where a frame with content lies, and what it says of its size. */
export interface ZstdFrame {
  readonly start: number;
  readonly end: number;
  /** -1 if it is not said, as in what was compressed as a stream. */
  readonly contentBytes: number;
  /** What its blocks can hold at the most. */
  readonly mostBytes: number;
}

/** A compressed block holds no more. */
const maxBlockBytes = 128 * 1024;
/** A larger window `node:zlib` refuses by itself. */
const maxWindowLog = 27;

/**
 * Finds the frames of a zstd stream from their headers, skippable ones left out. `node:zlib` decompresses the first
 * frame and forgets the rest (seen with Node 22 to 24), so they have to be taken apart before.
 */
export function zstdFrames(bytes: Uint8Array): ZstdFrame[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: ZstdFrame[] = [];
  if (bytes.length === 0) throw malformed('zstd', 'there is no frame', 0);
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < 8) throw malformed('zstd', 'the bytes end within a header', bytes.length);
    const magic = view.getUint32(at, true);
    if ((magic & ~0xf) >>> 0 === skippableMagic) {
      at += 8 + view.getUint32(at + 4, true);
      if (at > bytes.length) throw malformed('zstd', 'a skippable frame runs past the end', bytes.length);
    } else if (magic === frameMagic) {
      const frame = findEnd(bytes, view, at);
      frames.push(frame);
      at = frame.end;
    } else {
      throw malformed('zstd', at === 0 ? 'this is no zstd frame' : 'what follows a frame is none', at);
    }
  }
  return frames;
}

function findEnd(bytes: Uint8Array, view: DataView, start: number): ZstdFrame {
  const flags = bytes[start + 4]!;
  const isSingleSegment = (flags & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][flags & 3]!;
  if ((flags & 8) !== 0) throw malformed('zstd', 'a reserved bit is set', start + 4);
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][flags >> 6]!;
  const sizeAt = start + 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes;
  let at = sizeAt + sizeBytes;
  let mostBytes = 0;
  const cut = () => malformed('zstd', 'a frame is cut off', bytes.length);
  if (at > bytes.length) throw cut();
  const contentBytes = contentSize(view, sizeAt, sizeBytes);
  for (let isLast = false; !isLast; ) {
    if (at + 3 > bytes.length) throw cut();
    const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    const type = (header >> 1) & 3;
    if (type === 3) throw malformed('zstd', 'a block is of the reserved type', at);
    isLast = (header & 1) !== 0;
    mostBytes += type === 2 ? maxBlockBytes : header >> 3;
    // A run of one byte stores that byte, whatever its length.
    at += 3 + (type === 1 ? 1 : header >> 3);
  }
  if ((flags & 4) !== 0) at += 4; // checksum of the content
  if (at > bytes.length) throw cut();
  if (contentBytes > mostBytes) {
    throw malformed('zstd', `a frame claims ${contentBytes} bytes, and its blocks hold at most ${mostBytes}`, sizeAt);
  }
  return { start, end: at, contentBytes, mostBytes };
}

/**
 * A frame's bytes, its window no larger than its content can be: for the window memory is taken, whatever the content,
 * and nine bytes that claim 128 MiB take milliseconds to decompress into nothing. Matches reach back over content only,
 * so the smaller window gives the same.
 */
export function withBoundedWindow(bytes: Uint8Array, { start, end, contentBytes, mostBytes }: ZstdFrame): Uint8Array {
  const frame = bytes.subarray(start, end);
  const isSingleSegment = (frame[4]! & 0x20) !== 0;
  // Otherwise the size of the content, which was compared with the blocks, bounds it already.
  if (isSingleSegment || contentBytes >= 0) return frame;
  const exponent = frame[5]! >> 3;
  const enough = Math.ceil(Math.log2(Math.max(mostBytes, maxBlockBytes))) - 10;
  if (exponent <= enough || exponent + 10 > maxWindowLog) return frame;
  // Not slice(): of a Buffer it is a view, and writing would change the caller's bytes.
  const copy = new Uint8Array(frame);
  copy[5] = enough << 3;
  return copy;
}

function contentSize(view: DataView, at: number, bytes: number): number {
  switch (bytes) {
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at, true) + 256;
    case 4:
      return view.getUint32(at, true);
    case 8:
      return Number(view.getBigUint64(at, true));
    default:
      return -1;
  }
}
