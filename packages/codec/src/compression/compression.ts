/** How to compress and decompress; a port, so that a caller may plug in another implementation. */
export interface Compressor {
  /**
   * @param level - each compression has a scale of its own; absent means its default.
   * @returns memory of its own, or of the compressor until its next call if it says so.
   */
  compress(bytes: Uint8Array, level?: number): Uint8Array;
  /** The same off the main thread, where there is such a way. */
  compressAsync?(bytes: Uint8Array, level?: number): Promise<Uint8Array>;
  /**
   * @param maxBytes - the most bytes that may come out: minded before memory is taken, not after.
   * @throws CodecError on anything but whole, well-formed input, and on more output than allowed.
   */
  decompress(bytes: Uint8Array, maxBytes: number): Uint8Array;
}

/** Which compressions are there; passed to whatever reads or writes compressed batches. */
export interface Compressions {
  readonly gzip?: Compressor;
  readonly snappy?: Compressor;
  readonly lz4?: Compressor;
  readonly zstd?: Compressor;
}

/** Bounds against bytes that grow without end when they are decompressed. */
export interface DecompressionLimits {
  /** The most bytes that one batch may hold uncompressed; 128 MiB by default. */
  maxDecompressedBytes?: number;
  /**
   * The most bytes that may come out for each byte that goes in, over a whole field of batches; 1,000 by default.
   * Up to 16 MiB are allowed whatever the ratio.
   */
  maxCompressionRatio?: number;
}

export const defaultMaxDecompressedBytes: number = 128 * 1024 * 1024;
export const defaultMaxCompressionRatio = 1000;
export const decompressionAllowanceBytes: number = 16 * 1024 * 1024;

/**
 * Gives memory for what a compressor puts out. Node's `Buffer.allocUnsafeSlow` saves clearing it; every byte that is
 * given on has been written by then.
 */
export type Allocate = (bytes: number) => Uint8Array;

export const allocateCleared: Allocate = (bytes) => new Uint8Array(bytes);
