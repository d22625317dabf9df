import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import type { Peer, PeerEvents } from '../ports.ts';
import type { Endpoint } from './memory-network.ts';

/** A listening socket on loopback. */
export class TcpListener {
  readonly host: string;
  #port = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  /** @param tls - options of a TLS server; plain TCP unless given. */
  constructor(host: string, endpoint: Endpoint, tls?: TlsOptions) {
    this.host = host;
    if (tls === undefined) {
      this.#server = createServer({ noDelay: true }, (socket) => {
        if (this.#admit(endpoint, socket)) serve(endpoint, socket, socket);
      });
      return;
    }
    // Faults act on the TCP socket beneath; Node hands out only the TLS one.
    const raw = new Map<string, Socket>();
    const server = createTlsServer({ ...tls, noDelay: true }, (socket) => {
      serve(endpoint, socket, raw.get(remoteOf(socket)) ?? socket);
    });
    server.on('connection', (socket: Socket) => {
      const remote = remoteOf(socket);
      raw.set(remote, socket);
      socket.once('close', () => raw.delete(remote));
      this.#admit(endpoint, socket);
    });
    // A client that fails the handshake has its own error.
    server.on('tlsClientError', () => {});
    this.#server = server;
  }

  #admit(endpoint: Endpoint, socket: Socket): boolean {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const outcome = endpoint.admit(remoteOf(socket));
    if (outcome === 'accept') return true;
    socket.on('error', () => {});
    if (outcome === 'refuse') socket.resetAndDestroy();
    else socket.pause();
    return false;
  }

  get port(): number {
    return this.#port;
  }

  /** @param port - 0 takes a free one. */
  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, this.host, () => {
        this.#server.off('error', reject);
        this.#port = (this.#server.address() as { port: number }).port;
        resolve();
      });
    });
  }

  /** Stops listening and destroys what is still open; Node lets go of handles at the end of a turn of its loop. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => setImmediate(() => setImmediate(resolve)));
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  /** Stops listening; connections that stand go on. */
  stopListening(): void {
    this.#server.close(() => {});
  }
}

function serve(endpoint: Endpoint, socket: Socket, raw: Socket): void {
  const peer = new TcpPeer(socket, raw);
  endpoint.accept(peer);
  peer.start();
}

function remoteOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}

export class TcpPeer implements Peer {
  readonly remote: string;
  events: PeerEvents = { data() {}, closed() {} };
  readonly socket: Socket;
  /** The TCP socket beneath TLS, or the same. */
  readonly #raw: Socket;
  #isCut = false;
  #error: Error | null = null;

  constructor(socket: Socket, raw: Socket = socket) {
    this.socket = socket;
    this.#raw = raw;
    this.remote = remoteOf(socket);
  }

  start(): void {
    this.socket.on('data', (chunk) => {
      if (!this.#isCut) this.events.data(chunk);
    });
    this.socket.on('error', (error) => {
      this.#error = error;
    });
    this.socket.on('close', () => {
      if (!this.#isCut) this.events.closed(this.#error);
    });
  }

  write(bytes: Uint8Array): void {
    if (!this.#isCut && !this.socket.destroyed) this.socket.write(bytes);
  }

  end(): void {
    if (!this.#isCut) this.socket.destroySoon();
  }

  reset(): void {
    if (!this.#isCut) this.#raw.resetAndDestroy();
  }

  blackHole(): void {
    this.#isCut = true;
    this.socket.pause();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    if (!this.#isCut) this.socket.resume();
  }
}
