/** Reads a zigzag varint of up to 64 bits; null if it goes on for longer. A missing byte ends it. */
export function getVarlong(bytes: Uint8Array, at: number): { value: bigint; end: number } | null {
  let zigzag = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = bytes[at++] ?? 0;
    zigzag |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) {
      const bits = BigInt.asUintN(64, zigzag);
      return { value: (bits >> 1n) ^ -(bits & 1n), end: at };
    }
  }
  return null;
}
