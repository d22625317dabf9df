import { CodecError, type RecordBatch, readBatches } from '@kiel/codec';
import { nodeCompressions } from '@kiel/codec/node';
import { damageOf } from '../decode/conversation.ts';
import type { Damage } from '../decode/wire-message.ts';
import type { ByteReader } from '../input/byte-reader.ts';

/** What stands in a log segment, in order. */
export type SegmentPart =
  | { readonly kind: 'batch'; readonly position: number; readonly batch: RecordBatch }
  /** A batch that cannot be read. `isEnd`: nor can anything behind it, since its size is not to be trusted. */
  | { readonly kind: 'damage'; readonly position: number; readonly damage: Damage; readonly isEnd: boolean }
  | {
      readonly kind: 'cut short';
      readonly position: number;
      readonly haveBytes: number;
      readonly claimedBytes: number | null;
    }
  /** Room that a broker kept ready and never used. */
  | { readonly kind: 'zeros'; readonly position: number };

const PREFIX_BYTES = 12;
const HEAD_BYTES = 17;
const MAX_BATCH_BYTES = 1024 * 1024 * 1024;

/** Reads a segment batch by batch, never more of it than one batch at a time. */
export async function* readSegment(reader: ByteReader): AsyncGenerator<SegmentPart> {
  for (;;) {
    const position = reader.position;
    const head = await reader.peek(HEAD_BYTES);
    if (head.length === 0) return;
    if (head.length < HEAD_BYTES) {
      yield { kind: 'cut short', position, haveBytes: head.length, claimedBytes: null };
      return;
    }
    if (head.every((byte) => byte === 0)) {
      yield { kind: 'zeros', position };
      return;
    }
    const view = new DataView(head.buffer, head.byteOffset, head.length);
    const claimedBytes = PREFIX_BYTES + view.getInt32(8);
    const magic = view.getInt8(16);
    if (magic < 0 || magic > 2 || claimedBytes < HEAD_BYTES || claimedBytes > MAX_BATCH_BYTES) {
      const context = await reader.peek(64);
      const isSize = magic >= 0 && magic <= 2;
      const problem = isSize ? `a batch of ${claimedBytes} bytes` : `there is no magic ${magic}`;
      yield {
        kind: 'damage',
        position,
        isEnd: true,
        damage: { problem, context, at: isSize ? 8 : 16, base: position },
      };
      return;
    }
    const bytes = await reader.take(claimedBytes);
    if (bytes.length < claimedBytes) {
      yield { kind: 'cut short', position, haveBytes: bytes.length, claimedBytes };
      return;
    }
    yield readOne(bytes, position);
  }
}

function readOne(bytes: Uint8Array, position: number): SegmentPart {
  try {
    const { value: batch } = readBatches(bytes, { compressions: nodeCompressions, malformedUtf8: 'replace' }).next();
    if (batch !== undefined) return { kind: 'batch', position, batch };
    throw new CodecError('MALFORMED_BATCH', 'the batch is shorter than its own header', { offset: 8 });
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return { kind: 'damage', position, damage: damageOf(bytes, error, position), isEnd: false };
  }
}
