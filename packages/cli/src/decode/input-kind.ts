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
  if (head.length < 8) return null;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  // A base offset below 2^32 begins with four zeros, which are the size of no frame.
  if (view.getInt32(0) === 0 && head.length >= 17 && head[16]! <= 2) return 'segment';
  if (view.getInt32(0) >= 8 && looksLikeRequest(head.subarray(4))) return 'stream';
  if (looksLikeRequest(head)) return 'request';
  return null;
}

/** What the name alone tells. */
export function kindOfPath(path: string | undefined): SideKind | null {
  return path === undefined ? null : sideKindOf(path);
}
