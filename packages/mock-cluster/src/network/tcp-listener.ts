import { createServer, type Server, type Socket } from 'node:net';
import type { Peer, PeerEvents } from '../ports.ts';
import type { Endpoint } from './memory-network.ts';

/** A listening socket on loopback. */
export class TcpListener {
  readonly host: string;
  #port = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(host: string, endpoint: Endpoint) {
    this.host = host;
    this.#server = createServer({ noDelay: true }, (socket) => {
      const peer = new TcpPeer(socket);
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      const outcome = endpoint.admit(peer.remote);
      if (outcome === 'refuse') {
        socket.on('error', () => {});
        socket.resetAndDestroy();
      } else if (outcome === 'ignore') {
        socket.on('error', () => {});
        socket.pause();
      } else {
        endpoint.accept(peer);
        peer.start();
      }
    });
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

  /** Stops listening and destroys what is still open. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  /** Stops listening; connections that stand go on. */
  stopListening(): void {
    this.#server.close(() => {});
  }
}

export class TcpPeer implements Peer {
  readonly remote: string;
  events: PeerEvents = { data() {}, closed() {} };
  readonly socket: Socket;
  #isCut = false;
  #error: Error | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    this.remote = `${socket.remoteAddress}:${socket.remotePort}`;
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
    if (!this.#isCut) this.socket.resetAndDestroy();
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
