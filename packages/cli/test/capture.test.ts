import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCapture, type Packet, readPackets } from '../src/capture/capture-file.ts';
import { type Framed, StreamFramer } from '../src/capture/stream-framer.ts';
import { type TcpSegment, tcpSegmentOf } from '../src/capture/tcp-packet.ts';
import { TcpReassembler } from '../src/capture/tcp-reassembly.ts';
import { bytesFromText, hexContext } from '../src/decode/hex.ts';
import { ByteReader } from '../src/input/byte-reader.ts';
import { ethernetPacket, pcapFile, pcapngFile, tcp, u16, u32 } from './capture-maker.ts';

async function packetsOf(file: Uint8Array, chunkBytes = 7): Promise<Packet[]> {
  async function* chunks() {
    for (let at = 0; at < file.length; at += chunkBytes) yield file.subarray(at, at + chunkBytes);
  }
  const packets: Packet[] = [];
  for await (const packet of readPackets(new ByteReader(chunks()))) packets.push(packet);
  return packets;
}

const client = { address: [10, 0, 0, 1], port: 51_000 };
const server = { address: [10, 0, 0, 2], port: 9092 };

function segmentOf(bytes: Uint8Array, linkType = 1, originalBytes = bytes.length): TcpSegment {
  const segment = tcpSegmentOf({ number: 1, timestampMs: 5, linkType, bytes, originalBytes });
  if (typeof segment === 'string') throw new Error(segment);
  return segment;
}

describe('capture files', () => {
  const packets = [
    { timestampMs: 1_700_000_000_123.456, bytes: Buffer.from('one') },
    { timestampMs: 1_700_000_000_999.001, bytes: Buffer.from('three') },
  ];

  test.each([
    ['pcap, little-endian, microseconds', pcapFile(packets, { little: true })],
    ['pcap, big-endian, microseconds', pcapFile(packets, { little: false })],
    ['pcap, little-endian, nanoseconds', pcapFile(packets, { little: true, nanos: true })],
    ['pcapng, little-endian', pcapngFile(packets, { little: true })],
    ['pcapng, big-endian', pcapngFile(packets, { little: false })],
    ['pcapng, nanoseconds', pcapngFile(packets, { little: true, resolution: 9 })],
  ])('%s gives its packets with their times', async (_, file) => {
    expect(isCapture(file)).toBe(true);
    const found = await packetsOf(file);
    expect(found.map((packet) => Buffer.from(packet.bytes).toString())).toEqual(['one', 'three']);
    expect(found.map((packet) => packet.number)).toEqual([1, 2]);
    expect(found.map((packet) => packet.linkType)).toEqual([1, 1]);
    for (const [index, packet] of found.entries())
      expect(packet.timestampMs).toBeCloseTo(packets[index]!.timestampMs, 2);
  });

  test('a capture cut anywhere gives its whole packets, then says where it ends', async () => {
    for (const file of [pcapFile(packets, { little: true }), pcapngFile(packets, { little: true })]) {
      const whole = (await packetsOf(file)).length;
      for (let size = 30; size < file.length; size++) {
        const found: Packet[] = [];
        async function* chunks() {
          yield file.subarray(0, size);
        }
        try {
          for await (const packet of readPackets(new ByteReader(chunks()))) found.push(packet);
        } catch (error) {
          expect((error as Error).message).toMatch(/^The capture ends in the middle of .* at byte \d+\.$/);
        }
        expect(found.length).toBeLessThanOrEqual(whole);
      }
    }
  });

  test('a packet that claims two gigabytes is damage at its byte, not an allocation', async () => {
    const file = Buffer.from(pcapFile(packets, { little: true }));
    file.writeUInt32LE(0x7fffffff, 24 + 8);
    await expect(packetsOf(file)).rejects.toThrow('The capture is damaged at byte 24: a packet of 2147483647 bytes.');
  });
});

describe('packets', () => {
  const payload = Buffer.from('payload');
  const frame = ethernetPacket(tcp(client, server, { sequence: 7, payload }));

  test('Ethernet, VLAN tags, Linux "any", loopback and raw IP all lead to the same segment', () => {
    const ip = frame.subarray(14);
    const wrapped: [string, number, Uint8Array][] = [
      ['ethernet', 1, frame],
      ['one tag', 1, Buffer.concat([frame.subarray(0, 12), u16(0x8100), u16(5), frame.subarray(12)])],
      [
        'two tags',
        1,
        Buffer.concat([frame.subarray(0, 12), u16(0x88a8), u16(5), u16(0x8100), u16(6), frame.subarray(12)]),
      ],
      ['any', 113, Buffer.concat([new Uint8Array(14), u16(0x0800), ip])],
      ['any 2', 276, Buffer.concat([u16(0x0800), new Uint8Array(18), ip])],
      ['loopback', 0, Buffer.concat([u32(2), ip])],
      ['raw', 101, ip],
    ];
    for (const [name, linkType, bytes] of wrapped) {
      const segment = segmentOf(bytes, linkType);
      expect([name, segment.source, segment.target, segment.sequence, Buffer.from(segment.payload).toString()]).toEqual(
        [name, '10.0.0.1:51000', '10.0.0.2:9092', 7, 'payload'],
      );
    }
  });

  test('padding of a short frame is not payload', () => {
    expect(segmentOf(Buffer.concat([frame, new Uint8Array(20)])).payload).toEqual(payload);
  });

  test('a segment that the network card was still to cut has length 0 and is taken whole', () => {
    const bytes = Buffer.from(frame);
    bytes.writeUInt16BE(0, 16);
    expect(Buffer.from(segmentOf(bytes).payload).toString()).toBe('payload');
  });

  test('a packet the capture cut keeps its true length', () => {
    const segment = segmentOf(frame.subarray(0, -3), 1, frame.length);
    expect([segment.payload.length, segment.payloadBytes]).toEqual([4, 7]);
  });

  test('IPv6 with an extension header, and addresses in their short form', () => {
    const segment = frame.subarray(34);
    const address = (last: number) => Buffer.from([0xfe, 0x80, ...new Array<number>(13).fill(0), last]);
    const extension = Buffer.from([6, 0, 0, 0, 0, 0, 0, 0]);
    const ip = Buffer.concat([
      Buffer.from([0x60, 0, 0, 0]),
      u16(extension.length + segment.length),
      Buffer.from([0, 64]),
      address(1),
      address(2),
      extension,
      segment,
    ]);
    expect(segmentOf(ip, 101)).toMatchObject({ source: '[fe80::1]:51000', target: '[fe80::2]:9092', sequence: 7 });
  });

  test('what is not TCP is said, and no cut of a packet crashes', () => {
    const other = Buffer.from(frame);
    other[23] = 17;
    const skipped = (bytes: Uint8Array, linkType = 1) =>
      tcpSegmentOf({ number: 1, timestampMs: 0, linkType, bytes, originalBytes: bytes.length });
    expect(skipped(other)).toBe('not TCP');
    expect(skipped(frame, 147)).toBe('an unknown link type');
    const fragment = Buffer.from(frame);
    fragment[20] = 0x20;
    expect(skipped(fragment)).toBe('an IP fragment');
    // 48 bytes reach the flags, the last thing that is needed.
    for (let size = 0; size < 48; size++) expect(skipped(frame.subarray(0, size))).toBe('cut short');
  });
});

describe('reassembly', () => {
  const text = 'The quick brown fox jumps over the lazy dog, twice a day.';

  test('segments in any order, repeated, overlapping, across the wrap of sequence numbers, give the stream', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(text.length - 1), fc.integer({ min: 1, max: 20 })), { maxLength: 12 }),
        fc.constantFrom(0, 1000, 0xffffffff - 20),
        fc.infiniteStream(fc.nat()),
        (extra, initial, order) => {
          const cuts = Array.from({ length: Math.ceil(text.length / 9) }, (_, index) => [index * 9, 9] as const);
          const all = [...cuts, ...extra].map(([from, size]) => ({ from, size, rank: order.next().value as number }));
          all.sort((a, b) => a.rank - b.rank);
          const reassembler = new TcpReassembler((port) => port === 9092);
          reassembler.accept(segmentOf(ethernetPacket(tcp(client, server, { sequence: initial, syn: true }))));
          const pieces = all.flatMap(({ from, size }) =>
            reassembler.accept(
              segmentOf(
                ethernetPacket(
                  tcp(client, server, {
                    sequence: (initial + 1 + from) >>> 0,
                    payload: Buffer.from(text.slice(from, from + size)),
                  }),
                ),
              ),
            ),
          );
          expect(Buffer.concat(pieces.map((piece) => piece.bytes)).toString()).toBe(text);
          expect(pieces.every((piece) => piece.missingBytes === 0 && piece.side === 'client')).toBe(true);
          expect(reassembler.end()).toEqual([]);
        },
      ),
    );
  });

  test('a lost segment is named by its size once nothing else can come', () => {
    const reassembler = new TcpReassembler(() => false);
    const send = (from: number, part: string) =>
      reassembler.accept(
        segmentOf(ethernetPacket(tcp(client, server, { sequence: from, payload: Buffer.from(part) }))),
      );
    expect(send(0, 'abc')).toHaveLength(1);
    expect(send(8, 'xyz')).toEqual([]);
    expect(reassembler.end()).toMatchObject([{ missingBytes: 5, bytes: Buffer.from('xyz') }]);
  });

  test('a lost segment is given up when the other side keeps acknowledging it, and not at the first time', () => {
    const reassembler = new TcpReassembler(() => true);
    const accept = (...parts: Parameters<typeof tcp>) => reassembler.accept(segmentOf(ethernetPacket(tcp(...parts))));
    accept(client, server, { sequence: 0, payload: Buffer.from('abc') });
    accept(client, server, { sequence: 8, payload: Buffer.from('xyz') });
    const acks = [11, 11, 11].map((acknowledged) => accept(server, client, { sequence: 0, ack: true, acknowledged }));
    expect(acks.map((pieces) => pieces.length)).toEqual([0, 0, 1]);
    expect(acks[2]).toMatchObject([{ missingBytes: 5, bytes: Buffer.from('xyz') }]);
  });

  test('the opener is the client; without an opening the known broker port decides', () => {
    const opened = new TcpReassembler(() => false);
    opened.accept(segmentOf(ethernetPacket(tcp(server, client, { sequence: 1, syn: true }))));
    const [piece] = opened.accept(
      segmentOf(ethernetPacket(tcp(server, client, { sequence: 2, payload: Buffer.from('x') }))),
    );
    expect(piece!.connection).toMatchObject({ client: '10.0.0.2:9092', sawOpening: true });
    const guessed = new TcpReassembler((port) => port === 9092);
    const [answer] = guessed.accept(
      segmentOf(ethernetPacket(tcp(server, client, { sequence: 2, payload: Buffer.from('x') }))),
    );
    expect(answer).toMatchObject({ side: 'server', connection: { client: '10.0.0.1:51000', sawOpening: false } });
  });

  test.each([
    ['its answer', { sequence: 500, syn: true, ack: true }, server, client],
    ['its first data', { sequence: 101, payload: Buffer.from('ab') }, client, server],
  ] as const)('an opening that was captured after %s is of the same connection', (_, early, from, to) => {
    const reassembler = new TcpReassembler((port) => port === 9092);
    const accept = (...parts: Parameters<typeof tcp>) => reassembler.accept(segmentOf(ethernetPacket(tcp(...parts))));
    const pieces = [
      ...accept(from, to, early),
      ...accept(client, server, { sequence: 100, syn: true }),
      ...accept(client, server, { sequence: 101, payload: Buffer.from('ab') }),
      ...accept(client, server, { sequence: 103, payload: Buffer.from('c') }),
      ...accept(server, client, { sequence: 501, payload: Buffer.from('d') }),
    ];
    expect(pieces.map(({ connection, side, bytes }) => `${connection.id} ${side} ${Buffer.from(bytes)}`)).toEqual([
      '1 client ab',
      '1 client c',
      '1 server d',
    ]);
  });

  test('a port used again is a new connection', () => {
    const reassembler = new TcpReassembler(() => false);
    const ids = [100, 9000].map((initial) => {
      reassembler.accept(segmentOf(ethernetPacket(tcp(client, server, { sequence: initial, syn: true }))));
      return reassembler.accept(
        segmentOf(ethernetPacket(tcp(client, server, { sequence: initial + 1, payload: Buffer.from('x') }))),
      )[0]!.connection.id;
    });
    expect(ids).toEqual([1, 2]);
  });
});

describe('frames of a stream', () => {
  const looksRight = (head: Uint8Array) => head[0] === 0x77;
  const frame = (body: string) => Buffer.concat([u32(body.length), Buffer.from(body)]);
  const show = (found: readonly Framed[]) =>
    found.map((each) => (each.kind === 'frame' ? Buffer.from(each.bytes).toString() : `${each.fault}@${each.offset}`));

  test('frames come out whole however the stream is cut', () => {
    const stream = Buffer.concat(['w1234', 'wabcdefgh', 'wxyz'].map(frame));
    for (let size = 1; size <= stream.length; size++) {
      const framer = new StreamFramer({ maxFrameBytes: 100, looksRight });
      const found: Framed[] = [];
      for (let at = 0; at < stream.length; at += size) found.push(...framer.accept(stream.subarray(at, at + size), 0));
      expect(show(found)).toEqual(['w1234', 'wabcdefgh', 'wxyz']);
      expect(framer.end(0)).toEqual([]);
    }
  });

  test('a hole inside a frame costs that frame only', () => {
    const stream = Buffer.concat(['w1234', 'wabcdefghijkl', 'wxyz'].map(frame));
    const framer = new StreamFramer({ maxFrameBytes: 100, looksRight });
    const found = [...framer.accept(stream.subarray(0, 15), 0), ...framer.accept(stream.subarray(20), 0, 5)];
    expect(show(found)).toEqual(['w1234', 'bytes missing@15', 'wxyz']);
  });

  test('after a hole over a frame’s edge it finds the next frame that looks right', () => {
    const stream = Buffer.concat(['w1234', 'wabcdefghijkl', 'wxyz00000000'].map(frame));
    const framer = new StreamFramer({ maxFrameBytes: 100, looksRight });
    const found = [...framer.accept(stream.subarray(0, 2), 0), ...framer.accept(stream.subarray(12), 0, 10)];
    expect(show(found)).toEqual(['bytes missing@2', 'wxyz00000000']);
  });

  test('TLS and HTTP are named, once, and a foreign size is damage at its byte', () => {
    const first = (bytes: Uint8Array) => {
      const framer = new StreamFramer({ maxFrameBytes: 1000, looksRight });
      return show([...framer.accept(bytes, 0), ...framer.accept(bytes, 0)]);
    };
    expect(first(Buffer.from([0x15, 3, 3, 0, 2, 2, 40]))).toEqual(['TLS@0']);
    expect(first(Buffer.from('HTTP/1.1 400 Bad Request\r\n'))).toEqual(['HTTP@0']);
    const framer = new StreamFramer({ maxFrameBytes: 1000, looksRight });
    const stream = Buffer.concat([frame('w123'), u32(0x80000000), frame('wabcdefgh')]);
    expect(show(framer.accept(stream, 0))).toEqual(['w123', 'not a frame size@8', 'wabcdefgh']);
  });

  test('a stream that ends inside a frame says how much was there', () => {
    const framer = new StreamFramer({ maxFrameBytes: 100, looksRight });
    expect(framer.accept(frame('w1234').subarray(0, 6), 0)).toEqual([]);
    expect(framer.end(0)).toMatchObject([
      { fault: 'cut short', detail: 'the stream ends with 6 of 9 bytes of a frame' },
    ]);
  });
});

describe('hex', () => {
  test.each([
    ['plain digits', '00000010 DEADbeef'],
    ['colons', '00:00:00:10:de:ad:be:ef'],
    ['C literals', '0x00, 0x00, 0x00, 0x10, 0xde, 0xad, 0xbe, 0xef'],
    ['hexdump -C', '00000000  00 00 00 10 de ad be ef                           |........|\n00000008\n'],
    ['xxd', '00000000: 0000 0010 dead beef                      ........\n'],
    ['base64', 'AAAAEN6tvu8='],
  ])('%s are read', (_, text) => {
    expect(Buffer.from(bytesFromText(text)).toString('hex')).toBe('00000010deadbeef');
  });

  test('two rows of a dump are joined, the text at the right is not read', () => {
    const rows =
      '00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n00000010  41 42  |AB|\n';
    expect(Buffer.from(bytesFromText(rows)).toString()).toBe('0123456789abcdefAB');
  });

  test('half a byte and plain prose are refused with what to give instead', () => {
    expect(() => bytesFromText('abc')).toThrow('3 digits');
    expect(() => bytesFromText('hello, world!')).toThrow('neither hex nor base64');
  });

  test('the context points at the byte', () => {
    const lines = hexContext(Buffer.from('0123456789abcdefghijklmnop'), 18, 0x100);
    expect(lines).toEqual([
      '00000100  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef',
      '00000110  67 68 69 6a 6b 6c 6d 6e 6f 70                    ghijklmnop',
      '                ^^',
    ]);
  });
});
