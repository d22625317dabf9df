import { batchHeaderBytes, compressionsByCode, at as fieldAt } from './batch-header.ts';
import { entryAt, entryOverhead } from './legacy-entry.ts';

/**
 * A batch that claims more bytes than are left may be cut off, or have a damaged length. What is there of it tells,
 * unless it is compressed: a batch that was cut lacks at least a byte of its last record.
 *
 * @param rest - the batch from its first byte on, as far as it goes.
 * @returns what shows that the length is wrong; null if nothing does.
 */
export function contradictionIn(rest: Uint8Array, magic: 0 | 1 | 2, claimedBytes: number): string | null {
  const view = new DataView(rest.buffer, rest.byteOffset, rest.byteLength);
  return magic === 2 ? inDefaultBatch(rest, view, claimedBytes) : inLegacyEntry(view, magic, claimedBytes);
}

function inDefaultBatch(rest: Uint8Array, view: DataView, claimedBytes: number): string | null {
  if (rest.length < batchHeaderBytes) return null;
  const compression = compressionsByCode[view.getInt16(fieldAt.attributes) & 7];
  const count = view.getInt32(fieldAt.count);
  const lastOffsetDelta = view.getInt32(fieldAt.lastOffsetDelta);
  if (compression === undefined || count < 0 || lastOffsetDelta < 0) return 'its header is not that of a batch';
  if (compression !== 'none') return null;
  let at = batchHeaderBytes;
  for (let i = 0; i < count; i++) {
    let zigzag = 0;
    let byte = 0x80;
    for (let shift = 0; byte >= 0x80; shift += 7) {
      if (at >= rest.length) return null;
      if (shift > 28) return `it claims ${claimedBytes} bytes, and the size of record ${i} takes more than 32 bits`;
      byte = rest[at++]!;
      zigzag |= (byte & 0x7f) << shift;
    }
    if ((zigzag & 1) !== 0) return `it claims ${claimedBytes} bytes, and record ${i} a negative size`;
    at += zigzag >>> 1;
    if (at > rest.length) return null;
  }
  return `it claims ${claimedBytes} bytes, and its ${count} records end after ${at}`;
}

function inLegacyEntry(view: DataView, magic: 0 | 1, claimedBytes: number): string | null {
  const keyAt = magic === 0 ? entryAt.timestamp : entryAt.timestamp + 8;
  if (keyAt + 4 > view.byteLength) return null;
  const keyLength = Math.max(0, view.getInt32(keyAt));
  const valueAt = keyAt + 4 + keyLength;
  if (valueAt + 4 > view.byteLength) {
    const atLeast = entryOverhead[magic] + keyLength;
    return atLeast <= claimedBytes ? null : `it claims ${claimedBytes} bytes, and its key alone needs ${atLeast}`;
  }
  const needed = entryOverhead[magic] + keyLength + Math.max(0, view.getInt32(valueAt));
  return needed === claimedBytes ? null : `it claims ${claimedBytes} bytes, and its key and value need ${needed}`;
}
