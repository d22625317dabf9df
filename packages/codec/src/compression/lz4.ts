import { xxhash32 } from '../checksum/xxhash32.ts';
import { type Allocate, allocateCleared, type Compressor } from './compression.ts';
import { lz4Table, maxLz4BlockBytes, putLz4Block } from './lz4-block.ts';
import { readLz4Frames } from './lz4-read.ts';
import { Lz4Search } from './lz4-search.ts';

const frameMagic = 0x184d2204;
/** Frame descriptor: version 1, blocks independent of each other, no checksums, no content size: as Java writes it. */
const descriptorFlags = 0x60;
/** The block sizes that a frame can announce, by the number that announces them. */
const blockSizes = [
  [4, 1 << 16],
  [5, 1 << 18],
  [6, 1 << 20],
  [7, 1 << 22],
] as const;

/** How LZ4 frames are written. */
export interface Lz4Options {
  /**
   * The header checksum as Java's clients computed it before message format 1, the frame's magic included
   * (KAFKA-3160). Only message sets of magic 0 have it; both are read everywhere.
   */
  oldHeaderChecksum?: boolean;
  /** Where memory comes from; cleared by default. */
  allocate?: Allocate;
}

/** LZ4 frames in TypeScript. Levels 1 (fast, the default) to 13: each from 2 on looks at twice as many places. */
export function createLz4(options: Lz4Options = {}): Compressor {
  const table = lz4Table();
  let search: Lz4Search | null = null;
  const old = options.oldHeaderChecksum ?? false;
  const allocate = options.allocate ?? allocateCleared;
  return {
    compress: (bytes, level = 1) => {
      if (level < 2) return putFrame(bytes, old, allocate, (out, at, block) => putLz4Block(out, at, block, table));
      search ??= new Lz4Search();
      return putFrame(bytes, old, allocate, (out, at, block) => search!.put(out, at, block, level));
    },
    decompress: (bytes, maxBytes) => readLz4Frames(bytes, maxBytes, allocate),
  };
}

/** Writes a block at a place and returns the place after. */
export type Lz4BlockWriter = (out: Uint8Array, at: number, block: Uint8Array) => number;

/** Frames what a block encoder makes; a block that would grow goes in as it is. */
export function putFrame(
  bytes: Uint8Array,
  oldHeaderChecksum: boolean,
  allocate: Allocate,
  putBlock: Lz4BlockWriter,
): Uint8Array {
  const [sizeCode, blockBytes] = blockSizes.find(([, size]) => size >= bytes.length) ?? blockSizes[3];
  const blocks = Math.ceil(bytes.length / blockBytes);
  const out = allocate(15 + blocks * (4 + 32) + maxLz4BlockBytes(bytes.length));
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  view.setUint32(0, frameMagic, true);
  out[4] = descriptorFlags;
  out[5] = sizeCode << 4;
  out[6] = headerChecksum(out.subarray(0, 6), oldHeaderChecksum);
  let at = 7;
  for (let from = 0; from < bytes.length; from += blockBytes) {
    const block = bytes.subarray(from, from + blockBytes);
    const end = putBlock(out, at + 4, block);
    if (end - at - 4 < block.length) {
      view.setUint32(at, end - at - 4, true);
      at = end;
    } else {
      view.setUint32(at, (block.length | 0x8000_0000) >>> 0, true);
      out.set(block, at + 4);
      at += 4 + block.length;
    }
  }
  view.setUint32(at, 0, true); // end mark
  return out.subarray(0, at + 4);
}

function headerChecksum(header: Uint8Array, old: boolean): number {
  return (xxhash32(old ? header : header.subarray(4)) >>> 8) & 0xff;
}
