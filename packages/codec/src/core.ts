export { apiFor, requestHeaderVersion, responseHeaderVersion } from './api-versions.ts';
export { decodeApiVersionsResponse } from './api-versions-response.ts';
export { type BrokerErrorInfo, brokerError, brokerErrors } from './broker-errors.ts';
export { type Checksum, crc32, crc32c } from './checksum/crc.ts';
export type { Allocate, Compressions, Compressor, DecompressionLimits } from './compression/compression.ts';
export { createLz4, type Lz4Options } from './compression/lz4.ts';
export { createSnappy, type SnappyOptions } from './compression/snappy.ts';
export {
  correlationIdOf,
  decodeResponseAs,
  encodeRequest,
  encodeRequestChunks,
  encodeResponse,
  encodeResponseChunks,
  type IncomingRequestHeader,
  type IncomingResponse,
  type OutgoingRequest,
  type OutgoingResponse,
  readRequestHeader,
  writeRequest,
  writeResponse,
} from './envelope.ts';
export * from './errors.ts';
export { FrameDecoder, type FrameDecoderOptions } from './frame.ts';
export { fromJson, type Json, toJson } from './json.ts';
export type { Api } from './messages/api.ts';
export { checkFields } from './messages/check-fields.ts';
export { apis } from './messages/generated/api-table.ts';
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
export { type ControlRecord, endTransactionMarker, parseControlRecord } from './records/control-record.ts';
export { MessageSetBuilder, type MessageSetOptions, sizeOfLegacyEntry } from './records/message-set.ts';
export type { ReadRecordsOptions } from './records/read-options.ts';
export {
  type IncompleteBatch,
  type RecordBatches,
  type Records,
  readBatches,
  readRecords,
} from './records/read-records.ts';
export type { KafkaRecord, ReadHeader, RecordBatch, RecordCursor } from './records/record-batch.ts';
export { RecordBatchBuilder, type RecordBatchBuilderOptions } from './records/record-batch-builder.ts';
export { type RecordBytes, type RecordHeaders, recordSizeUpperBound, sizeOfRecord } from './records/record-size.ts';
export { RecordsError } from './records/records-error.ts';
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
