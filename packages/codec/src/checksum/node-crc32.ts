import * as zlib from 'node:zlib';
import { type Checksum, crc32 } from './crc.ts';

/** CRC-32 by `node:zlib`, many times as fast as the codec's own; the codec's own where Node has none. */
export const nodeCrc32: Checksum = zlib.crc32 === undefined ? crc32 : (bytes, seed) => zlib.crc32(bytes, seed);
