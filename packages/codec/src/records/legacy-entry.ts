import type { ReadContext } from './read-options.ts';
import { checksumMismatch, malformedEntry } from './records-error.ts';

/** Where the fields of an entry of magic 0 or 1 lie; the key's length follows the attributes, or the timestamp. */
export const entryAt = { offset: 0, size: 8, crc: 12, magic: 16, attributes: 17, timestamp: 18 } as const;

/** Bytes of an entry without key and value: offset, size, CRC, magic, attributes, two lengths, and a timestamp. */
export const entryOverhead: readonly [magic0: number, magic1: number] = [26, 34];

/** The one record that an entry of an old message set holds, or the compressed records that it wraps. */
export interface LegacyEntry {
  readonly magic: 0 | 1;
  readonly offset: bigint;
  readonly attributes: number;
  readonly crc: number;
  /** -1n in magic 0. */
  readonly timestamp: bigint;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

/**
 * Reads one entry, whose size has been compared with what is there.
 *
 * @param baseOffset - of the batch, for errors; null for an entry that is no part of another.
 */
export function readLegacyEntry(
  bytes: Uint8Array,
  position: number,
  context: ReadContext,
  baseOffset: bigint | null = null,
  recordIndex: number | null = null,
): LegacyEntry {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const offset = view.getBigInt64(entryAt.offset);
  const place = baseOffset ?? offset;
  const crc = view.getUint32(entryAt.crc);
  if (context.checkCrcs) {
    const computed = context.crc32(bytes.subarray(entryAt.magic));
    if (computed !== crc) throw checksumMismatch(place, recordIndex, crc, computed, position + entryAt.crc);
  }
  const magic = bytes[entryAt.magic] as 0 | 1;
  const keyAt = magic === 0 ? entryAt.timestamp : entryAt.timestamp + 8;
  const keyLength = view.getInt32(keyAt);
  const fits = (length: number, from: number) => length >= -1 && length <= bytes.length - from;
  // The four bytes of the value's length come after the key.
  if (!fits(keyLength, keyAt + 8)) {
    throw malformedEntry(place, recordIndex, `its key claims ${keyLength} bytes`, position + keyAt);
  }
  const valueAt = keyAt + 4 + Math.max(0, keyLength);
  const valueLength = view.getInt32(valueAt);
  if (!fits(valueLength, valueAt + 4)) {
    throw malformedEntry(place, recordIndex, `its value claims ${valueLength} bytes`, position + valueAt);
  }
  const end = valueAt + 4 + Math.max(0, valueLength);
  if (end !== bytes.length) {
    throw malformedEntry(place, recordIndex, `${bytes.length - end} bytes are left after its value`, position + end);
  }
  return {
    magic,
    offset,
    attributes: bytes[entryAt.attributes]!,
    crc,
    timestamp: magic === 0 ? -1n : view.getBigInt64(entryAt.timestamp),
    key: keyLength < 0 ? null : bytes.subarray(keyAt + 4, valueAt),
    value: valueLength < 0 ? null : bytes.subarray(valueAt + 4, end),
  };
}

/** Whether the size field of an entry can be true. */
export function canBeLegacyEntry(magic: 0 | 1, size: number): boolean {
  return size >= entryOverhead[magic] - entryAt.crc;
}
