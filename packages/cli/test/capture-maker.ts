/** Makes packets and capture files, byte by byte, for tests of the readers. */

export function u16(value: number, little = false): Buffer {
  const bytes = Buffer.alloc(2);
  if (little) bytes.writeUInt16LE(value);
  else bytes.writeUInt16BE(value);
  return bytes;
}

export function u32(value: number, little = false): Buffer {
  const bytes = Buffer.alloc(4);
  if (little) bytes.writeUInt32LE(value);
  else bytes.writeUInt32BE(value);
  return bytes;
}

export interface Endpoint {
  readonly address: number[];
  readonly port: number;
}

export interface TcpParts {
  readonly sequence: number;
  readonly payload?: Uint8Array;
  readonly syn?: boolean;
  readonly ack?: boolean;
  readonly acknowledged?: number;
}

/** An IPv4 packet with one TCP segment. */
export function tcp(from: Endpoint, to: Endpoint, parts: TcpParts): Buffer {
  const payload = parts.payload ?? new Uint8Array(0);
  const flags = (parts.syn === true ? 2 : 0) | (parts.ack === true ? 16 : 0);
  const header = Buffer.concat([
    u16(from.port),
    u16(to.port),
    u32(parts.sequence),
    u32(parts.acknowledged ?? 0),
    Buffer.from([5 << 4, flags]),
    u16(65_535),
    u16(0),
    u16(0),
  ]);
  const ip = Buffer.concat([
    Buffer.from([0x45, 0]),
    u16(20 + header.length + payload.length),
    u16(1),
    u16(0),
    Buffer.from([64, 6]),
    u16(0),
    Buffer.from(from.address),
    Buffer.from(to.address),
  ]);
  return Buffer.concat([ip, header, payload]);
}

export function ethernetPacket(ip: Uint8Array): Buffer {
  return Buffer.concat([Buffer.alloc(12, 2), u16(0x0800), ip]);
}

export interface PacketParts {
  readonly timestampMs: number;
  readonly bytes: Uint8Array;
}

export function pcapFile(packets: readonly PacketParts[], form: { little: boolean; nanos?: boolean }): Buffer {
  const { little, nanos = false } = form;
  const head = [u32(nanos ? 0xa1b23c4d : 0xa1b2c3d4, little), u16(2, little), u16(4, little), u32(0), u32(0)];
  const records = packets.flatMap(({ timestampMs, bytes }) => {
    const seconds = Math.floor(timestampMs / 1000);
    const fraction = Math.round((timestampMs - seconds * 1000) * (nanos ? 1e6 : 1e3));
    return [u32(seconds, little), u32(fraction, little), u32(bytes.length, little), u32(bytes.length, little), bytes];
  });
  return Buffer.concat([...head, u32(262_144, little), u32(1, little), ...records]);
}

export function pcapngFile(packets: readonly PacketParts[], form: { little: boolean; resolution?: number }): Buffer {
  const { little, resolution } = form;
  const block = (type: number, ...parts: Uint8Array[]) => {
    const body = Buffer.concat(parts);
    const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
    const size = u32(padded.length + 12, little);
    return Buffer.concat([u32(type, little), size, padded, size]);
  };
  const section = block(0x0a0d0d0a, u32(0x1a2b3c4d, little), u16(1, little), u16(0), Buffer.alloc(8, 0xff));
  const options =
    resolution === undefined ? [] : [u16(9, little), u16(1, little), Buffer.from([resolution, 0, 0, 0]), u32(0)];
  const source = block(1, u16(1, little), u16(0), u32(0), ...options);
  const records = packets.map(({ timestampMs, bytes }) => {
    const units = BigInt(Math.round(timestampMs * 1000)) * 10n ** BigInt((resolution ?? 6) - 6);
    const time = [u32(Number(units >> 32n), little), u32(Number(units & 0xffffffffn), little)];
    return block(6, u32(0), ...time, u32(bytes.length, little), u32(bytes.length, little), bytes);
  });
  // A block of statistics in between is passed over.
  return Buffer.concat([section, source, block(5, u32(0), Buffer.alloc(8)), ...records]);
}
