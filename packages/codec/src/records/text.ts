const encoder = /* @__PURE__ */ new TextEncoder();

/** From this many characters on, the platform's encoder is faster than a loop (see docs/performance/codec.md). */
const encoderPays = 96;

/**
 * Writes text of ASCII characters alone, or returns false when there is any other, having spoilt at most
 * `text.length` bytes. There must be room for that many.
 */
export function putAscii(bytes: Uint8Array, at: number, text: string): boolean {
  const length = text.length;
  // The room is one byte a character, so a wider character leaves some text unread.
  if (length >= encoderPays) return encoder.encodeInto(text, bytes.subarray(at, at + length)).read === length;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return false;
    bytes[at + i] = code;
  }
  return true;
}
