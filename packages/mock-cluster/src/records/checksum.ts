import { type Checksum, crc32c as plain } from '@kiel/codec';
import { createWasmCodecs } from '@kiel/codec/wasm';

let chosen: Checksum | null = null;

/** CRC-32C by the fastest way there is, chosen at the first call. */
export const crc32c: Checksum = (bytes, seed) => {
  chosen ??= createWasmCodecs()?.crc32c ?? plain;
  return chosen(bytes, seed);
};
