import { CodecError } from '../errors.ts';

/** Code `MALFORMED_COMPRESSION`: the bytes are no such compression, or end before they should. */
export function malformed(compression: string, problem: string, offset: number, cause?: unknown): CodecError {
  return new CodecError('MALFORMED_COMPRESSION', `${compression}: ${problem}`, { offset, cause });
}

/** Code `DECOMPRESSION_LIMIT`: more comes out than the reader allows, be it a bomb or just large. */
export function outputOver(compression: string, maxBytes: number, offset: number): CodecError {
  return new CodecError('DECOMPRESSION_LIMIT', `${compression}: more than ${maxBytes} bytes come out`, { offset });
}

/** Code `COMPRESSION_UNAVAILABLE`: nobody passed an implementation, or this runtime has none. */
export function unavailable(compression: string, advice: string): CodecError {
  return new CodecError('COMPRESSION_UNAVAILABLE', `${compression} is not available here: ${advice}`);
}
