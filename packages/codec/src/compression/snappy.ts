import { type Allocate, allocateCleared, type Compressor } from './compression.ts';
import { join } from './join.ts';
import { malformed, outputOver } from './malformed.ts';
import { maxSnappyBlockBytes, putSnappyBlock, snappyTable } from './snappy-block.ts';
import { readSnappyBlock } from './snappy-decode.ts';

/** What begins every stream of Java's snappy library: 0x82 "SNAPPY" 0x00. A raw block cannot begin so and be whole. */
const xerialMagic = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00] as const;
const xerialHeaderBytes = 16;

/** One stretch of snappy's window: a larger block would not compress better. */
const xerialBlockBytes = 1 << 16;

/** How snappy data is written. */
export interface SnappyOptions {
  /** How compressed bytes are framed: 'xerial' as Java's clients do (the default), or 'raw', one bare block. */
  framing?: 'xerial' | 'raw';
  /** Where memory comes from; cleared by default. */
  allocate?: Allocate;
}

/** Snappy in TypeScript. It reads both framings. */
export function createSnappy(options: SnappyOptions = {}): Compressor {
  const table = snappyTable();
  const raw = options.framing === 'raw';
  const allocate = options.allocate ?? allocateCleared;
  return {
    compress: (bytes) => (raw ? compressRaw(bytes, table, allocate) : compressXerial(bytes, table, allocate)),
    decompress: (bytes, maxBytes) => readSnappy(bytes, maxBytes, allocate),
  };
}

function compressRaw(bytes: Uint8Array, table: Uint16Array, allocate: Allocate): Uint8Array {
  const out = allocate(maxSnappyBlockBytes(bytes.length));
  return out.subarray(0, putSnappyBlock(out, 0, bytes, table));
}

function compressXerial(bytes: Uint8Array, table: Uint16Array, allocate: Allocate): Uint8Array {
  const blocks = Math.ceil(bytes.length / xerialBlockBytes);
  const out = allocate(xerialHeaderBytes + blocks * 64 + maxSnappyBlockBytes(bytes.length));
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  out.set(xerialMagic);
  view.setInt32(8, 1); // version
  view.setInt32(12, 1); // the oldest version that can read it
  let at = xerialHeaderBytes;
  for (let from = 0; from < bytes.length; from += xerialBlockBytes) {
    const end = putSnappyBlock(out, at + 4, bytes.subarray(from, from + xerialBlockBytes), table);
    view.setInt32(at, end - at - 4);
    at = end;
  }
  return out.subarray(0, at);
}

/** Decompresses one raw block: see `readSnappyBlock`, which does it in TypeScript. */
export type SnappyBlockReader = typeof readSnappyBlock;

/** Decompresses either framing. */
export function readSnappy(
  bytes: Uint8Array,
  maxBytes: number,
  allocate: Allocate,
  readBlock: SnappyBlockReader = readSnappyBlock,
): Uint8Array {
  return isXerial(bytes) ? readXerial(bytes, maxBytes, allocate, readBlock) : readBlock(bytes, maxBytes, allocate);
}

function isXerial(bytes: Uint8Array): boolean {
  return xerialMagic.every((byte, at) => bytes[at] === byte);
}

function readXerial(bytes: Uint8Array, maxBytes: number, allocate: Allocate, readBlock: SnappyBlockReader): Uint8Array {
  if (bytes.length < xerialHeaderBytes) throw malformed('snappy', 'the frame ends within its header', bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let total = 0;
  let at = xerialHeaderBytes;
  while (at < bytes.length) {
    if (at + 4 > bytes.length) throw malformed('snappy', "the frame ends within a block's length", at);
    const size = view.getInt32(at);
    at += 4;
    if (size < 0 || size > bytes.length - at) throw malformed('snappy', `a block claims ${size} bytes`, at - 4);
    if (total > maxBytes) throw outputOver('snappy', maxBytes, at);
    const part = readBlock(bytes.subarray(at, at + size), maxBytes - total, allocate);
    parts.push(part);
    total += part.length;
    at += size;
  }
  return join(parts, total);
}
