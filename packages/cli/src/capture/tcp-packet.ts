import type { Packet } from './capture-file.ts';

/** One TCP segment, out of whatever it was wrapped in. */
export interface TcpSegment {
  readonly timestampMs: number;
  /** `address:port`; an IPv6 address in brackets. */
  readonly source: string;
  readonly target: string;
  readonly sourcePort: number;
  readonly targetPort: number;
  readonly sequence: number;
  /** Everything before it has arrived at the sender of this segment; only with `isAck`. */
  readonly acknowledged: number;
  readonly isSyn: boolean;
  readonly isAck: boolean;
  readonly payload: Uint8Array;
  /** The payload's length on the wire; the capture may hold less. */
  readonly payloadBytes: number;
}

/** Why a packet gave no segment. */
export type Skipped = 'not IP' | 'not TCP' | 'an IP fragment' | 'cut short' | 'an unknown link type';

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const vlanTypes = new Set([0x8100, 0x88a8, 0x9100]);
const PROTOCOL_TCP = 6;

/** Finds the TCP segment in a packet: Ethernet with VLAN tags, loopback, Linux "any", raw IP; IPv4 and IPv6. */
export function tcpSegmentOf(packet: Packet): TcpSegment | Skipped {
  try {
    const ip = ipStart(packet);
    return typeof ip === 'string' ? ip : segmentOfIp(packet, ip);
  } catch (error) {
    // A header that ends before it should: DataView's check is the bounds check.
    if (error instanceof RangeError) return 'cut short';
    throw error;
  }
}

function viewOf(packet: Packet): DataView {
  return new DataView(packet.bytes.buffer, packet.bytes.byteOffset, packet.bytes.length);
}

function ipStart(packet: Packet): number | Skipped {
  const view = viewOf(packet);
  switch (packet.linkType) {
    case 1:
      return afterEtherType(view, 12);
    case 0:
    case 108:
      return 4;
    case 12:
    case 14:
    case 101:
    case 228:
    case 229:
      return 0;
    case 113:
      return afterEtherType(view, 14);
    case 276:
      return isIp(view.getUint16(0)) ? 20 : 'not IP';
    default:
      return 'an unknown link type';
  }
}

function afterEtherType(view: DataView, at: number): number | Skipped {
  let typeAt = at;
  while (vlanTypes.has(view.getUint16(typeAt))) typeAt += 4;
  return isIp(view.getUint16(typeAt)) ? typeAt + 2 : 'not IP';
}

function isIp(etherType: number): boolean {
  return etherType === ETHERTYPE_IPV4 || etherType === ETHERTYPE_IPV6;
}

function segmentOfIp(packet: Packet, ip: number): TcpSegment | Skipped {
  const view = viewOf(packet);
  const version = view.getUint8(ip) >> 4;
  if (version === 4) return segmentOfIpv4(packet, view, ip);
  if (version === 6) return segmentOfIpv6(packet, view, ip);
  return 'not IP';
}

function segmentOfIpv4(packet: Packet, view: DataView, ip: number): TcpSegment | Skipped {
  if (view.getUint8(ip + 9) !== PROTOCOL_TCP) return 'not TCP';
  // More fragments to come, or not the first of them.
  if ((view.getUint16(ip + 6) & 0x3fff) !== 0) return 'an IP fragment';
  const headerBytes = (view.getUint8(ip) & 0x0f) * 4;
  // Zero where the network card was to cut the segment and the capture saw it before that.
  const totalBytes = view.getUint16(ip + 2) || packet.originalBytes - ip;
  const address = (at: number) => Array.from({ length: 4 }, (_, index) => view.getUint8(at + index)).join('.');
  return segment(packet, view, ip + headerBytes, ip + totalBytes, address(ip + 12), address(ip + 16));
}

const extensionHeaders = new Set([0, 43, 60]);

function segmentOfIpv6(packet: Packet, view: DataView, ip: number): TcpSegment | Skipped {
  const payloadBytes = view.getUint16(ip + 4);
  const end = payloadBytes === 0 ? packet.originalBytes : ip + 40 + payloadBytes;
  let next = view.getUint8(ip + 6);
  let at = ip + 40;
  while (extensionHeaders.has(next)) {
    next = view.getUint8(at);
    at += (view.getUint8(at + 1) + 1) * 8;
  }
  if (next === 44) return 'an IP fragment';
  if (next !== PROTOCOL_TCP) return 'not TCP';
  return segment(packet, view, at, end, ipv6Text(view, ip + 8), ipv6Text(view, ip + 24));
}

function segment(
  packet: Packet,
  view: DataView,
  tcp: number,
  end: number,
  sourceAddress: string,
  targetAddress: string,
): TcpSegment {
  const payloadAt = tcp + (view.getUint8(tcp + 12) >> 4) * 4;
  const flags = view.getUint8(tcp + 13);
  const sourcePort = view.getUint16(tcp);
  const targetPort = view.getUint16(tcp + 2);
  const payloadBytes = Math.max(0, end - payloadAt);
  return {
    timestampMs: packet.timestampMs,
    source: `${sourceAddress}:${sourcePort}`,
    target: `${targetAddress}:${targetPort}`,
    sourcePort,
    targetPort,
    sequence: view.getUint32(tcp + 4),
    acknowledged: view.getUint32(tcp + 8),
    isSyn: (flags & 2) !== 0,
    isAck: (flags & 16) !== 0,
    // Short Ethernet frames are padded: the IP length, not the frame's, says what belongs to the segment.
    payload: packet.bytes.subarray(payloadAt, payloadAt + payloadBytes),
    payloadBytes,
  };
}

function ipv6Text(view: DataView, at: number): string {
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(at + index * 2).toString(16));
  // The URL parser knows the one right way to shorten it.
  return new URL(`http://[${groups.join(':')}]`).hostname;
}
