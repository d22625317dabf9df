import { usage } from '../failure.ts';

const PER_LINE = 16;

/**
 * Lines of a hex dump. `mark` is the index of a byte to point at: an arrow on the line below it.
 * @param base - what the first byte is called: its place in the file or stream.
 */
export function hexLines(bytes: Uint8Array, base: number, mark?: number): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += PER_LINE) {
    const row = bytes.subarray(at, at + PER_LINE);
    const digits = Array.from(row, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = Array.from(row, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join('');
    const place = (base + at).toString(16).padStart(8, '0');
    lines.push(`${place}  ${digits.padEnd(PER_LINE * 3 - 1)}  ${text}`);
    if (mark !== undefined && mark >= at && mark < at + PER_LINE) lines.push(' '.repeat(10 + (mark - at) * 3) + '^^');
  }
  if (mark !== undefined && mark >= bytes.length)
    lines.push(`${(base + bytes.length).toString(16).padStart(8, '0')}  ^^ the bytes end here`);
  return lines;
}

/** The lines around one byte of `bytes`, with an arrow at it. */
export function hexContext(bytes: Uint8Array, at: number, base = 0): string[] {
  const from = Math.max(0, Math.floor(at / PER_LINE) * PER_LINE - PER_LINE);
  return hexLines(bytes.subarray(from, from + 3 * PER_LINE), base + from, at - from);
}

/**
 * Bytes from text: hex digits, with or without spaces, `0x`, colons or line ends, in the forms xxd, hexdump -C and
 * Wireshark print too; else base64.
 * @throws Failure
 */
export function bytesFromText(text: string): Uint8Array {
  const dump = bytesFromDump(text);
  if (dump !== null) return dump;
  const digits = text.replaceAll(/0x|\\x|[\s,:]/g, '');
  if (/^[0-9a-fA-F]*$/.test(digits) && digits.length > 0) {
    if (digits.length % 2 === 1) throw usage(`The hex text has ${digits.length} digits: one is missing or too many.`);
    return Buffer.from(digits, 'hex');
  }
  const base64 = text.replaceAll(/\s/g, '');
  if (/^[A-Za-z0-9+/_-]+={0,2}$/.test(base64)) return Buffer.from(base64, 'base64');
  throw usage('The text is neither hex nor base64.', 'Give hex digits, base64, or the bytes themselves in a file.');
}

/** Rows of `00000010  de ad be ef …  text` or `00000010: dead beef  text`. */
function bytesFromDump(text: string): Uint8Array | null {
  const rows = text.split('\n').filter((row) => row.trim() !== '');
  const parts: string[] = [];
  for (const row of rows) {
    const match = /^\s*[0-9a-f]{4,16}(?::\s+|\s{2,})((?:[0-9a-f]{2}\s?){2,}(?:\s(?:[0-9a-f]{2}\s?)+)?)/i.exec(row);
    if (match === null) {
      // hexdump -C ends with the bare length.
      if (parts.length > 0 && /^[0-9a-f]{4,16}$/i.test(row.trim())) continue;
      return null;
    }
    parts.push(match[1]!.replaceAll(/\s/g, '').slice(0, 2 * PER_LINE));
  }
  return parts.length === 0 ? null : Buffer.from(parts.join(''), 'hex');
}
