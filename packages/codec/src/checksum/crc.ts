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
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let crc = ~seed;
  let at = 0;
  const end = bytes.length;
  for (const last = end - 16; at <= last; at += 16) {
    const a = view.getInt32(at, true) ^ crc;
    const b = view.getInt32(at + 4, true);
    const c = view.getInt32(at + 8, true);
    const d = view.getInt32(at + 12, true);
    crc =
      t[0xf00 | (a & 0xff)]! ^
      t[0xe00 | ((a >>> 8) & 0xff)]! ^
      t[0xd00 | ((a >>> 16) & 0xff)]! ^
      t[0xc00 | (a >>> 24)]! ^
      t[0xb00 | (b & 0xff)]! ^
      t[0xa00 | ((b >>> 8) & 0xff)]! ^
      t[0x900 | ((b >>> 16) & 0xff)]! ^
      t[0x800 | (b >>> 24)]! ^
      t[0x700 | (c & 0xff)]! ^
      t[0x600 | ((c >>> 8) & 0xff)]! ^
      t[0x500 | ((c >>> 16) & 0xff)]! ^
      t[0x400 | (c >>> 24)]! ^
      t[0x300 | (d & 0xff)]! ^
      t[0x200 | ((d >>> 8) & 0xff)]! ^
      t[0x100 | ((d >>> 16) & 0xff)]! ^
      t[d >>> 24]!;
  }
  while (at < end) crc = (crc >>> 8) ^ t[(crc ^ bytes[at++]!) & 0xff]!;
  return ~crc >>> 0;
}
