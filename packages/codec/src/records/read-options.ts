import { type Checksum, crc32, crc32c } from '../checksum/crc.ts';
import {
  type Compressions,
  type Compressor,
  type DecompressionLimits,
  decompressionAllowanceBytes,
  defaultMaxCompressionRatio,
  defaultMaxDecompressedBytes,
} from '../compression/compression.ts';
import { createLz4 } from '../compression/lz4.ts';
import { createSnappy } from '../compression/snappy.ts';
import { CodecError } from '../errors.ts';
import type { Compression } from './batch-header.ts';
import { RecordsError } from './records-error.ts';

/** How records are read: checks, decompression, limits. */
export interface ReadRecordsOptions extends DecompressionLimits {
  /** False to take bytes as they are, without comparing checksums. */
  checkCrcs?: boolean;
  /** How to decompress; snappy and LZ4 by default. `@kiel/codec/node` has gzip and zstd too: `nodeCompressions`. */
  compressions?: Compressions;
  /** CRC-32C of batches of magic 2, and CRC-32 of older entries; the codec's own by default. */
  crc32c?: Checksum;
  crc32?: Checksum;
  /** What to do with a header's name that is not UTF-8: an error, or U+FFFD for each bad sequence as Java reads it. */
  malformedUtf8?: 'error' | 'replace';
}

/** What one reading of a field of batches shares: its settings, and how much may still be decompressed. */
export class ReadContext {
  readonly checkCrcs: boolean;
  readonly crc32c: Checksum;
  readonly crc32: Checksum;
  readonly lenientUtf8: boolean;
  readonly #compressions: Compressions;
  readonly #maxDecompressedBytes: number;
  /** Over all batches, so that many small bombs do no more than a large one. */
  #allowanceBytes: number;

  constructor(inputBytes: number, options: ReadRecordsOptions) {
    this.checkCrcs = options.checkCrcs ?? true;
    this.crc32c = options.crc32c ?? crc32c;
    this.crc32 = options.crc32 ?? crc32;
    this.lenientUtf8 = options.malformedUtf8 === 'replace';
    this.#compressions = options.compressions ?? { snappy: createSnappy(), lz4: createLz4() };
    this.#maxDecompressedBytes = limit(
      options.maxDecompressedBytes,
      defaultMaxDecompressedBytes,
      'maxDecompressedBytes',
    );
    const ratio = limit(options.maxCompressionRatio, defaultMaxCompressionRatio, 'maxCompressionRatio');
    this.#allowanceBytes = Math.max(decompressionAllowanceBytes, inputBytes * ratio);
  }

  decompress(compression: Compression, bytes: Uint8Array, baseOffset: bigint): Uint8Array {
    if (compression === 'none') return bytes;
    const compressor: Compressor | undefined = this.#compressions[compression];
    if (compressor === undefined) {
      const advice = `pass it in \`compressions\`; '@kiel/codec/node' exports nodeCompressions, which has all four`;
      throw new RecordsError(
        'COMPRESSION_UNAVAILABLE',
        `no ${compression} to decompress with: ${advice}`,
        baseOffset,
        null,
      );
    }
    const maxBytes = Math.min(this.#maxDecompressedBytes, this.#allowanceBytes);
    let out: Uint8Array;
    try {
      out = compressor.decompress(bytes, maxBytes);
    } catch (error) {
      throw decompressionError(compression, error, baseOffset);
    }
    if (out.length > maxBytes) {
      throw new RecordsError('DECOMPRESSION_LIMIT', `more than ${maxBytes} bytes come out`, baseOffset, null);
    }
    this.#allowanceBytes -= out.length;
    return out;
  }
}

function decompressionError(compression: Compression, error: unknown, baseOffset: bigint): RecordsError {
  if (error instanceof CodecError) {
    return new RecordsError(error.code, error.problem, baseOffset, null, error.offset, error);
  }
  const problem = `${compression}: ${error instanceof Error ? error.message : String(error)}`;
  return new RecordsError('MALFORMED_COMPRESSION', problem, baseOffset, null, undefined, error);
}

function limit(value: number | undefined, byDefault: number, name: string): number {
  if (value === undefined) return byDefault;
  if (!(value > 0)) throw new RangeError(`${name} must be a number over 0, got ${value}`);
  return value;
}
