/**
 * JSON whose numbers are exact: a bigint becomes a number literal with all its digits, as in Kafka's own JSON
 * output, and not a string. A reader that keeps doubles must take care above 2^53; jq 1.7 and Java do not lose them.
 */
declare global {
  interface JSON {
    rawJSON(text: string): object;
  }
}

export function toJson(value: unknown, indent?: number): string {
  // `this` holds the field as it is; the second argument has been through a Buffer's own toJSON.
  function replace(this: Record<string, unknown>, name: string, field: unknown): unknown {
    const original = this[name];
    return plain(original instanceof Uint8Array ? original : field);
  }
  return JSON.stringify(value, replace, indent);
}

function plain(field: unknown): unknown {
  if (typeof field === 'bigint') return JSON.rawJSON(field.toString());
  if (field instanceof Uint8Array) return bytesToJson(field);
  if (field instanceof Map) return Object.fromEntries(field);
  if (typeof field === 'number' && !Number.isFinite(field)) return String(field);
  return field;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text, or null if these bytes are not UTF-8. */
export function tryText(bytes: Uint8Array): string | null {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return null;
  }
}

/** Keys and values: text where the bytes are UTF-8, else `{ base64 }`, so that the two are never mistaken. */
export function bytesToJson(bytes: Uint8Array): string | { base64: string } {
  return tryText(bytes) ?? { base64: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64') };
}

const longDigits = /\d{16}/;

/**
 * Parses JSON without losing an integer: one that a double cannot hold becomes a bigint.
 *
 * The slow way is taken only for texts with so many digits in a row.
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  if (!longDigits.test(text)) return JSON.parse(text);
  const exact = (_: string, value: unknown, context: { source?: string }): unknown =>
    typeof value === 'number' &&
    !Number.isSafeInteger(value) &&
    context.source !== undefined &&
    /^-?\d+$/.test(context.source)
      ? BigInt(context.source)
      : value;
  return JSON.parse(text, exact as (this: unknown, key: string, value: unknown) => unknown);
}
