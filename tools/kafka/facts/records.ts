import { crc32 } from 'node:zlib';

// Hand-made records for asking brokers: right ones, and wrong in one chosen way.

const castagnoli = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value >>> 0;
});

export function crc32c(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = (value >>> 8) ^ (castagnoli[(value ^ byte) & 0xff] ?? 0);
  return (value ^ 0xffffffff) >>> 0;
}

/** One message of the old formats (magic 0 or 1) without a key. */
export function oldMessage(magic: 0 | 1, value: Uint8Array, wrong: { crc?: boolean } = {}): Buffer {
  const head = Buffer.from([magic, 0]);
  const time = Buffer.alloc(magic === 1 ? 8 : 0);
  if (magic === 1) time.writeBigInt64BE(1_700_000_000_000n);
  const lengths = Buffer.alloc(8);
  lengths.writeInt32BE(-1, 0);
  lengths.writeInt32BE(value.length, 4);
  const body = Buffer.concat([head, time, lengths, value]);
  const prefix = Buffer.alloc(16);
  prefix.writeInt32BE(body.length + 4, 8);
  prefix.writeUInt32BE((crc32(body) ^ (wrong.crc === true ? 1 : 0)) >>> 0, 12);
  return Buffer.concat([prefix, body]);
}

export interface BatchOptions {
  attributes?: number;
  magic?: number;
  count?: number;
  lastOffsetDelta?: number;
  baseOffset?: bigint;
  wrongCrc?: boolean;
  producerId?: bigint;
  epoch?: number;
  sequence?: number;
}

/** A batch of format 2 with one record, or as much of it as `options` leave right. */
export function batch(value: Uint8Array, options: BatchOptions = {}): Buffer {
  const zigzag = (number: number) => {
    const bytes: number[] = [];
    let rest = number >= 0 ? number * 2 : -number * 2 - 1;
    for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest & 127) | 128);
    return Buffer.from([...bytes, rest]);
  };
  const inner = Buffer.concat([Buffer.from([0, 0, 0, 1]), zigzag(value.length), value, Buffer.from([0])]);
  const record = Buffer.concat([zigzag(inner.length), inner]);
  const after = Buffer.alloc(40);
  after.writeInt16BE(options.attributes ?? 0, 0);
  after.writeInt32BE(options.lastOffsetDelta ?? 0, 2);
  after.writeBigInt64BE(1_700_000_000_000n, 6);
  after.writeBigInt64BE(1_700_000_000_000n, 14);
  after.writeBigInt64BE(options.producerId ?? -1n, 22);
  after.writeInt16BE(options.epoch ?? -1, 30);
  after.writeInt32BE(options.sequence ?? -1, 32);
  after.writeInt32BE(options.count ?? 1, 36);
  const covered = Buffer.concat([after, record]);
  const before = Buffer.alloc(21);
  before.writeBigInt64BE(options.baseOffset ?? 0n, 0);
  before.writeInt32BE(covered.length + 9, 8);
  before.writeInt32BE(-1, 12);
  before.writeInt8(options.magic ?? 2, 16);
  before.writeUInt32BE((crc32c(covered) ^ (options.wrongCrc === true ? 1 : 0)) >>> 0, 17);
  return Buffer.concat([before, covered]);
}
