import { createRequire } from 'node:module';
import { type Checksum, type Compressor, crc32c } from '@kiel/codec';
import { nodeCompressions } from '@kiel/codec/node';

/** Which implementations are in use, for logs and bug reports. */
export interface Implementations {
  readonly crc32c: string;
  readonly lz4: string;
}

const require = createRequire(import.meta.url);

/** The fastest CRC-32C that is installed: a native one if there is, else the codec's own. */
export function bestCrc32c(): { checksum: Checksum; name: string } {
  const native = load<{ crc32c?: (bytes: Uint8Array, seed?: number) => number }>('@node-rs/crc32');
  if (native?.crc32c !== undefined) {
    const { crc32c: nativeCrc32c } = native;
    return { checksum: (bytes, seed) => nativeCrc32c(bytes, seed), name: '@node-rs/crc32' };
  }
  return { checksum: crc32c, name: '@kiel/codec' };
}

/** `null` is no compression. LZ4 is the codec's own, in frames as Kafka wants them. */
export function compressorFor(compression: 'gzip' | 'snappy' | 'lz4' | 'zstd' | null): Compressor | null {
  return compression === null ? null : nodeCompressions[compression];
}

function load<Module>(name: string): Module | null {
  try {
    return require(name) as Module;
  } catch {
    return null;
  }
}
