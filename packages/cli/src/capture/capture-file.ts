import { Failure } from '../failure.ts';
import type { ByteReader } from '../input/byte-reader.ts';

/** One packet as the capture holds it. */
export interface Packet {
  /** Counted from 1, as Wireshark does. */
  readonly number: number;
  /** Milliseconds since 1970, with fractions. */
  readonly timestampMs: number;
  /** From the registry of link types: 1 is Ethernet, 101 raw IP, 113 Linux "any". */
  readonly linkType: number;
  readonly bytes: Uint8Array;
  /** Its length on the wire; more than `bytes` holds where the capture cut it. */
  readonly originalBytes: number;
}

const PCAP_MICROS = 0xa1b2c3d4;
const PCAP_NANOS = 0xa1b23c4d;
const SECTION_HEADER = 0x0a0d0d0a;
const MAX_BLOCK_BYTES = 64 * 1024 * 1024;

/** Whether these first bytes open a pcap or pcapng file. */
export function isCapture(head: Uint8Array): boolean {
  if (head.length < 4) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const big = view.getUint32(0);
  const little = view.getUint32(0, true);
  return big === SECTION_HEADER || [big, little].some((magic) => magic === PCAP_MICROS || magic === PCAP_NANOS);
}

/** Reads the packets of a pcap or pcapng file, in file order. @throws Failure, with the byte, where it is damaged. */
export async function* readPackets(reader: ByteReader): AsyncGenerator<Packet> {
  const head = await reader.peek(4);
  if (viewOf(head).getUint32(0) === SECTION_HEADER) yield* readPcapng(reader);
  else yield* readPcap(reader);
}

async function* readPcap(reader: ByteReader): AsyncGenerator<Packet> {
  const header = viewOf(await whole(reader, 24, 'file header'));
  const little = [PCAP_MICROS, PCAP_NANOS].includes(header.getUint32(0, true));
  const magic = header.getUint32(0, little);
  const perMs = magic === PCAP_NANOS ? 1e6 : 1e3;
  const linkType = header.getUint32(20, little) & 0x0fffffff;
  for (let number = 1; ; number++) {
    const at = reader.position;
    const record = await reader.take(16);
    if (record.length === 0) return;
    if (record.length < 16) throw cutShort(at, 'packet header');
    const view = viewOf(record);
    const captured = view.getUint32(8, little);
    if (captured > MAX_BLOCK_BYTES) throw damaged(at, `a packet of ${captured} bytes`);
    const bytes = await whole(reader, captured, 'packet');
    const timestampMs = view.getUint32(0, little) * 1000 + view.getUint32(4, little) / perMs;
    yield { number, timestampMs, linkType, bytes, originalBytes: view.getUint32(12, little) };
  }
}

interface Interface {
  readonly linkType: number;
  readonly snapBytes: number;
  /** Units of its timestamps in a millisecond. */
  readonly unitsPerMs: number;
  readonly offsetMs: number;
}

async function* readPcapng(reader: ByteReader): AsyncGenerator<Packet> {
  let little = true;
  let interfaces: Interface[] = [];
  let number = 0;
  for (;;) {
    const at = reader.position;
    const head = await reader.peek(12);
    if (head.length === 0) return;
    if (head.length < 12) throw cutShort(at, 'block');
    const isSection = viewOf(head).getUint32(0) === SECTION_HEADER;
    if (isSection) {
      little = viewOf(head).getUint32(8, true) === 0x1a2b3c4d;
      if (!little && viewOf(head).getUint32(8) !== 0x1a2b3c4d) throw damaged(at, 'a section of no byte order');
      interfaces = [];
    }
    const type = viewOf(head).getUint32(0, little);
    const size = viewOf(head).getUint32(4, little);
    if (size < 12 || size > MAX_BLOCK_BYTES || size % 4 !== 0) throw damaged(at, `a block of ${size} bytes`);
    const block = viewOf(await whole(reader, size, 'block'));
    if (type === 1 && size >= 20) interfaces.push(readInterface(block, little));
    const packet = readPacketBlock(type, block, little, interfaces);
    if (packet === 'damaged') throw damaged(at, 'a packet that is longer than its block, or of an unknown interface');
    if (packet !== null) yield { number: ++number, ...packet };
  }
}

const SIMPLE_PACKET = 3;
const OLD_PACKET = 2;
const ENHANCED_PACKET = 6;

function readPacketBlock(
  type: number,
  block: DataView,
  little: boolean,
  interfaces: readonly Interface[],
): Omit<Packet, 'number'> | 'damaged' | null {
  const isSimple = type === SIMPLE_PACKET;
  if (!isSimple && type !== OLD_PACKET && type !== ENHANCED_PACKET) return null;
  const dataAt = isSimple ? 12 : 28;
  if (block.byteLength < dataAt + 4) return 'damaged';
  const id = isSimple ? 0 : type === OLD_PACKET ? block.getUint16(8, little) : block.getUint32(8, little);
  const source = interfaces[id];
  if (source === undefined) return 'damaged';
  const originalBytes = block.getUint32(isSimple ? 8 : 24, little);
  const limit = source.snapBytes === 0 ? originalBytes : Math.min(originalBytes, source.snapBytes);
  const captured = isSimple ? limit : block.getUint32(20, little);
  if (dataAt + captured > block.byteLength - 4) return 'damaged';
  const units = isSimple ? 0 : block.getUint32(12, little) * 2 ** 32 + block.getUint32(16, little);
  return {
    timestampMs: units / source.unitsPerMs + source.offsetMs,
    linkType: source.linkType,
    bytes: new Uint8Array(block.buffer, block.byteOffset + dataAt, captured),
    originalBytes,
  };
}

function readInterface(block: DataView, little: boolean): Interface {
  let unitsPerMs = 1e3;
  let offsetMs = 0;
  for (let at = 16; at + 4 <= block.byteLength - 4; ) {
    const code = block.getUint16(at, little);
    const length = block.getUint16(at + 2, little);
    if (code === 0 || at + 4 + length > block.byteLength - 4) break;
    if (code === 9 && length === 1) {
      const resolution = block.getUint8(at + 4);
      const perSecond = resolution & 0x80 ? 2 ** (resolution & 0x7f) : 10 ** resolution;
      unitsPerMs = perSecond / 1000;
    }
    if (code === 14 && length === 8) offsetMs = Number(block.getBigInt64(at + 4, little)) * 1000;
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return { linkType: block.getUint16(8, little), snapBytes: block.getUint32(12, little), unitsPerMs, offsetMs };
}

async function whole(reader: ByteReader, size: number, what: string): Promise<Uint8Array> {
  const at = reader.position;
  const bytes = await reader.take(size);
  if (bytes.length < size) throw cutShort(at, what);
  return bytes;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function cutShort(at: number, what: string): Failure {
  return new Failure(`The capture ends in the middle of the ${what} at byte ${at}.`, {
    hint: 'Everything before it was shown. Was the capture still being written?',
  });
}

function damaged(at: number, what: string): Failure {
  return new Failure(`The capture is damaged at byte ${at}: ${what}.`, { hint: 'Everything before it was shown.' });
}
