import { createRequire } from 'node:module';
import { type Checksum, type Compressor, crc32c } from '@kiel/codec/client';
import { nodeCompressions } from '@kiel/codec/node';
import { createWasmCodecs } from '@kiel/codec/wasm';
import type { CompressionOption } from './options.ts';

/** What checks and compresses batches, and which implementations those are, for logs and bug reports. */
export interface BatchCodecs {
  readonly checksum: Checksum;
  /** Null for no compression. */
  readonly compressor: Compressor | null;
  /** Where the caller asks for none; undefined for the compression's own. */
  readonly level: number | undefined;
  /** Up to so many bytes are compressed at once, larger ones beside the main thread. */
  readonly inlineBytes: number;
  readonly names: { readonly crc32c: string; readonly compressor: string };
}

/**
 * A thread costs a third more CPU than the main one, for the way there and a cold cache, and some 50 µs of time. So it
 * is for what would hold up the loop: zstd's level 1 takes under a millisecond for 256 KiB, gzip seven.
 */
const inlineZstdBytes = 262_144;
const inlineGzipBytes = 16_384;
/** On records, level 1 is twice as fast as zstd's own 3, and often smaller (see the performance log). */
const zstdLevel = 1;

/**
 * The fastest that there is. CRC-32C, LZ4 and snappy in WebAssembly beat the native packages (see the performance
 * log); where it is forbidden, a native CRC-32C that is installed comes before the codec's own.
 */
export function batchCodecs(compression: CompressionOption): BatchCodecs {
  const wasm = createWasmCodecs();
  const { checksum, name } = wasm === null ? withoutWasm() : { checksum: wasm.crc32c, name: '@kiel/codec/wasm' };
  const names = { crc32c: name, compressor: 'none' };
  const plain = { checksum, level: undefined, inlineBytes: Number.POSITIVE_INFINITY, names };
  if (compression === null) return { ...plain, compressor: null };
  if (wasm !== null && (compression === 'lz4' || compression === 'snappy')) {
    const compressor = wasm[compression];
    return { ...plain, compressor, names: { ...names, compressor: '@kiel/codec/wasm' } };
  }
  const compressor = nodeCompressions[compression];
  const codecs = { ...plain, compressor, names: { ...names, compressor: '@kiel/codec/node' } };
  if (compression === 'zstd') return { ...codecs, level: zstdLevel, inlineBytes: inlineZstdBytes };
  return compression === 'gzip' ? { ...codecs, inlineBytes: inlineGzipBytes } : codecs;
}

function withoutWasm(): { checksum: Checksum; name: string } {
  try {
    // Here, since a bundle in CommonJS has no import.meta.url.
    const native = createRequire(import.meta.url)('@node-rs/crc32') as {
      crc32c(bytes: Uint8Array, seed?: number): number;
    };
    return { checksum: (bytes, seed) => native.crc32c(bytes, seed), name: '@node-rs/crc32' };
  } catch {
    return { checksum: crc32c, name: '@kiel/codec' };
  }
}
