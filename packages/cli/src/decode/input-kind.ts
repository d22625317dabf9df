import { isCapture } from '../capture/capture-file.ts';
import { sideKindOf } from '../segment/print-side-file.ts';
import type { SideKind } from '../segment/side-file.ts';
import { looksLikeRequest } from './conversation.ts';
import type { InputKind } from './input-kinds.ts';

/** Bytes that are enough to tell. */
export const HEAD_BYTES = 64;

/** Whether the input is hex or base64 rather than bytes. */
export function looksLikeText(head: Uint8Array): boolean {
  return head.length > 0 && /^[0-9A-Za-z+/=_\-\s:,|\\.]+$/.test(Buffer.from(head).toString('latin1'));
}

/** What the bytes are, by their name and their begin; null where nothing fits. */
export function kindOf(head: Uint8Array, path: string | undefined): InputKind | null {
  const side = kindOfPath(path);
  if (side !== null) return side;
  if (isCapture(head)) return 'capture';
  if (path !== undefined && segmentName.test(path)) return 'segment';
  if (head.length < 8) return null;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  // A base offset below 2^32 begins with four zeros, which are the size of no frame.
  if (view.getInt32(0) === 0 && head.length >= 17 && head[16]! <= 2) return 'segment';
  if (view.getInt32(0) >= 8 && looksLikeRequest(head.subarray(4))) return 'stream';
  if (looksLikeBatch(view)) return 'segment';
  if (looksLikeRequest(head)) return 'request';
  return null;
}

/** As brokers name them, those included that wait for their deletion or are being cleaned. */
const segmentName = /(^|[/\\])\d{20}\.log(\.\w+)?$/;

const headerBytes = 61;
const mostAttributes = 0x7f;

/** A batch whose base offset is above 2^32, as every busy partition's is in time. */
function looksLikeBatch(view: DataView): boolean {
  if (view.byteLength < headerBytes || view.getUint32(0) >= 1 << 20) return false;
  const [bodyBytes, leaderEpoch, magic] = [view.getInt32(8), view.getInt32(12), view.getInt8(16)];
  const [attributes, lastDelta, count] = [view.getUint16(21), view.getInt32(23), view.getInt32(57)];
  const isCounted = lastDelta >= 0 && count >= 0 && count <= lastDelta + 1;
  return bodyBytes >= headerBytes - 12 && leaderEpoch >= -1 && magic === 2 && attributes <= mostAttributes && isCounted;
}

const packers: readonly (readonly [begin: readonly number[], command: string])[] = [
  [[0x1f, 0x8b], 'gzip'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'zstd'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'xz'],
  [[0x42, 0x5a, 0x68], 'bzip2'],
];

/** The program that packed the input, as captures and logs come from elsewhere; null for none that is known. */
export function packedAs(head: Uint8Array): string | null {
  return packers.find(([begin]) => begin.every((byte, at) => head[at] === byte))?.[1] ?? null;
}

/** What the name alone tells. */
export function kindOfPath(path: string | undefined): SideKind | null {
  return path === undefined ? null : sideKindOf(path);
}
