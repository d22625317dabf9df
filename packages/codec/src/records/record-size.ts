import { CodecError, describeValue } from '../errors.ts';
import { sizeOfUtf8 } from '../wire/utf8.ts';
import { sizeOfVarint, sizeOfVarlong } from '../wire/varint.ts';

/** What a key or a value may be when written: bytes as they are, text as UTF-8, or null. */
export type RecordBytes = Uint8Array | string | null;

/** Headers in order; a name may come more than once. */
export type RecordHeaders = readonly (readonly [name: string, value: RecordBytes])[];

export const noHeaders: RecordHeaders = [];

/** Length (5), attributes (1), timestamp (10), offset (5), and the lengths of key, value and headers (5 each). */
const overhead = 36;

/** No record of this key, value and headers takes more bytes than this in a batch; text is not looked at. */
export function recordSizeUpperBound(key: RecordBytes, value: RecordBytes, headers: RecordHeaders = noHeaders): number {
  let size = overhead + upperBound(key) + upperBound(value);
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i]!;
    size += 10 + upperBound(header[0]) + upperBound(header[1]);
  }
  return size;
}

/** Exact bytes of a record in a batch, its own length prefix included. */
export function sizeOfRecord(
  offsetDelta: number,
  timestampDelta: number,
  key: RecordBytes,
  value: RecordBytes,
  headers: RecordHeaders = noHeaders,
): number {
  const body = sizeOfRecordBody(offsetDelta, timestampDelta, key, value, headers);
  return sizeOfVarint(body) + body;
}

/** Exact bytes of a record behind its length prefix. Refuses what cannot be written, by name. */
export function sizeOfRecordBody(
  offsetDelta: number,
  timestampDelta: number,
  key: RecordBytes,
  value: RecordBytes,
  headers: RecordHeaders,
): number {
  let size = 1 + sizeOfVarlong(timestampDelta) + sizeOfVarint(offsetDelta);
  size += sizeOfField(key, 'key') + sizeOfField(value, 'value') + sizeOfVarint(headers.length);
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i]!;
    if (typeof header[0] !== 'string') {
      throw new TypeError(`headers[${i}]: a header's name must be text, got ${describeValue(header[0])}`);
    }
    size += sizeOfField(header[0], 'header name') + sizeOfField(header[1], 'header value');
  }
  return size;
}

function sizeOfField(field: RecordBytes, name: string): number {
  if (field === null) return 1;
  const length = typeof field === 'string' ? utf8LengthOf(field, name) : byteLengthOf(field, name);
  return sizeOfVarint(length) + length;
}

function utf8LengthOf(text: string, name: string): number {
  if (!text.isWellFormed()) {
    throw new CodecError('LONE_SURROGATE', 'the text holds a lone surrogate, which has no UTF-8 form', { path: name });
  }
  return sizeOfUtf8(text);
}

function byteLengthOf(bytes: Uint8Array, name: string): number {
  // Not instanceof: a test runner's sandbox has a Uint8Array of its own.
  if (!ArrayBuffer.isView(bytes) || bytes.byteLength !== bytes.length) {
    throw new TypeError(`${name} must be a Uint8Array, text or null, got ${describeValue(bytes)}`);
  }
  return bytes.length;
}

function upperBound(field: RecordBytes): number {
  if (field === null) return 0;
  // A UTF-16 unit takes three bytes at most; a pair of them takes four.
  return typeof field === 'string' ? field.length * 3 : field.length;
}
