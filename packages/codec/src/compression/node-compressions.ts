import * as zlib from 'node:zlib';
import type { Compressions, Compressor } from './compression.ts';
import { createLz4 } from './lz4.ts';
import { malformed, outputOver, unavailable } from './malformed.ts';
import { createSnappy, type SnappyOptions } from './snappy.ts';

export interface NodeCompressionOptions {
  snappy?: SnappyOptions;
}

/** All four compressions: gzip and zstd by `node:zlib`, snappy and LZ4 by the codec's own code. */
export function createNodeCompressions(options: NodeCompressionOptions = {}): Required<Compressions> {
  return { gzip, snappy: createSnappy(options.snappy), lz4: createLz4(), zstd };
}

/** Levels 1 (fast) to 9 (small), and 0 for none; 6 if absent. */
const gzip: Compressor = {
  compress: (bytes, level) => zlib.gzipSync(bytes, { level: level ?? zlib.constants.Z_DEFAULT_COMPRESSION }),
  compressAsync: (bytes, level) =>
    promised((done) => zlib.gzip(bytes, { level: level ?? zlib.constants.Z_DEFAULT_COMPRESSION }, done)),
  decompress: (bytes, maxBytes) =>
    capped('gzip', maxBytes, () => zlib.gunzipSync(bytes, { maxOutputLength: Math.max(1, maxBytes) })),
};

/** Levels -131072 (fast) to 22 (small); 3 if absent. */
const zstd: Compressor = {
  compress: (bytes, level) => {
    if (zlib.zstdCompressSync === undefined) throw noZstd();
    return zlib.zstdCompressSync(bytes, zstdOptions(level));
  },
  compressAsync: (bytes, level) => {
    if (zlib.zstdCompress === undefined) return Promise.reject(noZstd());
    return promised((done) => zlib.zstdCompress(bytes, zstdOptions(level), done));
  },
  decompress: (bytes, maxBytes) => {
    if (zlib.zstdDecompressSync === undefined) throw noZstd();
    return capped('zstd', maxBytes, () => zlib.zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, maxBytes) }));
  },
};

/** The compressions with nothing changed; safe to share. */
export const nodeCompressions: Required<Compressions> = createNodeCompressions();

function zstdOptions(level: number | undefined): zlib.ZstdOptions {
  return level === undefined ? {} : { params: { [zlib.constants.ZSTD_c_compressionLevel]: level } };
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
function capped(name: string, maxBytes: number, run: () => Uint8Array): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = run();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw outputOver(name, maxBytes, 0);
    throw malformed(name, (error as Error).message, 0, error);
  }
  if (bytes.length > maxBytes) throw outputOver(name, maxBytes, 0);
  return bytes;
}
