const encoder = /* @__PURE__ */ new TextEncoder();

/** From this many characters on, the platform's encoder is faster than a loop (see bench/text.bench.ts). */
const encoderPays = 48;

/**
 * Writes text of ASCII characters alone and returns the place after; returns -1 when there is any other character,
 * having spoilt at most `text.length` bytes. There must be room for that many.
 */
export function putAscii(bytes: Uint8Array, at: number, text: string): number {
  const length = text.length;
  if (length >= encoderPays) {
    // The room is one byte a character, so a wider character leaves some text unread.
    const { read } = encoder.encodeInto(text, bytes.subarray(at, at + length));
    return read === length ? at + length : -1;
  }
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return -1;
    bytes[at + i] = code;
  }
  return at + length;
}
