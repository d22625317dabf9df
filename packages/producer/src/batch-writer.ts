import {
  type Checksum,
  type Compressor,
  createLz4,
  MessageSetBuilder,
  RecordBatchBuilder,
  readRecords,
} from '@kiel/codec/client';
import { nodeCrc32 } from '@kiel/codec/node';
import type { Batch } from './batch.ts';
import type { CompressionOption } from './options.ts';

export interface BatchWriterSettings {
  readonly compression: CompressionOption;
  readonly compressionLevel: number | undefined;
  readonly compressor: Compressor | null;
  readonly checksum: Checksum;
  /** Compress beside the main thread, where the compressor can, and the records take more than `inlineBytes`. */
  readonly isThreaded: boolean;
  readonly inlineBytes: number;
  readonly isTransactional: boolean;
}

/** Batches of one partition that are compressed at the same time. */
const mostCompressing = 4;

/** Makes of a batch what goes over the wire: compresses its records, numbers it, and seals it with its checksum. */
export class BatchWriter {
  readonly #settings: BatchWriterSettings;
  /** A batch is compressed now that was waited for. */
  readonly #onCompressed: (batch: Batch) => void;

  constructor(settings: BatchWriterSettings, onCompressed: (batch: Batch) => void) {
    this.#settings = settings;
    this.#onCompressed = onCompressed;
  }

  /**
   * Compresses the records, once. The batch takes no more of them.
   *
   * @returns the batch's bytes on the wire, or -1 when it is being compressed beside the main thread.
   */
  prepare(batch: Batch): number {
    const { compressor, compressionLevel, isThreaded, inlineBytes } = this.#settings;
    if (compressor === null) return batch.builder.sizeBytes;
    if (batch.compressed === null) {
      if (isThreaded && batch.builder.sizeBytes > inlineBytes && compressor.compressAsync !== undefined) {
        this.#compressBeside(batch);
        return -1;
      }
      batch.compressed = behindHeader(compressor.compress(batch.builder.body(), compressionLevel));
    }
    return headerBytes + batch.compressed.length;
  }

  /**
   * The bytes to send, numbered and with their checksum. They lie in the batch's own memory.
   *
   * @param version - of the Produce request: before 3 it carries message sets, in the format of its time.
   */
  seal(batch: Batch, version: number): Uint8Array {
    if (version < 3) return this.#sealLegacy(batch, version < 2 ? 0 : 1);
    const { compression, isTransactional: transactional } = this.#settings;
    const { producerId, producerEpoch, sequence: baseSequence } = batch;
    const seal = { producerId, producerEpoch, baseSequence, transactional };
    if (batch.compressed === null || compression === null) return batch.builder.seal(seal);
    return batch.builder.sealCompressed(compression, batch.compressed, seal, new Uint8Array(batch.compressed.buffer));
  }

  /** The same batch without some of its records. */
  without(batch: Batch, isOut: (index: number) => boolean): RecordBatchBuilder {
    const { builder } = batch;
    const { checksum } = this.#settings;
    const rest = new RecordBatchBuilder({ limitBytes: builder.limitBytes, checksum });
    let index = 0;
    for (const record of readRecords(builder.seal(), { checkCrcs: false })) {
      if (!isOut(index++)) rest.tryAppend(Number(record.timestamp), record.key, record.value, record.headers);
    }
    return rest;
  }

  /** What brokers before 0.11 read: the records written over, without numbers and headers. */
  #sealLegacy(batch: Batch, magic: 0 | 1): Uint8Array {
    const { compression, compressionLevel, compressor } = this.#settings;
    batch.isTimeless = magic === 0;
    const set = new MessageSetBuilder({ magic, checksum: nodeCrc32 });
    for (const record of readRecords(batch.builder.seal(), { checkCrcs: false })) {
      set.append(Number(record.timestamp), record.key, record.value);
    }
    if (compressor === null || compression === null || compression === 'zstd') return set.entries();
    // KAFKA-3160: brokers of that time check the header of LZ4 frames in a way of their own.
    if (compression === 'lz4')
      return set.wrapped('lz4', createLz4({ oldHeaderChecksum: magic === 0 }), compressionLevel);
    return set.wrapped(compression, compressor, compressionLevel);
  }

  /** Several batches of the partition at a time; each goes out in its turn whichever is done first. */
  #compressBeside(batch: Batch): void {
    const { waiting } = batch.queue;
    this.#startCompressing(batch);
    for (let i = 0; i < waiting.length && i < mostCompressing; i++) {
      const next = waiting[i]!;
      if (next.isClosed && next.compressed === null && next.cancelled === null) this.#startCompressing(next);
    }
  }

  #startCompressing(batch: Batch): void {
    if (batch.isCompressing) return;
    batch.isCompressing = true;
    const { compressor, compressionLevel } = this.#settings;
    const done = (compressed: Uint8Array) => {
      batch.isCompressing = false;
      if (batch.isSettled) return;
      batch.compressed = behindHeader(compressed);
      this.#onCompressed(batch);
    };
    compressor!.compressAsync!(batch.builder.body(), compressionLevel).then(done, () => {
      // Once more where a failure can be told.
      if (!batch.isSettled) done(compressor!.compress(batch.builder.body(), compressionLevel));
    });
  }
}

const headerBytes = 61;

/** A copy with room for the batch's header before it: compressors may overwrite what they returned. */
function behindHeader(compressed: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(headerBytes + compressed.length);
  bytes.set(compressed, headerBytes);
  return bytes.subarray(headerBytes);
}
