import { CodecError, describeValue } from '../errors.ts';

/** The UUID of sixteen zero bytes: how Kafka says "none". */
export const zeroUuid = 'AAAAAAAAAAAAAAAAAAAAAA';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const charCodes: Uint8Array = /* @__PURE__ */ makeCharCodes();
const sextets: Int8Array = /* @__PURE__ */ makeSextets();

function makeCharCodes(): Uint8Array {
  return Uint8Array.from(alphabet, (char) => char.charCodeAt(0));
}

/** -1 marks a character outside the alphabet. */
function makeSextets(): Int8Array {
  const table = new Int8Array(128).fill(-1);
  for (let i = 0; i < 64; i++) table[alphabet.charCodeAt(i)] = i;
  return table;
}

/** Sixteen bytes as Kafka prints them: base64 with `-` and `_`, 22 characters, no padding. */
export function getUuid(bytes: Uint8Array, at: number): string {
  const last = bytes[at + 15]!;
  return (
    sixBytes(bytes, at) +
    sixBytes(bytes, at + 6) +
    threeBytes(bytes, at + 12) +
    String.fromCharCode(charCodes[last >> 2]!, charCodes[(last & 3) << 4]!)
  );
}

function sixBytes(bytes: Uint8Array, at: number): string {
  const high = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
  const low = (bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!;
  return String.fromCharCode(
    charCodes[high >> 18]!,
    charCodes[(high >> 12) & 63]!,
    charCodes[(high >> 6) & 63]!,
    charCodes[high & 63]!,
    charCodes[low >> 18]!,
    charCodes[(low >> 12) & 63]!,
    charCodes[(low >> 6) & 63]!,
    charCodes[low & 63]!,
  );
}

function threeBytes(bytes: Uint8Array, at: number): string {
  const triple = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
  return String.fromCharCode(
    charCodes[triple >> 18]!,
    charCodes[(triple >> 12) & 63]!,
    charCodes[(triple >> 6) & 63]!,
    charCodes[triple & 63]!,
  );
}

/** Writes the sixteen bytes of a UUID in Kafka's text form; the caller has room for them. */
export function putUuid(bytes: Uint8Array, at: number, text: string): void {
  if (text === zeroUuid) {
    bytes.fill(0, at, at + 16);
    return;
  }
  if (typeof text !== 'string' || text.length !== 22) throw notUuid(text);
  for (let i = 0, to = at; i < 20; i += 4, to += 3) {
    const quad =
      (sextet(text, i) << 18) | (sextet(text, i + 1) << 12) | (sextet(text, i + 2) << 6) | sextet(text, i + 3);
    if (quad < 0) throw notUuid(text);
    bytes[to] = quad >> 16;
    bytes[to + 1] = quad >> 8;
    bytes[to + 2] = quad;
  }
  const high = sextet(text, 20);
  const low = sextet(text, 21);
  // 22 characters hold 132 bits: the last four must be nothing, or two texts would mean one UUID.
  if (high < 0 || low < 0 || (low & 15) !== 0) throw notUuid(text);
  bytes[at + 15] = (high << 2) | (low >> 4);
}

/** Negative for a character outside the alphabet, and so however it is shifted by 6, 12 or 18. */
function sextet(text: string, i: number): number {
  const code = text.charCodeAt(i);
  return code < 128 ? sextets[code]! : -1;
}

function notUuid(value: unknown): CodecError {
  if (value === undefined) return new CodecError('MISSING_FIELD', 'is missing and has no default');
  if (value === null) return new CodecError('NOT_NULLABLE', 'is null, which this version cannot carry');
  return new CodecError('WRONG_TYPE', `needs a UUID of 22 base64url characters, not ${describeValue(value)}`);
}
