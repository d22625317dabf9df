/**
 * A checksum over bytes, as 32 bits without sign. `seed` is the checksum of the bytes before these, so that
 * `f(b, f(a))` equals `f(ab)`; 0 to begin. `node:zlib`'s `crc32` has this shape too.
 */
export type Checksum = (bytes: Uint8Array, seed?: number) => number;

/** CRC-32 as in zip and in message sets of magic 0 and 1 (IEEE 802.3). */
export function crc32(bytes: Uint8Array, seed = 0): number {
  ieeeTables ??= makeTables(0xedb88320);
  return update(ieeeTables, bytes, seed);
}

/** CRC-32C as in record batches of magic 2 (Castagnoli). */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  castagnoliTables ??= makeTables(0x82f63b78);
  return update(castagnoliTables, bytes, seed);
}

/** Sixteen tables of 256 words in one array, made on first use: 16 KiB each. */
let ieeeTables: Int32Array | undefined;
let castagnoliTables: Int32Array | undefined;

/** Table k maps a byte to its effect on the register after k further zero bytes. */
function makeTables(reversedPolynomial: number): Int32Array {
  const tables = new Int32Array(16 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let word = byte;
    for (let bit = 0; bit < 8; bit++) word = word & 1 ? (word >>> 1) ^ reversedPolynomial : word >>> 1;
    tables[byte] = word;
  }
  for (let at = 256; at < tables.length; at++) {
    const previous = tables[at - 256]!;
    tables[at] = (previous >>> 8) ^ tables[previous & 0xff]!;
  }
  return tables;
}

/** Slicing by sixteen: the sixteen look-ups of a step do not wait for each other. */
function update(t: Int32Array, bytes: Uint8Array, seed: number): number {
  let crc = ~seed;
  let at = 0;
  const end = bytes.length;
  for (const last = end - 16; at <= last; at += 16) {
    crc =
      t[0xf00 | ((crc ^ bytes[at]!) & 0xff)]! ^
      t[0xe00 | (((crc >>> 8) ^ bytes[at + 1]!) & 0xff)]! ^
      t[0xd00 | (((crc >>> 16) ^ bytes[at + 2]!) & 0xff)]! ^
      t[0xc00 | ((crc >>> 24) ^ bytes[at + 3]!)]! ^
      t[0xb00 | bytes[at + 4]!]! ^
      t[0xa00 | bytes[at + 5]!]! ^
      t[0x900 | bytes[at + 6]!]! ^
      t[0x800 | bytes[at + 7]!]! ^
      t[0x700 | bytes[at + 8]!]! ^
      t[0x600 | bytes[at + 9]!]! ^
      t[0x500 | bytes[at + 10]!]! ^
      t[0x400 | bytes[at + 11]!]! ^
      t[0x300 | bytes[at + 12]!]! ^
      t[0x200 | bytes[at + 13]!]! ^
      t[0x100 | bytes[at + 14]!]! ^
      t[bytes[at + 15]!]!;
  }
  while (at < end) crc = (crc >>> 8) ^ t[(crc ^ bytes[at++]!) & 0xff]!;
  return ~crc >>> 0;
}
