import { CodecError } from '../errors.ts';

/**
 * Records that are damaged, with the place: which batch, and which record in it.
 *
 * Codes: `UNKNOWN_MAGIC` no such record format, `MALFORMED_BATCH` a batch's header or an entry of a message set says
 * what cannot be, `CHECKSUM_MISMATCH` the bytes are not those that were written, `MALFORMED_RECORD` a record runs
 * over its bounds or the bytes go on after the last one, and those of compressions: `MALFORMED_COMPRESSION`,
 * `DECOMPRESSION_LIMIT`, `COMPRESSION_UNAVAILABLE`. A last batch that is cut off is no error.
 */
export class RecordsError extends CodecError {
  /** Of the batch, or the offset of the entry in a message set. */
  readonly baseOffset: bigint;
  /** Which record of the batch, from 0; null when the fault is the batch's. */
  readonly recordIndex: number | null;

  /** @param offset - position in the bytes that were read, or in the batch's records once decompressed. */
  constructor(
    code: string,
    problem: string,
    baseOffset: bigint,
    recordIndex: number | null,
    offset?: number,
    cause?: unknown,
  ) {
    const path = recordIndex === null ? `batch ${baseOffset}` : `batch ${baseOffset}, record ${recordIndex}`;
    super(code, problem, { path, offset, cause });
    this.baseOffset = baseOffset;
    this.recordIndex = recordIndex;
  }
}

export function malformedBatch(baseOffset: bigint, problem: string, offset: number): RecordsError {
  return new RecordsError('MALFORMED_BATCH', problem, baseOffset, null, offset);
}

/** @param recordIndex - of an entry inside a compressed one; null for one that stands by itself. */
export function malformedEntry(
  baseOffset: bigint,
  recordIndex: number | null,
  problem: string,
  offset: number,
): RecordsError {
  const code = recordIndex === null ? 'MALFORMED_BATCH' : 'MALFORMED_RECORD';
  return new RecordsError(code, problem, baseOffset, recordIndex, offset);
}

export function checksumMismatch(
  baseOffset: bigint,
  recordIndex: number | null,
  written: number,
  computed: number,
  offset: number,
): RecordsError {
  const hex = (crc: number) => `0x${crc.toString(16).padStart(8, '0')}`;
  const problem = `the checksum is ${hex(computed)} and should be ${hex(written)}`;
  return new RecordsError('CHECKSUM_MISMATCH', problem, baseOffset, recordIndex, offset);
}
