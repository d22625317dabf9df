/**
 * Variable-length integers: seven bits a byte, low bits first, the top bit says that more follows. Signed ones are
 * zigzag-coded first, so that small negative numbers stay short. These functions write into memory that the
 * caller has made sure of; `Reader` has the checked reading side.
 */

/** Bytes that an unsigned varint takes: 1 to 5. */
export function sizeOfUvarint(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}

/** @param value - an int32. */
export function sizeOfVarint(value: number): number {
  return sizeOfUvarint(zigzag32(value));
}

/** @param value - an int64 held exactly in a number: at most 2^53 - 1 either way. */
export function sizeOfVarlong(value: number): number {
  if (value >= -0x40000000 && value < 0x40000000) return sizeOfVarint(value);
  let size = 1;
  for (let rest = value < 0 ? -value - 1 : value; rest >= 0x40; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** An int32 as the uint32 whose small values are the small numbers of either sign. */
export function zigzag32(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}

export function unzigzag32(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}

/** Writes a uint32 and returns the position after it; takes at most 5 bytes. */
export function putUvarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value >>> 0;
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

/** Writes an int32 zigzag-coded and returns the position after it; takes at most 5 bytes. */
export function putVarint(bytes: Uint8Array, at: number, value: number): number {
  return putUvarint(bytes, at, (value << 1) ^ (value >> 31));
}

/**
 * Writes an int64, given as an exact number, zigzag-coded and returns the position after it; takes at most 10 bytes.
 * For values of both signs up to 2^53 - 1.
 */
export function putVarlong(bytes: Uint8Array, at: number, value: number): number {
  if (value >= -0x40000000 && value < 0x40000000) return putUvarint(bytes, at, (value << 1) ^ (value >> 31));
  // Doubling could leave the exact range, so the lowest bit (the sign) is handled apart from the rest.
  let rest = value < 0 ? -value - 1 : value;
  bytes[at++] = ((rest % 64) << 1) | (value < 0 ? 1 : 0) | (rest >= 64 ? 0x80 : 0);
  rest = Math.floor(rest / 64);
  while (rest > 0) {
    bytes[at++] = (rest % 128) | (rest >= 128 ? 0x80 : 0);
    rest = Math.floor(rest / 128);
  }
  return at;
}

/** Writes an int64 zigzag-coded and returns the position after it; takes at most 10 bytes. */
export function putVarlongBigInt(bytes: Uint8Array, at: number, value: bigint): number {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  while (rest >= 0x80n) {
    bytes[at++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  bytes[at++] = Number(rest);
  return at;
}
