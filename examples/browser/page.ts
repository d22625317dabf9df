// Decodes in the browser: the codec needs nothing of Node.
import { CodecError, readRecords } from '@kiel/codec';
import { decodeRequest } from '@kiel/codec/apis';

const input = document.querySelector('textarea')!;
const result = document.querySelector('pre')!;
input.addEventListener('input', show);

function show(): void {
  const digits = input.value.replaceAll(/\s+/g, '');
  if (!/^([0-9a-f]{2})+$/i.test(digits)) {
    result.textContent = digits === '' ? '' : 'These are no pairs of hex digits.';
    return;
  }
  try {
    const { name, apiVersion, clientId, body } = decodeRequest(withoutSize(bytesOf(digits)));
    result.textContent = `${name} v${apiVersion} of ${clientId}\n${JSON.stringify(body, printable, 2)}`;
  } catch (error) {
    // The error says which field and which byte.
    result.textContent = error instanceof CodecError ? error.message : String(error);
  }
}

function bytesOf(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/../g)!, (pair) => Number.parseInt(pair, 16));
}

/** A frame begins with its size. Without it, the first two bytes are the API's key, which is small. */
function withoutSize(bytes: Uint8Array): Uint8Array {
  const size = bytes.length < 4 ? -1 : new DataView(bytes.buffer).getInt32(0);
  return size === bytes.length - 4 ? bytes.subarray(4) : bytes;
}

/** What JSON does not have: record batches are shown as their records, other bytes as hex. */
function printable(name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (!(value instanceof Uint8Array)) return value;
  if (name !== 'records') return [...value].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const text = (bytes: Uint8Array | null) => (bytes === null ? null : new TextDecoder().decode(bytes));
  return [...readRecords(value)].map(({ key, value }) => ({ key: text(key), value: text(value) }));
}
