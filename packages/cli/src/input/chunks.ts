import { createReadStream, statSync } from 'node:fs';
import { fileFailure } from '../failure.ts';

/** Bytes from a file or from standard input, in pieces that belong to the reader. */
export interface ChunkSource {
  readonly name: string;
  /** Bytes to come, or null where nobody knows (a pipe, a terminal). */
  readonly totalBytes: number | null;
  readonly chunks: AsyncIterable<Uint8Array>;
}

export const CHUNK_BYTES = 256 * 1024;

/**
 * @param path - a file, or `-` (or nothing) for standard input.
 * @throws Failure if there is no such file; errors while reading come out of `chunks`.
 */
export function openChunks(path: string | undefined, stdin: NodeJS.ReadableStream, signal?: AbortSignal): ChunkSource {
  if (path === undefined || path === '-') {
    return { name: 'standard input', totalBytes: null, chunks: untilAborted(stdin, signal) };
  }
  const totalBytes = sizeOf(path);
  const stream = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  return { name: path, totalBytes, chunks: named(path, untilAborted(stream, signal)) };
}

function sizeOf(path: string): number | null {
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) throw Object.assign(new Error('folder'), { code: 'EISDIR' });
    return stat.isFile() ? stat.size : null;
  } catch (error) {
    throw fileFailure(path, error);
  }
}

async function* named(path: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    throw fileFailure(path, error);
  }
}

/** Ends quietly on abort: what was read until then counts. */
async function* untilAborted(stream: NodeJS.ReadableStream, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  if (isAborted(signal)) return;
  const readable = stream as NodeJS.ReadableStream & { destroy(): void };
  const stop = () => readable.destroy();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of stream) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  } catch (error) {
    // A stream destroyed by us ends its iteration with a premature close.
    if (!isAborted(signal)) throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

function isAborted(signal?: AbortSignal): boolean {
  return signal?.aborted === true;
}
