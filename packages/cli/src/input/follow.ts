import { open } from 'node:fs/promises';
import { fileFailure } from '../failure.ts';
import { pause } from '../wire/cluster-client.ts';
import { CHUNK_BYTES } from './chunks.ts';

const LOOK_EVERY_MS = 200;

/** A file's bytes, and those that are added to it, until `signal`. */
export async function* followFile(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const file = await open(path).catch((error: unknown) => {
    throw fileFailure(path, error);
  });
  try {
    while (!signal.aborted) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, null);
      if (bytesRead > 0) yield buffer.subarray(0, bytesRead);
      // Polled: not every file system reports changes.
      else await pause(LOOK_EVERY_MS, signal);
    }
  } finally {
    await file.close();
  }
}
