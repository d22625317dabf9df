export { type Checksum, crc32, crc32c } from './checksum/crc.ts';
export type { Compressions, Compressor, DecompressionLimits } from './compression/compression.ts';
export { createLz4, type Lz4Options } from './compression/lz4.ts';
export { createSnappy, type SnappyOptions } from './compression/snappy.ts';
export * from './errors.ts';
export type { Api } from './messages/api.ts';
export * from './messages/generated/index.ts';
export { type Field, fieldsOf, type VersionRange } from './messages/layout.ts';
export {
  checkVersion,
  decodeMessage,
  type Message,
  type MessageType,
  type RequestMessage,
  type ResponseMessage,
  readMessage,
  writeMessage,
} from './messages/message.ts';
export { murmur2, murmur2OfText, partitionForKey, toPositive } from './murmur2.ts';
export { type BatchSeal, batchHeaderBytes, type Compression } from './records/batch-header.ts';
export { RecordBatchBuilder, type RecordBatchBuilderOptions } from './records/record-batch-builder.ts';
export { type RecordBytes, type RecordHeaders, recordSizeUpperBound, sizeOfRecord } from './records/record-size.ts';
export { defaultReadLimits, Reader, type ReadLimits } from './wire/reader.ts';
export type { TaggedField } from './wire/tagged-field.ts';
export { sizeOfUtf8 } from './wire/utf8.ts';
export { zeroUuid } from './wire/uuid.ts';
export {
  putUvarint,
  putVarint,
  putVarlong,
  putVarlongBigInt,
  sizeOfUvarint,
  sizeOfVarint,
  sizeOfVarlong,
} from './wire/varint.ts';
export { Writer } from './wire/writer.ts';
