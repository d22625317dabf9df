import { createRequire } from 'node:module';
import { type Checksum, type Compressor, crc32c } from '@kiel/codec';
import { nodeCompressions } from '@kiel/codec/node';
import { createWasmCodecs } from '@kiel/codec/wasm';
import type { CompressionOption } from './options.ts';

/** What checks and compresses batches, and which implementations those are, for logs and bug reports. */
export interface BatchCodecs {
  readonly checksum: Checksum;
  /** Null for no compression. */
  readonly compressor: Compressor | null;
  readonly names: { readonly crc32c: string; readonly compressor: string };
}

const require = createRequire(import.meta.url);

/**
 * The fastest that there is. CRC-32C, LZ4 and snappy in WebAssembly beat the native packages (see the performance
 * log); where it is forbidden, a native CRC-32C that is installed comes before the codec's own.
 */
export function batchCodecs(compression: CompressionOption): BatchCodecs {
  const wasm = createWasmCodecs();
  const { checksum, name } = wasm === null ? withoutWasm() : { checksum: wasm.crc32c, name: '@kiel/codec/wasm' };
  const names = { crc32c: name, compressor: 'none' };
  if (compression === null) return { checksum, compressor: null, names };
  if (wasm !== null && (compression === 'lz4' || compression === 'snappy')) {
    const compressor = wasm[compression];
    return { checksum, compressor, names: { ...names, compressor: '@kiel/codec/wasm' } };
  }
  const compressor = nodeCompressions[compression];
  return { checksum, compressor, names: { ...names, compressor: '@kiel/codec/node' } };
}

function withoutWasm(): { checksum: Checksum; name: string } {
  try {
    const native = require('@node-rs/crc32') as { crc32c(bytes: Uint8Array, seed?: number): number };
    return { checksum: (bytes, seed) => native.crc32c(bytes, seed), name: '@node-rs/crc32' };
  } catch {
    return { checksum: crc32c, name: '@kiel/codec' };
  }
}
