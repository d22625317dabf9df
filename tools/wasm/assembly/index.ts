/**
 * The byte loops that WebAssembly runs faster than JavaScript: CRC-32C, and the blocks of LZ4 and snappy.
 * AssemblyScript, built by ../build.mjs. Memory is laid out by hand and never grows:
 *
 *       0  16 tables of 256 words: the effect of a byte on a CRC register, 0 to 15 zero bytes later
 *   16384  8192 places of 16 bits: where a hash was seen last in the block that is being compressed
 *   32768  what near folding has made of the last 256 bytes, and of up to 8 KiB after them
 *   42240  the last bytes of near folding, before the tables finish them
 *   43776  what far folding has made of the bytes before the input
 *   49152  input, up to 64 KiB
 *  114752  the last bytes of far folding, before near folding takes them; and output: of the encoders, longest for snappy, 76,490 bytes; of the decoders, up to 64 KiB and 15 bytes over
 */
const CRC_TABLES: usize = 0;
const PLACES: usize = 16384;
const FOLDED: usize = 32768;
const LAST_FOLDED: usize = 42240;
const BEFORE_INPUT: usize = 43776;
const INPUT: usize = 49152;
const OUTPUT: usize = 114752;

/** Where the caller puts the bytes, and where it finds what the encoders made. */
export const input: u32 = <u32>INPUT;
export const output: u32 = <u32>OUTPUT;

const REVERSED_CASTAGNOLI: u32 = 0x82f63b78;
/** Folding sets in where it pays for the bytes that the tables, or near folding, have to finish. */
const FOLD_FROM: usize = 1024;
const FAR_FOLD_FROM: usize = 16384;
/** The farthest that folding reaches back. */
const REACH: usize = 209;
const FAR_REACH: usize = 5275;
/** The same in whole steps of 64 bytes. */
const FAR_HISTORY: usize = 5376;
const HISTORY: usize = 256;
const FOLD_CHUNK: usize = 8192;

makeTables();

function makeTables(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let register = byte;
    for (let bit = 0; bit < 8; bit++) {
      register = register & 1 ? (register >>> 1) ^ REVERSED_CASTAGNOLI : register >>> 1;
    }
    store<u32>(CRC_TABLES + (byte << 2), register);
  }
  for (let at: usize = 1024; at < 16384; at += 4) {
    const previous = load<u32>(CRC_TABLES + at - 1024);
    store<u32>(CRC_TABLES + at, effect(0, previous) ^ (previous >>> 8));
  }
}

// @ts-expect-error: decorator
@inline
function effect(zeroBytesLater: usize, word: u32): u32 {
  return load<u32>(CRC_TABLES + (zeroBytesLater << 10) + ((<usize>(word & 0xff)) << 2));
}

// @ts-expect-error: decorator
@inline
function wordEffect(zeroBytesLater: usize, word: u32): u32 {
  return (
    effect(zeroBytesLater + 3, word) ^
    effect(zeroBytesLater + 2, word >>> 8) ^
    (effect(zeroBytesLater + 1, word >>> 16) ^ effect(zeroBytesLater, word >>> 24))
  );
}

/** Slicing by sixteen over a register, which is the complement of a checksum. */
function update(register: u32, at: usize, bytes: usize): u32 {
  const end = at + bytes;
  for (; at + 16 <= end; at += 16) {
    const first = load<u64>(at);
    const second = load<u64>(at, 8);
    // The register comes last of all: the other twelve look-ups do not wait for it.
    const rest =
      wordEffect(8, <u32>(first >> 32)) ^ (wordEffect(4, <u32>second) ^ wordEffect(0, <u32>(second >> 32)));
    register = rest ^ wordEffect(12, <u32>first ^ register);
  }
  for (; at < end; at++) register = effect(0, register ^ load<u8>(at)) ^ (register >>> 8);
  return register;
}

/**
 * The CRC-32C of the input, continuing from `seed`.
 *
 * Large inputs are folded first. The Castagnoli polynomial divides x^1672 + x^1152 + x^432 + x^312 + x^112 + 1, so a
 * byte may be taken out if it is added to the bytes 65, 155, 170, 195 and 209 places further on: the checksum stays
 * the same. All exponents are multiples of 8, so this needs no shift, only unaligned loads; and the nearest place is
 * more than 64 bytes away, so four vectors at a time do not touch each other. What remains are the last 209 bytes or
 * a few more, for the tables. No multiple with so few terms and whole bytes is shorter.
 *
 * It also divides x^42200 + x^36064 + x^22008 + 1: places 767, 2524 and 5275 bytes on, two additions less, and so far
 * away that no load meets a store which is still under way. That is twice as fast, and leaves 5,275 bytes to the first.
 */
export function crc32c(bytes: u32, seed: u32): u32 {
  if (<usize>bytes >= FAR_FOLD_FROM) {
    crc32cBegin();
    return crc32cEnd(bytes, ~seed);
  }
  if (<usize>bytes >= FOLD_FROM) return ~foldNear(INPUT, bytes, ~seed);
  return ~update(~seed, INPUT, bytes);
}

/** Begins a checksum over more than the input holds: blocks by `crc32cBlock`, the last by `crc32cEnd`. */
export function crc32cBegin(): void {
  memory.fill(BEFORE_INPUT, 0, FAR_HISTORY);
}

/**
 * @param bytes - of the input, a multiple of 64, and 5,376 at least.
 * @param register - the complement of the seed for the first block, 0 for all others.
 */
export function crc32cBlock(bytes: u32, register: u32): void {
  store<u32>(INPUT, load<u32>(INPUT) ^ register);
  foldFar(INPUT + bytes);
  memory.copy(BEFORE_INPUT, INPUT + bytes - FAR_HISTORY, FAR_HISTORY);
}

/** The last block, of 16 KiB at least; gives the checksum. */
export function crc32cEnd(bytes: u32, register: u32): u32 {
  store<u32>(INPUT, load<u32>(INPUT) ^ register);
  const end = INPUT + <usize>bytes;
  const foldEnd = INPUT + ((<usize>bytes - FAR_REACH) & ~63);
  foldFar(foldEnd);
  // Folded bytes still fall on the rest, but it is not folded itself: zeros stand for it.
  const rest = end - foldEnd;
  memory.copy(OUTPUT, foldEnd, rest);
  memory.fill(foldEnd, 0, rest + 16);
  for (let i: usize = 0; i < rest; i += 16) {
    v128.store(OUTPUT + i, v128.xor(v128.load(OUTPUT + i), fallingFar(foldEnd + i)));
  }
  return ~foldNear(OUTPUT, rest, 0);
}

/** Folds the input in place. */
function foldFar(end: usize): void {
  for (let at = INPUT; at < end; at += 64) {
    v128.store(at, v128.xor(v128.load(at), fallingFar(at)));
    v128.store(at, v128.xor(v128.load(at, 16), fallingFar(at + 16)), 16);
    v128.store(at, v128.xor(v128.load(at, 32), fallingFar(at + 32)), 32);
    v128.store(at, v128.xor(v128.load(at, 48), fallingFar(at + 48)), 48);
  }
}

// @ts-expect-error: decorator
@inline
function fallingFar(at: usize): v128 {
  return v128.xor(v128.xor(v128.load(at - 767), v128.load(at - 2524)), v128.load(at - 5275));
}

function foldNear(from: usize, bytes: usize, register: u32): u32 {
  let at = from;
  const end = from + bytes;
  const foldEnd = from + ((bytes - REACH) & ~63);
  memory.fill(FOLDED, 0, HISTORY);
  let to = FOLDED + HISTORY;
  // Nothing falls on the first 64 bytes but the register, which lies on the first four.
  v128.store(to, v128.xor(v128.load(at), i32x4(register, 0, 0, 0)));
  v128.store(to, v128.load(at, 16), 16);
  v128.store(to, v128.load(at, 32), 32);
  v128.store(to, v128.load(at, 48), 48);
  at += 64;
  to += 64;
  for (;;) {
    const stop = min(foldEnd, at + FOLD_CHUNK);
    for (; at < stop; at += 64, to += 64) {
      v128.store(to, folded(at, to));
      v128.store(to, folded(at + 16, to + 16), 16);
      v128.store(to, folded(at + 32, to + 32), 32);
      v128.store(to, folded(at + 48, to + 48), 48);
    }
    if (at == foldEnd) break;
    memory.copy(FOLDED, to - HISTORY, HISTORY);
    to = FOLDED + HISTORY;
  }
  // On the rest the folded bytes still fall, but it is not folded itself: zeros stand for it.
  memory.fill(to, 0, 288);
  const rest = end - at;
  for (let i: usize = 0; i < rest; i += 16) v128.store(LAST_FOLDED + i, folded(at + i, to + i));
  return update(0, LAST_FOLDED, rest);
}

// @ts-expect-error: decorator
@inline
function folded(at: usize, to: usize): v128 {
  return v128.xor(
    v128.xor(v128.xor(v128.load(at), v128.load(to - 65)), v128.xor(v128.load(to - 155), v128.load(to - 170))),
    v128.xor(v128.load(to - 195), v128.load(to - 209)),
  );
}

/** Where the place is kept at which these bytes were seen last: five bytes count, so that text does not crowd. */
// @ts-expect-error: decorator
@inline
function slot(word: u64): usize {
  return PLACES + ((<usize>(((word << 24) * 889523592379) >> 51)) << 1);
}

// @ts-expect-error: decorator
@inline
function placeAt(slot: usize): usize {
  return INPUT + <usize>load<u16>(slot);
}

// @ts-expect-error: decorator
@inline
function keepPlace(slot: usize, at: usize): void {
  store<u16>(slot, <u16>(at - INPUT));
}

/** Where a match ends that holds for the four bytes before `at`, with its twin `distance` bytes back. */
// @ts-expect-error: decorator
@inline
function matchEnd(at: usize, distance: usize, limit: usize): usize {
  for (; at + 8 <= limit; at += 8) {
    const difference = load<u64>(at) ^ load<u64>(at - distance);
    if (difference != 0) return at + <usize>(ctz(difference) >> 3);
  }
  while (at < limit && load<u8>(at) == load<u8>(at - distance)) at++;
  return at;
}

/** Copies sixteen bytes at a time: up to fifteen too many, into room that is written next or never read. */
// @ts-expect-error: decorator
@inline
function copyOver(to: usize, from: usize, bytes: usize): void {
  for (const end = to + bytes; to < end; to += 16, from += 16) v128.store(to, v128.load(from));
}

// @ts-expect-error: decorator
@inline
function putLength(to: usize, rest: usize): usize {
  for (; rest >= 255; rest -= 255) store<u8>(to++, 255);
  store<u8>(to++, <u8>rest);
  return to;
}

/** Writes a token and the literals after it; the match's length is added to the token later. */
// @ts-expect-error: decorator
@inline
function putLz4Literals(to: usize, from: usize, bytes: usize): usize {
  if (bytes < 15) {
    store<u8>(to++, <u8>(bytes << 4));
  } else {
    store<u8>(to++, 0xf0);
    to = putLength(to, bytes - 15);
  }
  copyOver(to, from, bytes);
  return to + bytes;
}

/** Compresses the input, 64 KiB at most, as one LZ4 block; returns the size of the output. */
export function lz4(bytes: u32): u32 {
  const end = INPUT + <usize>bytes;
  let literals: usize = INPUT;
  let to: usize = OUTPUT;
  if (bytes >= 13) {
    memory.fill(PLACES, 0, 16384);
    // The format's rules: no match begins in the last 12 bytes, and the last 5 are literals.
    const lastStart = end - 12;
    const limit = end - 5;
    let next: usize = INPUT + 1;
    while (next <= lastStart) {
      let at: usize = next;
      let twin: usize = 0;
      let nextSlot = slot(load<u64>(at));
      let tries: usize = 64;
      let found = false;
      // The longer nothing is found, the longer the steps: what cannot be compressed is soon left behind.
      do {
        const here = nextSlot;
        at = next;
        next += tries++ >> 6;
        twin = placeAt(here);
        nextSlot = slot(load<u64>(next));
        keepPlace(here, at);
        found = load<u32>(twin) == load<u32>(at);
      } while (!found && next <= lastStart);
      if (!found) break;
      while (at > literals && twin > INPUT && load<u8>(at - 1) == load<u8>(twin - 1)) {
        at--;
        twin--;
      }
      let token = to;
      to = putLz4Literals(to, literals, at - literals);
      for (;;) {
        const distance = at - twin;
        store<u16>(to, <u16>distance);
        to += 2;
        const stop = matchEnd(at + 4, distance, limit);
        const length = stop - at - 4;
        if (length < 15) {
          store<u8>(token, load<u8>(token) | <u8>length);
        } else {
          store<u8>(token, load<u8>(token) | 15);
          to = putLength(to, length - 15);
        }
        literals = stop;
        at = stop;
        if (at > lastStart) break;
        keepPlace(slot(load<u64>(at - 2)), at - 2);
        const here = slot(load<u64>(at));
        twin = placeAt(here);
        keepPlace(here, at);
        if (load<u32>(twin) != load<u32>(at)) break;
        token = to;
        store<u8>(to++, 0); // another match at once, without a literal
      }
      next = at + 1;
    }
  }
  to = putLz4Literals(to, literals, end - literals);
  return <u32>(to - OUTPUT);
}

// @ts-expect-error: decorator
@inline
function putSnappyLiterals(to: usize, from: usize, bytes: usize): usize {
  const rest = bytes - 1;
  if (rest < 60) {
    store<u8>(to++, <u8>(rest << 2));
  } else if (rest < 256) {
    store<u16>(to, <u16>(0xf0 | (rest << 8)));
    to += 2;
  } else {
    store<u8>(to, 0xf4);
    store<u16>(to, <u16>rest, 1);
    to += 3;
  }
  copyOver(to, from, bytes);
  return to + bytes;
}

/** A copy of 4 to 64 bytes. */
// @ts-expect-error: decorator
@inline
function putSnappyCopy(to: usize, distance: u32, length: u32): usize {
  if (length < 12 && distance < 2048) {
    store<u16>(to, <u16>(1 | ((length - 4) << 2) | ((distance >>> 8) << 5) | (distance << 8)));
    return to + 2;
  }
  store<u32>(to, 2 | ((length - 1) << 2) | (distance << 8));
  return to + 3;
}

/** Compresses the input, 1 byte to 64 KiB, as one raw snappy block, its length first; returns the size of the output. */
export function snappy(bytes: u32): u32 {
  const end = INPUT + <usize>bytes;
  let literals: usize = INPUT;
  let to: usize = OUTPUT;
  let length = bytes;
  for (; length > 127; length >>>= 7) store<u8>(to++, <u8>(length | 128));
  store<u8>(to++, <u8>length);
  if (bytes >= 16) {
    memory.fill(PLACES, 0, 16384);
    const lastStart = end - 15;
    let next: usize = INPUT + 1;
    while (next <= lastStart) {
      let at: usize = next;
      let twin: usize = 0;
      let nextSlot = slot(load<u64>(at));
      let tries: usize = 32;
      let found = false;
      do {
        const here = nextSlot;
        at = next;
        next += tries++ >> 5;
        twin = placeAt(here);
        nextSlot = slot(load<u64>(next));
        keepPlace(here, at);
        found = load<u32>(twin) == load<u32>(at);
      } while (!found && next <= lastStart);
      if (!found) break;
      while (at > literals && twin > INPUT && load<u8>(at - 1) == load<u8>(twin - 1)) {
        at--;
        twin--;
      }
      if (at > literals) to = putSnappyLiterals(to, literals, at - literals);
      for (;;) {
        const distance = <u32>(at - twin);
        const stop = matchEnd(at + 4, <usize>distance, end);
        let left = <u32>(stop - at);
        // Never fewer than four are left over: a copy of fewer has no form.
        for (; left >= 68; left -= 64) to = putSnappyCopy(to, distance, 64);
        if (left > 64) {
          to = putSnappyCopy(to, distance, 60);
          left -= 60;
        }
        to = putSnappyCopy(to, distance, left);
        literals = stop;
        at = stop;
        if (at > lastStart) break;
        keepPlace(slot(load<u64>(at - 1)), at - 1);
        const here = slot(load<u64>(at));
        twin = placeAt(here);
        keepPlace(here, at);
        if (load<u32>(twin) != load<u32>(at)) break;
      }
      next = at + 1;
    }
  }
  if (end > literals) to = putSnappyLiterals(to, literals, end - literals);
  return <u32>(to - OUTPUT);
}

/**
 * Decompresses the LZ4 block in the input, of no more than 64 KiB, and returns its size. -1 stands for anything that is
 * wrong with it: the caller has a decoder that tells what.
 */
export function lz4Decode(bytes: u32): i32 {
  let from = INPUT;
  const end = INPUT + bytes;
  let to = OUTPUT;
  const limit = OUTPUT + 65536;
  while (from < end) {
    const token = <usize>load<u8>(from++);
    let literals = token >> 4;
    if (literals == 15) {
      let byte: usize;
      do {
        if (from >= end) return -1;
        byte = load<u8>(from++);
        literals += byte;
      } while (byte == 255);
    }
    if (literals > end - from || literals > limit - to) return -1;
    copyOver(to, from, literals);
    from += literals;
    to += literals;
    if (from == end) return (token & 15) == 0 ? <i32>(to - OUTPUT) : -1;
    if (end - from < 2) return -1;
    const offset = <usize>load<u16>(from);
    from += 2;
    if (offset == 0 || offset > to - OUTPUT) return -1;
    let length = (token & 15) + 4;
    if (length == 19) {
      let byte: usize;
      do {
        if (from >= end) return -1;
        byte = load<u8>(from++);
        length += byte;
      } while (byte == 255);
    }
    if (length > limit - to) return -1;
    repeat(to, offset, length);
    to += length;
  }
  return -1;
}

/** Decompresses the raw snappy block in the input, of no more than 64 KiB, and returns its size; -1 if it is malformed. */
export function snappyDecode(bytes: u32): i32 {
  let from = INPUT;
  const end = INPUT + bytes;
  let claimed: usize = 0;
  for (let shift: usize = 0; ; shift += 7) {
    if (from >= end || shift > 14) return -1;
    const byte = <usize>load<u8>(from++);
    claimed |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  if (claimed > 65536) return -1;
  let to = OUTPUT;
  const limit = OUTPUT + claimed;
  while (from < end) {
    const tag = <usize>load<u8>(from++);
    const kind = tag & 3;
    let length = (tag >> 2) + 1;
    if (kind == 0) {
      if (length > 60) {
        const extra = length - 60;
        if (end - from < extra || extra > 2) return -1;
        length = <usize>load<u8>(from++) + 1;
        if (extra == 2) length += (<usize>load<u8>(from++)) << 8;
      }
      if (length > end - from || length > limit - to) return -1;
      copyOver(to, from, length);
      from += length;
      to += length;
      continue;
    }
    let offset: usize;
    if (kind == 1) {
      if (from >= end) return -1;
      length = ((tag >> 2) & 7) + 4;
      offset = ((tag >> 5) << 8) | <usize>load<u8>(from++);
    } else if (kind == 2) {
      if (end - from < 2) return -1;
      offset = <usize>load<u16>(from);
      from += 2;
    } else {
      if (end - from < 4) return -1;
      offset = <usize>load<u32>(from);
      from += 4;
    }
    if (offset == 0 || offset > to - OUTPUT || length > limit - to) return -1;
    repeat(to, offset, length);
    to += length;
  }
  return to == limit ? <i32>claimed : -1;
}

/** Copies what lies `offset` bytes back, which may repeat what this has just written: in steps no longer than that. */
// @ts-expect-error: decorator
@inline
function repeat(to: usize, offset: usize, bytes: usize): void {
  const stop = to + bytes;
  let from = to - offset;
  if (offset >= 16) {
    copyOver(to, from, bytes);
  } else if (offset >= 8) {
    do {
      store<u64>(to, load<u64>(from));
      to += 8;
      from += 8;
    } while (to < stop);
  } else {
    for (; to < stop; to++, from++) store<u8>(to, load<u8>(from));
  }
}
