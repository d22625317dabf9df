import * as zlib from 'node:zlib';
import type { Compressions, Compressor } from './compression.ts';
import { join } from './join.ts';
import { createLz4 } from './lz4.ts';
import { malformed, outputOver, unavailable } from './malformed.ts';
import { createSnappy, type SnappyOptions } from './snappy.ts';
import { withBoundedWindow, zstdFrames } from './zstd-frames.ts';

/** The levels of gzip and zstd. */
export interface NodeCompressionOptions {
  /** How snappy is framed: 'xerial' by default. */
  snappy?: SnappyOptions;
}

/** Uncleared memory of its own, never a piece of Node's pool. */
const allocate = Buffer.allocUnsafeSlow;

/** All four compressions: gzip and zstd by `node:zlib`, snappy and LZ4 by the codec's own code. */
export function createNodeCompressions(options: NodeCompressionOptions = {}): Required<Compressions> {
  return { gzip, snappy: createSnappy({ allocate, ...options.snappy }), lz4: createLz4({ allocate }), zstd };
}

/** Levels 1 (fast) to 9 (small), and 0 for none; 6 if absent. `compressAsync` uses Node's thread pool. */
const gzip: Compressor = {
  compress: (bytes, level) => zlib.gzipSync(bytes, gzipOptions(bytes, level)),
  compressAsync: (bytes, level) => promised((done) => zlib.gzip(bytes, gzipOptions(bytes, level), done)),
  decompress: (bytes, maxBytes) => {
    // A member ends with its size. It only tells how much memory to begin with, so a lie does no harm.
    const hint =
      bytes.length < 18 ? 0 : new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 4).getUint32(0, true);
    const chunkSize = chunkBytes(Math.min(hint, bytes.length * 1032), maxBytes);
    return capped('gzip', maxBytes, (maxOutputLength) => zlib.gunzipSync(bytes, { maxOutputLength, chunkSize }));
  },
};

/** Levels -131072 (fast) to 22 (small); 3 if absent. `compressAsync` uses Node's thread pool. */
const zstd: Compressor = {
  compress: (bytes, level) => {
    if (zlib.zstdCompressSync === undefined) throw noZstd();
    return zlib.zstdCompressSync(bytes, zstdOptions(bytes, level));
  },
  compressAsync: (bytes, level) => {
    if (zlib.zstdCompress === undefined) return Promise.reject(noZstd());
    return promised((done) => zlib.zstdCompress(bytes, zstdOptions(bytes, level), done));
  },
  decompress: (bytes, maxBytes) => {
    if (zlib.zstdDecompressSync === undefined) throw noZstd();
    const parts: Uint8Array[] = [];
    let total = 0;
    for (const found of zstdFrames(bytes)) {
      const { contentBytes } = found;
      const frame = withBoundedWindow(bytes, found);
      // A run of 128 KiB takes four bytes: nothing is denser.
      const hint = contentBytes < 0 ? frame.length * 4 : Math.min(contentBytes, frame.length * 0x8000);
      const chunkSize = chunkBytes(hint, maxBytes - total);
      const part = capped('zstd', maxBytes - total, (maxOutputLength) =>
        zlib.zstdDecompressSync(frame, { maxOutputLength, chunkSize }),
      );
      parts.push(part);
      total += part.length;
    }
    return join(parts, total);
  },
};

/** The compressions with nothing changed. The encoders keep a table between calls and nothing else: safe to share. */
export const nodeCompressions: Required<Compressions> = createNodeCompressions();

/** `node:zlib` fills memory of this size again and again: one piece that holds everything saves joining them. */
function chunkBytes(expected: number, maxBytes: number): number {
  return Math.max(1024, Math.min(expected + 64, maxBytes + 64));
}

function gzipOptions(bytes: Uint8Array, level: number | undefined): zlib.ZlibOptions {
  return {
    level: level ?? zlib.constants.Z_DEFAULT_COMPRESSION,
    chunkSize: chunkBytes(bytes.length >> 1, bytes.length),
  };
}

function zstdOptions(bytes: Uint8Array, level: number | undefined): zlib.ZstdOptions {
  const chunkSize = chunkBytes(bytes.length >> 1, bytes.length);
  return level === undefined
    ? { chunkSize }
    : { chunkSize, params: { [zlib.constants.ZSTD_c_compressionLevel]: level } };
}

function noZstd(): Error {
  return unavailable('zstd', `node:zlib of ${process.version} has none; it came with Node 22.15 and 23.8`);
}

function promised(run: (done: (error: Error | null, result: Uint8Array) => void) => void): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    run((error, result) => (error === null ? resolve(result) : reject(error)));
  });
}

/** Runs a decompression of `node:zlib`, which stops by itself at its maximum, and names its failures. */
function capped(name: string, maxBytes: number, run: (maxOutputLength: number) => Uint8Array): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = run(Math.max(1, maxBytes));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw outputOver(name, maxBytes, 0);
    throw malformed(name, (error as Error).message, 0, error);
  }
  if (bytes.length > maxBytes) throw outputOver(name, maxBytes, 0);
  return bytes;
}
