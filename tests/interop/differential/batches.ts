import { type BatchSeal, crc32c, MessageSetBuilder, RecordBatchBuilder } from '@kiel/codec';
import { nodeCompressions } from '@kiel/codec/node';

type Codec = 'gzip' | 'snappy' | 'lz4' | 'zstd';

export interface Shape extends BatchSeal {
  readonly values?: readonly (string | null)[];
  readonly keys?: readonly (string | null)[];
  readonly timestampMs?: number;
  readonly compression?: Codec;
  /** Written over the finished batch, before the checksum is made anew. */
  readonly patch?: (bytes: Uint8Array, view: DataView) => void;
  /** Written over it after the checksum was made. */
  readonly damage?: (bytes: Uint8Array, view: DataView) => void;
  /** Bytes behind the records, counted in the batch's length. */
  readonly tail?: number;
}

/** One batch of magic 2, good or bad on purpose. */
export function made(shape: Shape = {}): Uint8Array {
  const { values = ['v'], keys, timestampMs = Date.now(), compression, patch, damage, tail = 0, ...seal } = shape;
  const builder = new RecordBatchBuilder({ limitBytes: 1 << 24 });
  for (const [i, value] of values.entries()) builder.tryAppend(timestampMs, keys?.[i] ?? null, value);
  const whole =
    compression === undefined
      ? builder.seal(seal)
      : builder.sealCompressed(compression, nodeCompressions[compression].compress(builder.body()), seal);
  const bytes = new Uint8Array(whole.length + tail);
  bytes.set(whole);
  const view = new DataView(bytes.buffer);
  view.setInt32(8, bytes.length - 12);
  patch?.(bytes, view);
  view.setUint32(17, crc32c(bytes.subarray(21)));
  damage?.(bytes, view);
  return bytes;
}

export function oldSet(magic: 0 | 1, values: readonly string[], compression?: 'gzip' | 'snappy' | 'lz4'): Uint8Array {
  const builder = new MessageSetBuilder({ magic });
  for (const value of values) builder.append(Date.now(), null, value);
  return compression === undefined
    ? builder.entries().slice()
    : builder.wrapped(compression, nodeCompressions[compression]);
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
