import { type Checksum, crc32c as plainCrc32c } from '../checksum/crc.ts';
import { xxhash32 } from '../checksum/xxhash32.ts';
import { allocateCleared, type Compressor } from '../compression/compression.ts';
import { readLz4Block } from '../compression/lz4-decode.ts';
import { type Lz4BlockReader, readLz4Frames } from '../compression/lz4-read.ts';
import { readSnappy, type SnappyBlockReader } from '../compression/snappy.ts';
import { readSnappyBlock } from '../compression/snappy-decode.ts';
import { moduleBytes } from './module-bytes.ts';

/** What WebAssembly does faster than JavaScript; the same ports, the same bytes read back. */
export interface WasmCodecs {
  readonly crc32c: Checksum;
  /**
   * LZ4 frames in blocks of 64 KiB. What `compress` returns lies in the compressor's own memory and is overwritten
   * by its next call.
   */
  readonly lz4: Compressor;
  /** Snappy in Java's framing, in blocks of 64 KiB. As with `lz4`, the next call of `compress` overwrites the last. */
  readonly snappy: Compressor;
}

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly input: { readonly value: number };
  readonly output: { readonly value: number };
  crc32c(bytes: number, seed: number): number;
  crc32cBegin(): void;
  crc32cBlock(bytes: number, register: number): void;
  crc32cEnd(bytes: number, register: number): number;
  lz4(bytes: number): number;
  snappy(bytes: number): number;
  lz4Decode(bytes: number): number;
  snappyDecode(bytes: number): number;
}

/** The part of the WebAssembly interface that is used, which neither the language nor every runtime's types name. */
interface WebAssemblyApi {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: object };
}

/** As much as the module's memory takes at once. */
const blockBytes = 1 << 16;
/** Long inputs are checked in such pieces: copied in and folded, a piece stays in the first caches. */
const checksumBlockBytes = 1 << 15;
/** The least that the last piece may have. */
const checksumEndBytes = 1 << 14;
/** Shorter inputs are not worth the copy into the module's memory. */
const checksumFromBytes = 256;
/** The most scratch that a compressor keeps from one call to the next. */
const keptBytes = 4 << 20;

/**
 * Compiles the module, in about a millisecond: every call gives codecs with memory of their own, 192 KiB.
 *
 * @returns null where there is no WebAssembly, or none with SIMD, or where a policy forbids it: the codec's own
 *   TypeScript does everywhere.
 */
export function createWasmCodecs(): WasmCodecs | null {
  const api = (globalThis as { WebAssembly?: WebAssemblyApi }).WebAssembly;
  if (api === undefined) return null;
  let exports: Exports;
  try {
    const bytes = Uint8Array.from(atob(moduleBytes), (char) => char.charCodeAt(0));
    exports = new api.Instance(new api.Module(bytes)).exports as Exports;
  } catch {
    return null;
  }
  return { crc32c: checksum(exports), lz4: lz4(exports), snappy: snappy(exports) };
}

function checksum(wasm: Exports): Checksum {
  const memory = new Uint8Array(wasm.memory.buffer);
  const input = wasm.input.value;
  return (bytes, seed = 0) => {
    const end = bytes.length;
    if (end < checksumFromBytes) return plainCrc32c(bytes, seed);
    if (end <= blockBytes) {
      memory.set(bytes, input);
      return wasm.crc32c(end, seed) >>> 0;
    }
    wasm.crc32cBegin();
    let register = ~seed;
    let from = 0;
    for (; end - from >= checksumBlockBytes + checksumEndBytes; from += checksumBlockBytes) {
      memory.set(bytes.subarray(from, from + checksumBlockBytes), input);
      wasm.crc32cBlock(checksumBlockBytes, register);
      register = 0;
    }
    memory.set(bytes.subarray(from), input);
    return wasm.crc32cEnd(end - from, register) >>> 0;
  };
}

/** Compresses block by block into scratch memory that it keeps. */
class BlockFramer {
  readonly #memory: Uint8Array;
  readonly #input: number;
  readonly #output: number;
  #scratch = new Uint8Array(0);
  #view = new DataView(this.#scratch.buffer);

  constructor(wasm: Exports) {
    this.#memory = new Uint8Array(wasm.memory.buffer);
    this.#input = wasm.input.value;
    this.#output = wasm.output.value;
  }

  /** Scratch memory for so many bytes of input at the worst. */
  begin(bytes: number): Uint8Array {
    // The encoders' worst case is snappy's: 32 bytes and a sixth more, a block; 32 for frames.
    const room = bytes + Math.ceil(bytes / 6) + (Math.ceil(bytes / blockBytes) + 1) * 64;
    if (room > this.#scratch.length || this.#scratch.length > Math.max(keptBytes, room)) {
      this.#scratch = new Uint8Array(room);
      this.#view = new DataView(this.#scratch.buffer);
    }
    return this.#scratch;
  }

  get view(): DataView {
    return this.#view;
  }

  load(block: Uint8Array): void {
    this.#memory.set(block, this.#input);
  }

  /** Takes what an encoder has put out. */
  take(at: number, bytes: number): number {
    this.#scratch.set(this.#memory.subarray(this.#output, this.#output + bytes), at);
    return at + bytes;
  }
}

/** Magic, version 1 with blocks independent of each other and no checksum, 64 KiB blocks, and the header's checksum. */
const lz4FrameHeader = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40] as const;
const lz4HeaderChecksum = (xxhash32(Uint8Array.from(lz4FrameHeader.slice(4))) >>> 8) & 0xff;

function lz4(wasm: Exports): Compressor {
  const framer = new BlockFramer(wasm);
  const memory = new Uint8Array(wasm.memory.buffer);
  const [input, output] = [wasm.input.value, wasm.output.value];
  /** Blocks that stand by themselves and fit; the others, and the damaged ones, go the way that names what is wrong. */
  const readBlock: Lz4BlockReader = (bytes, from, end, out, to, floor, limit) => {
    if (floor === to && end - from <= blockBytes && limit - to <= blockBytes) {
      memory.set(bytes.subarray(from, end), input);
      const size = wasm.lz4Decode(end - from);
      if (size >= 0 && size <= limit - to) {
        out.set(memory.subarray(output, output + size), to);
        return to + size;
      }
    }
    return readLz4Block(bytes, from, end, out, to, floor, limit);
  };
  return {
    compress(bytes) {
      const out = framer.begin(bytes.length);
      const view = framer.view;
      out.set(lz4FrameHeader);
      out[6] = lz4HeaderChecksum;
      let at = 7;
      for (let from = 0; from < bytes.length; from += blockBytes) {
        const block = bytes.subarray(from, Math.min(bytes.length, from + blockBytes));
        framer.load(block);
        const size = wasm.lz4(block.length);
        if (size < block.length) {
          view.setUint32(at, size, true);
          at = framer.take(at + 4, size);
        } else {
          view.setUint32(at, (block.length | 0x8000_0000) >>> 0, true); // a block that would grow goes as it is
          out.set(block, at + 4);
          at += 4 + block.length;
        }
      }
      view.setUint32(at, 0, true); // end mark
      return out.subarray(0, at + 4);
    },
    decompress: (bytes, maxBytes) => readLz4Frames(bytes, maxBytes, allocateCleared, readBlock),
  };
}

/** 0x82 "SNAPPY" 0x00, version 1, readable from version 1 on. */
const xerialHeader = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1] as const;

function snappy(wasm: Exports): Compressor {
  const framer = new BlockFramer(wasm);
  const memory = new Uint8Array(wasm.memory.buffer);
  const [input, output] = [wasm.input.value, wasm.output.value];
  /** Blocks that fit; the others, and the damaged ones, go the way that names what is wrong with them. */
  const readBlock: SnappyBlockReader = (bytes, maxBytes, allocate) => {
    if (bytes.length <= blockBytes) {
      memory.set(bytes, input);
      const size = wasm.snappyDecode(bytes.length);
      if (size >= 0 && size <= maxBytes) return memory.slice(output, output + size);
    }
    return readSnappyBlock(bytes, maxBytes, allocate);
  };
  return {
    compress(bytes) {
      const out = framer.begin(bytes.length);
      const view = framer.view;
      out.set(xerialHeader);
      let at: number = xerialHeader.length;
      for (let from = 0; from < bytes.length; from += blockBytes) {
        const block = bytes.subarray(from, Math.min(bytes.length, from + blockBytes));
        framer.load(block);
        const size = wasm.snappy(block.length);
        view.setInt32(at, size);
        at = framer.take(at + 4, size);
      }
      return out.subarray(0, at);
    },
    decompress: (bytes, maxBytes) => readSnappy(bytes, maxBytes, allocateCleared, readBlock),
  };
}
