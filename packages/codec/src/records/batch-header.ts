import type { Checksum } from '../checksum/crc.ts';

/** Where the fields of a batch of magic 2 lie. */
export const at = {
  baseOffset: 0,
  length: 8,
  partitionLeaderEpoch: 12,
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

/** Bytes before the first record of a batch of magic 2. */
export const batchHeaderBytes = 61;

/** What stands before the first byte that the length field counts: base offset and the length itself. */
export const lengthPrefixBytes = 12;

/** Bits of the attributes of a batch, above the three of the compression. */
export const logAppendTimeBit: number = 1 << 3;
export const transactionalBit: number = 1 << 4;
export const controlBit: number = 1 << 5;
export const deleteHorizonBit: number = 1 << 6;

/** How the records of a batch are compressed. */
export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** In the order of Kafka's numbers: the index is the number on the wire. */
export const compressionsByCode: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** What is known of a batch only when it is sent; each field has Kafka's "none" as its default. */
export interface BatchSeal {
  /** -1n by default: no producer. */
  producerId?: bigint;
  /** -1 by default. */
  producerEpoch?: number;
  /** Sequence number of the first record; -1 by default. */
  baseSequence?: number;
  transactional?: boolean;
  control?: boolean;
  /** Set by a broker whose topic stamps records itself: the one timestamp of all records. */
  logAppendTimeMs?: number;
  /** 0n by default, as a producer sends it. */
  baseOffset?: bigint;
  /** -1 by default, as a producer sends it. */
  partitionLeaderEpoch?: number;
}

/** The fields that a builder knows. */
export interface BatchHeader {
  compression: Compression;
  lastOffsetDelta: number;
  baseTimestampMs: number;
  maxTimestampMs: number;
  hasDeleteHorizon: boolean;
  count: number;
}

/** Fills in the 61 bytes before the records that end `batch`, the checksum last. */
export function putBatchHeader(batch: Uint8Array, header: BatchHeader, seal: BatchSeal, checksum: Checksum): void {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  let attributes = compressionsByCode.indexOf(header.compression);
  if (seal.logAppendTimeMs !== undefined) attributes |= logAppendTimeBit;
  if (seal.transactional) attributes |= transactionalBit;
  if (seal.control) attributes |= controlBit;
  if (header.hasDeleteHorizon) attributes |= deleteHorizonBit;
  view.setBigInt64(at.baseOffset, seal.baseOffset ?? 0n);
  view.setInt32(at.length, batch.length - lengthPrefixBytes);
  view.setInt32(at.partitionLeaderEpoch, seal.partitionLeaderEpoch ?? -1);
  view.setInt8(at.magic, 2);
  view.setInt16(at.attributes, attributes);
  view.setInt32(at.lastOffsetDelta, header.lastOffsetDelta);
  setInt64(view, at.baseTimestamp, header.baseTimestampMs);
  setInt64(view, at.maxTimestamp, seal.logAppendTimeMs ?? header.maxTimestampMs);
  view.setBigInt64(at.producerId, seal.producerId ?? -1n);
  view.setInt16(at.producerEpoch, seal.producerEpoch ?? -1);
  view.setInt32(at.baseSequence, seal.baseSequence ?? -1);
  view.setInt32(at.count, header.count);
  view.setUint32(at.crc, checksum(batch.subarray(at.attributes)));
}

/** Writes a whole number as an int64 without making a bigint of it. */
export function setInt64(view: DataView, offset: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  view.setInt32(offset, high);
  view.setUint32(offset + 4, value - high * 0x1_0000_0000);
}
