import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';

/** What a peer does that is no broker, from the moment it is connected to or, with `hears`, on the first bytes. */
interface Behaviour {
  readonly hears?: boolean;
  act(socket: Socket): void;
}

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const says = (bytes: Uint8Array | string): Behaviour => ({ hears: true, act: (socket) => void socket.write(bytes) });
const floods = (head: Uint8Array): Behaviour => ({ hears: true, act: (socket) => flood(socket, head) });

const behaviours = {
  /** Takes everything and never answers. */
  silence: { act() {} },
  'close at once': { act: (socket) => void socket.destroy() },
  'close on the first bytes': { hears: true, act: (socket) => void socket.destroy() },
  'reset on the first bytes': { hears: true, act: (socket) => void socket.resetAndDestroy() },
  text: says('HTTP/1.1 400 Bad Request\r\n\r\n'),
  /** A size and bytes without end. */
  'a frame of two gigabytes': floods(hex('7fffffff')),
  'a frame of 17 MiB': floods(hex('01100000')),
  'a negative size': says(hex('ffffffff 00000000')),
  'empty frames without end': floods(hex('00000000')),
  'an answer to nothing': says(hex('00000006 7fffffff 0000')),
  'part of a size': says(hex('000000')),
  /** Answers the first request by an array that claims two billion entries and holds none. */
  'two billion entries': says(hex('0000000a 00000000 0000 7fffffff')),
  'an alert of TLS': says(hex('15030300020250')),
  'a broken handshake of TLS': says(hex('1603030005 ffffffffff')),
  noise: { hears: true, act: (socket) => void socket.write(noise(4096)) },
  /** One byte of a frame now and then. */
  trickle: { act: trickle },
} satisfies Record<string, Behaviour>;

/** What a hostile peer does. */
export type Hostility = keyof typeof behaviours;

/** All of them. */
export const hostilities = Object.keys(behaviours) as readonly Hostility[];

/** A listener on loopback that does one hostile thing to whoever connects: what a client must survive. */
export class HostilePeer implements AsyncDisposable {
  readonly port: number;
  /** How often it was connected to: a client must not run in circles. */
  connections = 0;
  readonly #chunks: Buffer[] = [];
  readonly #close: () => Promise<void>;

  private constructor(port: number, close: () => Promise<void>) {
    this.port = port;
    this.#close = close;
  }

  /** @param tls - options of a TLS server: it is hostile within TLS. */
  static async start(hostility: Hostility, tls?: TlsOptions): Promise<HostilePeer> {
    const behaviour: Behaviour = behaviours[hostility];
    const sockets = new Set<Socket>();
    const server = tls === undefined ? createServer() : createTlsServer(tls);
    server.on('connection', (socket: Socket) => {
      peer.connections++;
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => {});
    });
    server.on('tlsClientError', () => {});
    server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => peer.#chunks.push(chunk));
      if (behaviour.hears) socket.once('data', () => behaviour.act(socket));
      else behaviour.act(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const peer = new HostilePeer((server.address() as AddressInfo).port, async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    });
    return peer;
  }

  /** Everything that reached it; within TLS, in plain. */
  received(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }

  stop(): Promise<void> {
    return this.#close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
}

/** As fast as the other side reads. */
function flood(socket: Socket, head: Uint8Array): void {
  const chunk = Buffer.alloc(65_536);
  const more = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', more);
  socket.write(head);
  more();
}

function trickle(socket: Socket): void {
  const frame = hex('00000064 00000000');
  let at = 0;
  const timer = setInterval(() => socket.write(frame.subarray(at % frame.length, (at++ % frame.length) + 1)), 30);
  socket.on('close', () => clearInterval(timer));
}

/** The same each time: a client that falls over it, falls again. */
function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = 0x9e3779b9;
  for (let i = 0; i < length; i++) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
