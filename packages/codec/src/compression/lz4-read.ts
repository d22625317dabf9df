import { xxhash32 } from '../checksum/xxhash32.ts';
import type { Allocate } from './compression.ts';
import { readLz4Block } from './lz4-decode.ts';
import { malformed, outputOver } from './malformed.ts';

const frameMagic = 0x184d2204;
/** Sixteen magics, the lowest four bits free, begin frames that a reader is to skip. */
const skippableMagic = 0x184d2a50;
const windowBytes = 1 << 16;

/** Decompresses a block: see `readLz4Block`, which does it in TypeScript. */
export type Lz4BlockReader = typeof readLz4Block;

/** What a frame's header says of it. */
interface FrameHeader {
  blocksAreIndependent: boolean;
  hasBlockChecksums: boolean;
  hasContentChecksum: boolean;
  /** -1 if it is not said. */
  contentBytes: number;
  maxBlockBytes: number;
  /** Where the first block begins. */
  end: number;
}

/** The output while it grows: never beyond what the caller allows, nor beyond what the input can make. */
class Output {
  bytes: Uint8Array;
  end = 0;
  readonly maxBytes: number;
  readonly readBlock: Lz4BlockReader;
  readonly #allocate: Allocate;

  constructor(capacity: number, maxBytes: number, allocate: Allocate, readBlock: Lz4BlockReader) {
    this.bytes = allocate(Math.min(capacity, maxBytes));
    this.maxBytes = maxBytes;
    this.#allocate = allocate;
    this.readBlock = readBlock;
  }

  /** Makes room for as many bytes more as are still allowed, and returns where they must end. */
  reserve(count: number): number {
    const limit = Math.min(this.end + count, this.maxBytes);
    if (limit > this.bytes.length) {
      const grown = this.#allocate(Math.min(this.maxBytes, Math.max(limit, this.bytes.length * 2)));
      grown.set(this.bytes.subarray(0, this.end));
      this.bytes = grown;
    }
    return limit;
  }
}

/** Decompresses LZ4 frames, one or several in a row, skippable ones among them. */
export function readLz4Frames(
  bytes: Uint8Array,
  maxBytes: number,
  allocate: Allocate,
  readBlock: Lz4BlockReader = readLz4Block,
): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4) throw malformed('lz4', 'the frame ends within its header', bytes.length);
  const output = new Output(bytes.length * 4, maxBytes, allocate, readBlock);
  for (let at = 0; at < bytes.length; ) {
    if (at + 4 > bytes.length) throw malformed('lz4', 'bytes are left behind the frame', at);
    const magic = view.getUint32(at, true);
    if ((magic & ~0xf) >>> 0 === skippableMagic) at = skipFrame(view, at);
    else if (magic === frameMagic) at = readFrame(bytes, view, at, output);
    else throw malformed('lz4', at === 0 ? 'this is no LZ4 frame' : 'what follows the frame is none', at);
  }
  return output.bytes.subarray(0, output.end);
}

function skipFrame(view: DataView, at: number): number {
  if (at + 8 > view.byteLength) throw malformed('lz4', 'a skippable frame ends within its header', at);
  const size = view.getUint32(at + 4, true);
  if (size > view.byteLength - at - 8) throw malformed('lz4', `a skippable frame claims ${size} bytes`, at + 4);
  return at + 8 + size;
}

function readFrame(bytes: Uint8Array, view: DataView, start: number, output: Output): number {
  const header = readHeader(bytes, view, start);
  const contentStart = output.end;
  let at = header.end;
  for (;;) {
    if (at + 4 > bytes.length) throw malformed('lz4', 'the frame ends without its end mark', at);
    const word = view.getUint32(at, true);
    at += 4;
    if (word === 0) break;
    const size = word & 0x7fff_ffff;
    const end = at + size;
    if (size > header.maxBlockBytes)
      throw malformed('lz4', `a block claims ${size} bytes, over the frame's limit`, at - 4);
    if (end > bytes.length) throw malformed('lz4', 'the frame ends within a block', bytes.length);
    putBlock(bytes, at, end, word > 0x7fff_ffff, header, contentStart, output);
    at = end;
    if (header.hasBlockChecksums) {
      if (at + 4 > bytes.length) throw malformed('lz4', "the frame ends within a block's checksum", at);
      if (view.getUint32(at, true) !== xxhash32(bytes.subarray(end - size, end))) {
        throw malformed('lz4', "a block's checksum does not match", at);
      }
      at += 4;
    }
  }
  const content = output.bytes.subarray(contentStart, output.end);
  if (header.hasContentChecksum) {
    if (at + 4 > bytes.length) throw malformed('lz4', 'the frame ends within its checksum', at);
    if (view.getUint32(at, true) !== xxhash32(content)) throw malformed('lz4', 'the checksum does not match', at);
    at += 4;
  }
  if (header.contentBytes >= 0 && header.contentBytes !== content.length) {
    throw malformed('lz4', `the frame holds ${content.length} bytes and claims ${header.contentBytes}`, start);
  }
  return at;
}

function putBlock(
  bytes: Uint8Array,
  at: number,
  end: number,
  isStored: boolean,
  header: FrameHeader,
  contentStart: number,
  output: Output,
): void {
  const size = end - at;
  if (isStored) {
    if (output.reserve(size) - output.end < size) throw outputOver('lz4', output.maxBytes, at);
    output.bytes.set(bytes.subarray(at, end), output.end);
    output.end += size;
    return;
  }
  // A byte makes 255 at most: a small block cannot claim the memory of a large one.
  const limit = output.reserve(Math.min(header.maxBlockBytes, size * 255));
  const window = header.blocksAreIndependent ? output.end : Math.max(contentStart, output.end - windowBytes);
  output.end = output.readBlock(bytes, at, end, output.bytes, output.end, window, limit);
}

function readHeader(bytes: Uint8Array, view: DataView, start: number): FrameHeader {
  const at = start + 4;
  if (at + 3 > bytes.length) throw malformed('lz4', 'the frame ends within its header', bytes.length);
  const flags = bytes[at]!;
  const blockByte = bytes[at + 1]!;
  if (flags >> 6 !== 1) throw malformed('lz4', `the frame is of version ${flags >> 6}`, at);
  if ((flags & 2) !== 0 || (blockByte & 0x8f) !== 0) throw malformed('lz4', 'a reserved bit is set', at);
  if ((flags & 1) !== 0) throw malformed('lz4', 'the frame needs a dictionary', at);
  if (blockByte >> 4 < 4) throw malformed('lz4', `there is no block size ${blockByte >> 4}`, at + 1);
  const hasContentBytes = (flags & 8) !== 0;
  const checksumAt = at + 2 + (hasContentBytes ? 8 : 0);
  if (checksumAt >= bytes.length) throw malformed('lz4', 'the frame ends within its header', bytes.length);
  const found = bytes[checksumAt]!;
  const right = (xxhash32(bytes.subarray(at, checksumAt)) >>> 8) & 0xff;
  if (found !== right) {
    // Java's clients before message format 1 took the magic into the checksum (KAFKA-3160).
    const old = (xxhash32(bytes.subarray(start, checksumAt)) >>> 8) & 0xff;
    if (found !== old) throw malformed('lz4', "the header's checksum does not match", checksumAt);
  }
  return {
    blocksAreIndependent: (flags & 0x20) !== 0,
    hasBlockChecksums: (flags & 0x10) !== 0,
    hasContentChecksum: (flags & 4) !== 0,
    contentBytes: hasContentBytes ? Number(view.getBigUint64(at + 2, true)) : -1,
    maxBlockBytes: 1 << (8 + 2 * (blockByte >> 4)),
    end: checksumAt + 1,
  };
}
