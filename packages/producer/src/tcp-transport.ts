import * as net from 'node:net';
import type { Duplex } from 'node:stream';
import * as tls from 'node:tls';
import { toError } from './errors.ts';
import type { Address, Socket, SocketEvents, Transport } from './ports.ts';
import { explainTlsError, type SocketFactory, type TlsConnector } from './security/index.ts';

/** What the producer knows of a target beyond where it is; other transports need not look at it. */
interface Target extends Address {
  readonly nodeId?: number | null;
  /** The name that is expected to answer. */
  readonly serverName?: string;
}

/** TCP and TLS by Node. Every address that a name has is tried, in both families. */
export class TcpTransport implements Transport {
  readonly #tls: TlsConnector | null;
  readonly #socketFactory: SocketFactory | undefined;
  /**
   * What the operating system has goes here first, from all sockets: a chunk is copied out before the next one comes.
   * Without it Node takes 64 KiB anew for each read, of which an answer needs a few hundred bytes, and all that counts
   * towards the next great garbage collection.
   */
  readonly #readBuffer = new Uint8Array(65_536);

  constructor(tlsConnector: TlsConnector | null = null, socketFactory?: SocketFactory) {
    this.#tls = tlsConnector;
    this.#socketFactory = socketFactory;
  }

  connect(address: Address, events: SocketEvents): Socket {
    const socket = new TcpSocket(events);
    if (this.#tls === null && this.#socketFactory === undefined) {
      const onread = {
        buffer: this.#readBuffer,
        callback: (bytes: number, buffer: Uint8Array) => {
          events.data(buffer.slice(0, bytes));
          return true;
        },
      };
      const { host, port } = address;
      socket.use(net.connect({ host, port, noDelay: true, keepAlive: true, onread }), 'connect');
      return socket;
    }
    this.#prepare(address, socket).catch((thrown: unknown) => socket.fail(toError(thrown)));
    return socket;
  }

  /** Fresh TLS material and the user's own socket may both take their time. */
  async #prepare(address: Address, socket: TcpSocket): Promise<void> {
    const { nodeId = null, serverName = address.host } = address as Target;
    const made = await this.#socketFactory?.({ host: address.host, port: address.port, nodeId, signal: socket.signal });
    if (socket.isEnded) {
      made?.destroy();
      return;
    }
    if (this.#tls === null) {
      if (made !== undefined) socket.use(made, null);
      return;
    }
    const broker = { host: serverName, port: address.port, nodeId };
    const options = await this.#tls(broker, address, made);
    if (socket.isEnded) {
      made?.destroy();
      return;
    }
    const secured = tls.connect(options).setNoDelay(true);
    socket.use(
      secured,
      'secureConnect',
      (error, isSecured) => explainTlsError(error, broker, { isSecured, bytesRead: secured.bytesRead }) ?? error,
    );
  }
}

/** Says more about an error, given whether the connection stood already. */
type Explain = (error: Error, isOpen: boolean) => Error;

class TcpSocket implements Socket {
  readonly #events: SocketEvents;
  #socket: Duplex | null = null;
  readonly #aborter = new AbortController();
  #error: Error | null = null;
  isEnded = false;

  constructor(events: SocketEvents) {
    this.#events = events;
  }

  /** Aborted when the connection is given up before it stands. */
  get signal(): AbortSignal {
    return this.#aborter.signal;
  }

  /** @param openedBy - the event that says it stands; null if it does already. */
  use(socket: Duplex, openedBy: 'connect' | 'secureConnect' | null, explain: Explain = asItIs): void {
    this.#socket = socket;
    const events = this.#events;
    let isOpen = openedBy === null;
    if (openedBy !== null) {
      socket.on(openedBy, () => {
        isOpen = true;
        events.connected();
      });
    }
    socket.on('data', (chunk) => events.data(chunk));
    socket.on('drain', () => events.drained());
    // A broker that ends its side has nothing more to say.
    socket.on('end', () => socket.destroy());
    socket.on('error', (error) => {
      this.#error ??= explain(error, isOpen);
    });
    socket.on('close', () => {
      this.isEnded = true;
      events.closed(this.#error);
    });
    // What keeps the process alive is the producer's clock, as long as records are pending.
    if (socket instanceof net.Socket) socket.unref();
    if (openedBy === null) events.connected();
  }

  /** It ended before there was a socket. */
  fail(error: Error): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.#events.closed(error);
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const socket = this.#socket;
    if (socket === null || socket.destroyed) return false;
    if (chunks.length === 1) return socket.write(chunks[0]!);
    let isFree = true;
    // One writev for all of them.
    socket.cork();
    for (const chunk of chunks) isFree = socket.write(chunk);
    socket.uncork();
    return isFree;
  }

  get pendingBytes(): number {
    return this.#socket?.writableLength ?? 0;
  }

  destroy(error?: Error): void {
    if (this.isEnded) return;
    if (this.#socket !== null) {
      this.#error ??= error ?? null;
      this.#socket.destroy();
      return;
    }
    this.isEnded = true;
    this.#aborter.abort();
    queueMicrotask(() => this.#events.closed(error ?? null));
  }

  ref(): void {
    if (this.#socket instanceof net.Socket) this.#socket.ref();
  }

  unref(): void {
    if (this.#socket instanceof net.Socket) this.#socket.unref();
  }
}

function asItIs(error: Error): Error {
  return error;
}
