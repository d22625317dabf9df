import { requestHeaderVersion } from './api-versions.ts';
import { CodecError } from './errors.ts';
import { RequestHeader } from './messages/generated/request-header.ts';
import { ResponseHeader } from './messages/generated/response-header.ts';
import { type RequestMessage, type ResponseMessage, readMessage, writeMessage } from './messages/message.ts';
import { Reader } from './wire/reader.ts';
import type { TaggedField } from './wire/tagged-field.ts';
import { Writer } from './wire/writer.ts';

/** From here on byte fields are passed on by reference rather than copied, in the functions that give chunks. */
const gatherFrom = 1024;

/** A request as it goes on the wire. */
export interface OutgoingRequest<Input> {
  readonly message: RequestMessage<unknown, Input>;
  readonly version: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  readonly body: Input;
}

/** An answer as it goes on the wire. */
export interface OutgoingResponse<Input> {
  readonly message: ResponseMessage<unknown, Input>;
  readonly version: number;
  readonly correlationId: number;
  readonly body: Input;
}

/** One request as a frame: size, header, body. Throws CodecError. */
export function encodeRequest<Input>(request: OutgoingRequest<Input>): Uint8Array {
  const w = new Writer(1024);
  writeRequest(w, request);
  return w.finish();
}

/**
 * As `encodeRequest`, in pieces, so that records are not copied: byte fields of 1 KiB and more are passed on by
 * reference and must stay unchanged until the pieces were sent.
 */
export function encodeRequestChunks<Input>(request: OutgoingRequest<Input>): Uint8Array[] {
  const w = new Writer(1024, gatherFrom);
  writeRequest(w, request);
  return w.chunks();
}

/** Writes a request's frame at the end of what a writer holds. */
export function writeRequest<Input>(w: Writer, request: OutgoingRequest<Input>): void {
  const { message, version, correlationId, clientId, body } = request;
  const start = beginFrame(w);
  // Version 0 of the header, which one request of old uses, has no client id and leaves it out.
  const header = { requestApiKey: message.apiKey, requestApiVersion: version, correlationId, clientId };
  writeMessage(w, RequestHeader, header, message.headerVersion(version));
  writeMessage(w, message, body, version);
  endFrame(w, start);
}

/** One answer as a frame: size, header, body. Throws CodecError. */
export function encodeResponse<Input>(response: OutgoingResponse<Input>): Uint8Array {
  const w = new Writer(1024);
  writeResponse(w, response);
  return w.finish();
}

/** As `encodeResponse`, in pieces: see `encodeRequestChunks`. */
export function encodeResponseChunks<Input>(response: OutgoingResponse<Input>): Uint8Array[] {
  const w = new Writer(1024, gatherFrom);
  writeResponse(w, response);
  return w.chunks();
}

/** Writes an answer's frame at the end of what a writer holds. */
export function writeResponse<Input>(w: Writer, response: OutgoingResponse<Input>): void {
  const { message, version, correlationId, body } = response;
  const start = beginFrame(w);
  writeMessage(w, ResponseHeader, { correlationId }, message.headerVersion(version));
  writeMessage(w, message, body, version);
  endFrame(w, start);
}

interface FrameStart {
  readonly at: number;
  readonly length: number;
}

function beginFrame(w: Writer): FrameStart {
  const length = w.length;
  return { at: w.reserve(4), length };
}

function endFrame(w: Writer, start: FrameStart): void {
  w.patchInt32(start.at, w.length - start.length - 4);
}

/** The header in front of a request's body. */
export interface IncomingRequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  readonly unknownTaggedFields: readonly TaggedField[];
}

/**
 * Reads the header of a request and leaves the reader at its body. Works for unknown APIs and versions too, as far
 * as their headers are like those of today.
 *
 * @param r - at the begin of a frame, after its size.
 */
export function readRequestHeader(r: Reader): IncomingRequestHeader {
  const start = r.pos;
  const apiKey = r.int16();
  const apiVersion = r.int16();
  r.pos = start;
  const header = readMessage(r, RequestHeader, requestHeaderVersion(apiKey, apiVersion));
  const { correlationId, clientId, unknownTaggedFields } = header;
  return { apiKey, apiVersion, correlationId, clientId, unknownTaggedFields };
}

/** The correlation id of an answer, which stands first in every version of its header. */
export function correlationIdOf(frame: Uint8Array): number {
  return new Reader(frame).int32();
}

/** An answer read from its frame. */
export interface IncomingResponse<Value> {
  readonly correlationId: number;
  /** Tagged fields of the header. */
  readonly unknownTaggedFields: readonly TaggedField[];
  readonly body: Value;
}

/**
 * Reads a whole answer whose kind is known: what the caller asked with that correlation id. Byte fields are views of
 * the frame. Throws CodecError.
 *
 * @param frame - as FrameDecoder gives it, without the size.
 */
export function decodeResponseAs<Value>(
  message: ResponseMessage<Value, never>,
  frame: Uint8Array,
  version: number,
): IncomingResponse<Value> {
  const r = new Reader(frame);
  const { correlationId, unknownTaggedFields } = readMessage(r, ResponseHeader, message.headerVersion(version));
  const body = readMessage(r, message, version);
  checkEnd(r, message.name, version);
  return { correlationId, unknownTaggedFields, body };
}

/** Throws unless everything was read. */
export function checkEnd(r: Reader, messageName: string, version: number): void {
  if (r.pos === r.end) return;
  throw new CodecError('TRAILING_BYTES', `${r.remaining} bytes are left after the message`, {
    messageName,
    version,
    offset: r.pos,
  });
}
