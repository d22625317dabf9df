/** Where the fields of a record batch (magic 2) lie. */
export const BatchOffset = {
  baseOffset: 0,
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  count: 57,
  records: 61,
} as const;

export const BATCH_HEADER_SIZE = 61;
/** Bytes before a batch's length counts: the base offset and the length itself. */
export const LOG_OVERHEAD = 12;

/** Bits of a batch's attributes. */
export const Attribute = { codecMask: 7, logAppendTime: 8, transactional: 16, control: 32 } as const;

export type Codec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
export const codecs: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** The header of one batch of magic 2, as numbers; read once per batch. */
export interface BatchHeader {
  readonly baseOffset: number;
  /** The whole batch, its first twelve bytes included. */
  readonly size: number;
  readonly magic: number;
  readonly crc: number;
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly count: number;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** An int64 as a number; exact within 2^53, which offsets and times are. */
export function getInt64(view: DataView, at: number): number {
  return view.getInt32(at) * 0x1_0000_0000 + view.getUint32(at + 4);
}

export function setInt64(view: DataView, at: number, value: number): void {
  view.setInt32(at, Math.floor(value / 0x1_0000_0000));
  view.setUint32(at + 4, (value % 0x1_0000_0000) >>> 0);
}

/** Reads the header at `at`; the 61 bytes must be there. */
export function readBatchHeader(bytes: Uint8Array, at = 0): BatchHeader {
  const view = viewOf(bytes);
  return {
    baseOffset: getInt64(view, at + BatchOffset.baseOffset),
    size: LOG_OVERHEAD + view.getInt32(at + BatchOffset.length),
    magic: view.getInt8(at + BatchOffset.magic),
    crc: view.getUint32(at + BatchOffset.crc),
    attributes: view.getInt16(at + BatchOffset.attributes),
    lastOffsetDelta: view.getInt32(at + BatchOffset.lastOffsetDelta),
    baseTimestamp: getInt64(view, at + BatchOffset.baseTimestamp),
    maxTimestamp: getInt64(view, at + BatchOffset.maxTimestamp),
    producerId: view.getBigInt64(at + BatchOffset.producerId),
    producerEpoch: view.getInt16(at + BatchOffset.producerEpoch),
    baseSequence: view.getInt32(at + BatchOffset.baseSequence),
    count: view.getInt32(at + BatchOffset.count),
  };
}

/** `sequence + delta` on the circle of sequences, which goes from 2^31-1 to 0. */
export function addSequence(sequence: number, delta: number): number {
  return sequence > 0x7fff_ffff - delta ? delta - (0x7fff_ffff - sequence) - 1 : sequence + delta;
}
