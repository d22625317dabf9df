import { CodecError, describeValue } from '../errors.ts';
import { defaultReadLimits, Reader, type ReadLimits } from '../wire/reader.ts';
import type { TaggedField } from '../wire/tagged-field.ts';
import { Writer } from '../wire/writer.ts';
import { pathOfOffset } from './layout.ts';
import { pathOfFailure } from './write-path.ts';

/** What a message is for. */
export type MessageType =
  | 'request'
  | 'response'
  | 'header'
  | 'data'
  | 'coordinator-key'
  | 'coordinator-value'
  | 'metadata';

/**
 * One of Kafka's messages: its facts and its two directions. `Value` is what decoding gives, with every field set;
 * `Input` is what encoding takes, where a field that has a default may be absent.
 */
export interface Message<Value = unknown, Input = Value> {
  readonly name: string;
  readonly type: MessageType;
  /** Of requests and responses; in Kafka's own topics, the number of the record type. */
  readonly apiKey?: number;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** The first version with compact lengths and tagged fields (KIP-482); Infinity if there is none. */
  readonly firstFlexible: number;
  /** One line a field; see `fieldsOf`. */
  readonly layout: string;
  /** The bytes of one message, in memory of their own. Throws CodecError. */
  encode(value: Input, version: number): Uint8Array;
  /** Reads one message that fills `bytes`; byte fields are views of it. Throws CodecError. */
  decode(bytes: Uint8Array, version: number): Value;
  /** As `encode`, in the midst of a buffer; its errors do not know the path yet: see `writeMessage`. */
  write(w: Writer, version: number, value: Input): void;
  /** As `decode`, in the midst of a buffer; its errors know only the offset: see `readMessage`. */
  read(r: Reader, version: number): Value;
}

/** A request, which belongs to an API. */
export interface RequestMessage<Value = unknown, Input = Value> extends Message<Value, Input> {
  readonly apiKey: number;
  /** Which version of RequestHeader stands before this version of the message. */
  headerVersion(version: number): number;
}

/** An answer, which belongs to an API. */
export interface ResponseMessage<Value = unknown, Input = Value> extends Message<Value, Input> {
  readonly apiKey: number;
  /** Which version of ResponseHeader stands before this version of the message. */
  headerVersion(version: number): number;
}

export const emptyBytes: Uint8Array = /* @__PURE__ */ new Uint8Array(0);

/** Throws unless the message has this version. */
export function checkVersion(message: Pick<Message, 'name' | 'minVersion' | 'maxVersion'>, version: number): void {
  if (version >= message.minVersion && version <= message.maxVersion && Number.isInteger(version)) return;
  const { name: messageName, minVersion, maxVersion } = message;
  const problem = Number.isInteger(version)
    ? `has no version ${version}, only ${minVersion} to ${maxVersion}`
    : `needs a whole number from ${minVersion} to ${maxVersion} as its version, not ${describeValue(version)}`;
  throw new CodecError('UNSUPPORTED_VERSION', problem, { messageName });
}

export function encodeMessage<Input>(message: Message<unknown, Input>, value: Input, version: number): Uint8Array {
  // Larger byte fields are copied once, at the end, into memory of the right size: growing would copy them many times.
  const w = new Writer(1024, 512);
  writeMessage(w, message, value, version);
  return w.finish();
}

/** Writes a message; an error names the message and the path of the field. */
export function writeMessage<Input>(w: Writer, message: Message<unknown, Input>, value: Input, version: number): void {
  try {
    message.write(w, version, value);
  } catch (error) {
    throw placeWriteError(error, message, value, version);
  }
}

/** Decodes a whole message; bytes that are left over are an error. */
export function decodeMessage<Value>(
  message: Message<Value, never>,
  bytes: Uint8Array,
  version: number,
  limits: ReadLimits = defaultReadLimits,
): Value {
  const r = new Reader(bytes, 0, bytes?.length, limits);
  const value = readMessage(r, message, version);
  if (r.pos < r.end) {
    throw new CodecError('TRAILING_BYTES', `${r.remaining} bytes are left after the message`, {
      messageName: message.name,
      version,
      offset: r.pos,
    });
  }
  return value;
}

/** Reads a message; an error names the message, the path of the field and the offset. */
export function readMessage<Value>(r: Reader, message: Message<Value, never>, version: number): Value {
  const start = r.pos;
  try {
    return message.read(r, version);
  } catch (error) {
    if (!(error instanceof CodecError) || error.messageName !== undefined) throw error;
    r.pos = start;
    const path = pathOfOffset(message, version, r, error.offset);
    throw error.placed({ messageName: message.name, version, path });
  }
}

function placeWriteError<Input>(
  error: unknown,
  message: Message<unknown, Input>,
  value: Input,
  version: number,
): unknown {
  if (error instanceof CodecError && error.messageName !== undefined) return error;
  const failure = pathOfFailure((w, traced) => message.write(w, version, traced), value);
  const place = { messageName: message.name, version, path: failure.path };
  // A number or a text has no fields either, but its lack of them is not what is wrong.
  const isPrimitive = failure.value !== null && failure.value !== undefined && typeof failure.value !== 'object';
  if (isPrimitive && error instanceof CodecError && error.code === 'MISSING_FIELD') {
    return notObject(failure.value).placed(place);
  }
  if (error instanceof CodecError) {
    // The field that a version lacks was named where it was found; looking into it may have gone deeper.
    if (error.path === '') return error.placed(place);
    const segments = failure.path.split('.');
    const depth = segments.lastIndexOf(error.path);
    return error.placed({ ...place, path: depth < 0 ? error.path : segments.slice(0, depth + 1).join('.') });
  }
  // The generated code takes structs and lists for granted and fails on anything else with the engine's own error.
  if (error instanceof TypeError) {
    return notObject(failure.value).placed({ ...place, cause: error });
  }
  return error;
}

function notObject(value: unknown): CodecError {
  const code = value === undefined ? 'MISSING_FIELD' : value === null ? 'NOT_NULLABLE' : 'WRONG_TYPE';
  return new CodecError(code, `needs an object, not ${describeValue(value)}`);
}

/** For structs without a field that must be there, whose absence would tell that a value is none of them. */
export function checkObject(value: unknown): void {
  if (typeof value !== 'object' || value === null) throw notObject(value);
}

/** The path is completed where the message is known. */
export function notInVersion(field: string, version: number): CodecError {
  return new CodecError('NOT_IN_VERSION', `is set, and version ${version} has no such field`, { path: field });
}

export function refuseTaggedFields(fields: readonly TaggedField[], version: number): void {
  if (fields.length > 0) throw notInVersion('unknownTaggedFields', version);
}

export function tagNotInVersion(tag: number, version: number): CodecError {
  return new CodecError('INVALID_TAG', `tag ${tag} has no meaning in version ${version}`);
}
