import { decodeApiVersionsResponse } from '../api-versions-response.ts';
import {
  checkEnd,
  decodeResponseAs,
  type IncomingRequestHeader,
  type IncomingResponse,
  readRequestHeader,
} from '../envelope.ts';
import { Reader } from '../wire/reader.ts';
import { requestFor, responseFor } from './lookup.ts';
import { readMessage } from './message.ts';

/** A request read from its frame. */
export interface IncomingRequest extends IncomingRequestHeader {
  /** Kafka's name of the body's message: `ProduceRequest`. */
  readonly name: string;
  readonly body: unknown;
}

/**
 * Reads a whole request of any API. Byte fields are views of the frame. Throws CodecError, `UNKNOWN_API` and
 * `UNSUPPORTED_VERSION` among others; `readRequestHeader` still reads the header then.
 *
 * @param frame - as FrameDecoder gives it, without the size.
 */
export function decodeRequest(frame: Uint8Array): IncomingRequest {
  const r = new Reader(frame);
  const header = readRequestHeader(r);
  const message = requestFor(header.apiKey);
  const body = readMessage(r, message, header.apiVersion);
  checkEnd(r, message.name, header.apiVersion);
  return { ...header, name: message.name, body };
}

/**
 * Reads a whole answer of any API. An answer does not say what it answers: the caller knows from the request with
 * its correlation id. Throws CodecError.
 *
 * @param frame - as FrameDecoder gives it, without the size.
 */
export function decodeResponse(
  frame: Uint8Array,
  { apiKey, version }: { readonly apiKey: number; readonly version: number },
): IncomingResponse<unknown> & { readonly name: string } {
  const message = responseFor(apiKey);
  if (apiKey === 18) return { ...decodeApiVersionsResponse(frame, version), name: message.name };
  return { ...decodeResponseAs(message, frame, version), name: message.name };
}
