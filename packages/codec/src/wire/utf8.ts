import { CodecError } from '../errors.ts';

const encoder = /* @__PURE__ */ new TextEncoder();
const strictDecoder = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenientDecoder = /* @__PURE__ */ new TextDecoder('utf-8', { ignoreBOM: true });

/** Up to here a loop over the characters beats the platform's encoder and decoder, which cost a call and a view. */
const shortEncode = 48;
const shortDecode = 56;

/** Bytes that `value` takes in UTF-8. A lone surrogate counts as three, though `putUtf8` refuses it. */
export function sizeOfUtf8(value: string): number {
  let size = value.length;
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) size += 1;
    else if (unit >= 0xd800 && unit < 0xdc00 && isLowSurrogate(value.charCodeAt(i + 1))) {
      size += 2; // four bytes for two units
      i++;
    } else size += 2;
  }
  return size;
}

/**
 * Writes `value` in UTF-8 and returns the position after it. The caller has three bytes ready for every UTF-16
 * unit. A lone surrogate has no UTF-8 form and is an error: replacing it would change what was sent.
 */
export function putUtf8(bytes: Uint8Array, at: number, value: string): number {
  if (value.length > shortEncode) return putLong(bytes, at, value);
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    if (unit >= 0x80) return putMixed(bytes, at, value, i);
    bytes[at++] = unit;
  }
  return at;
}

function putLong(bytes: Uint8Array, at: number, value: string): number {
  if (!value.isWellFormed()) throw loneSurrogate();
  return at + encoder.encodeInto(value, bytes.subarray(at)).written;
}

function putMixed(bytes: Uint8Array, at: number, value: string, from: number): number {
  for (let i = from; i < value.length; i++) {
    let unit = value.charCodeAt(i);
    if (unit < 0x80) {
      bytes[at++] = unit;
    } else if (unit < 0x800) {
      bytes[at++] = 0xc0 | (unit >> 6);
      bytes[at++] = 0x80 | (unit & 0x3f);
    } else if (unit < 0xd800 || unit > 0xdfff) {
      bytes[at++] = 0xe0 | (unit >> 12);
      bytes[at++] = 0x80 | ((unit >> 6) & 0x3f);
      bytes[at++] = 0x80 | (unit & 0x3f);
    } else {
      const low = value.charCodeAt(++i);
      if (unit > 0xdbff || !isLowSurrogate(low)) throw loneSurrogate();
      unit = 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
      bytes[at++] = 0xf0 | (unit >> 18);
      bytes[at++] = 0x80 | ((unit >> 12) & 0x3f);
      bytes[at++] = 0x80 | ((unit >> 6) & 0x3f);
      bytes[at++] = 0x80 | (unit & 0x3f);
    }
  }
  return at;
}

/** `charCodeAt` past the end gives NaN, which is no low surrogate either. */
function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

function loneSurrogate(): CodecError {
  return new CodecError('LONE_SURROGATE', 'the text holds a lone surrogate, which has no UTF-8 form');
}

/** Reads strict UTF-8: bytes that are none are an error with the offset where the text begins. */
export function getUtf8(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= shortDecode) {
    const text = getShortAscii(bytes, start, end);
    if (text !== null) return text;
  }
  try {
    return strictDecoder.decode(bytes.subarray(start, end));
  } catch {
    throw new CodecError('MALFORMED_UTF8', `${end - start} bytes that are not UTF-8`, { offset: start });
  }
}

/** Eight characters a call take less than half the time of one a call. Null when a byte is not ASCII. */
function getShortAscii(bytes: Uint8Array, start: number, end: number): string | null {
  let text = '';
  let at = start;
  for (; at + 8 <= end; at += 8) {
    const a = bytes[at]!;
    const b = bytes[at + 1]!;
    const c = bytes[at + 2]!;
    const d = bytes[at + 3]!;
    const e = bytes[at + 4]!;
    const f = bytes[at + 5]!;
    const g = bytes[at + 6]!;
    const h = bytes[at + 7]!;
    if ((a | b | c | d | e | f | g | h) >= 0x80) return null;
    text += String.fromCharCode(a, b, c, d, e, f, g, h);
  }
  if (at + 4 <= end) {
    const a = bytes[at]!;
    const b = bytes[at + 1]!;
    const c = bytes[at + 2]!;
    const d = bytes[at + 3]!;
    if ((a | b | c | d) >= 0x80) return null;
    text += String.fromCharCode(a, b, c, d);
    at += 4;
  }
  for (; at < end; at++) {
    const byte = bytes[at]!;
    if (byte >= 0x80) return null;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Reads as Java's classes do: every malformed sequence becomes U+FFFD, so the original is lost. */
export function getLenientUtf8(bytes: Uint8Array, start: number, end: number): string {
  return lenientDecoder.decode(bytes.subarray(start, end));
}
