export * from './errors.ts';
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
