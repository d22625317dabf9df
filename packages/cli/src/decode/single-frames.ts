import { CodecError, correlationIdOf } from '@kiel/codec';
import { usage } from '../failure.ts';
import type { ByteReader } from '../input/byte-reader.ts';
import { Conversation, damageOf, responseBody, type Seen } from './conversation.ts';
import { apiByName } from './filter.ts';
import type { MessagePrinter } from './message-printer.ts';

const MAX_BYTES = 512 * 1024 * 1024;

/** Frames of one kind, one after the other, each after its size; or a single one without. */
export async function decodeFrames(
  reader: ByteReader,
  kind: 'request' | 'response',
  flags: { api?: string; apiVersion?: number },
  printer: MessagePrinter,
): Promise<void> {
  const bytes = await reader.take(MAX_BYTES);
  if (kind === 'request') {
    const conversation = new Conversation({ connection: null, hasTime: false, fromStart: true });
    await printer.print(conversation.accept('client', withSize(bytes), 0));
    await printer.print(conversation.end(0));
    return;
  }
  if (flags.api === undefined || flags.apiVersion === undefined) {
    throw usage('An answer does not say what it answers.', 'Add --api NAME and --api-version N.');
  }
  const api = apiByName(flags.api);
  for (const { frame, offset } of framesOf(withSize(bytes))) {
    await printer.print([answerOf(frame, offset, api, flags.apiVersion)]);
  }
}

function answerOf(frame: Uint8Array, offset: number, api: { name: string; apiKey: number }, version: number): Seen {
  const place = { direction: 'response', connection: null, timestampMs: null, latencyMs: null, offset } as const;
  const known = { sizeBytes: frame.length + 4, apiKey: api.apiKey, api: api.name, version, clientId: null };
  const correlationId = frame.length < 4 ? null : correlationIdOf(frame);
  const message = { ...place, ...known, correlationId };
  try {
    return { kind: 'message', message: { ...message, body: responseBody(frame, api.apiKey, version), damage: null } };
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return { kind: 'message', message: { ...message, body: null, damage: damageOf(frame, error, offset + 4) } };
  }
}

/** Puts the size in front where it is missing. */
function withSize(bytes: Uint8Array): Uint8Array {
  const first = bytes.length < 4 ? -1 : new DataView(bytes.buffer, bytes.byteOffset).getInt32(0);
  if (first >= 4 && first <= bytes.length - 4) return bytes;
  const size = Buffer.alloc(4);
  size.writeInt32BE(bytes.length);
  return Buffer.concat([size, bytes]);
}

function* framesOf(bytes: Uint8Array): Generator<{ frame: Uint8Array; offset: number }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let offset = 0; offset + 4 <= bytes.length; ) {
    const end = offset + 4 + Math.max(0, view.getInt32(offset));
    yield { frame: bytes.subarray(offset + 4, Math.min(end, bytes.length)), offset };
    offset = end;
  }
}
