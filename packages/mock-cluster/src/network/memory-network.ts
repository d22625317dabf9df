import type { SeededRandom } from '../clock/random.ts';
import type { VirtualClock } from '../clock/virtual-clock.ts';
import type { Address, Peer, PeerEvents, Socket, SocketEvents, Transport } from '../ports.ts';

/** How long bytes take in memory, each way. */
export interface LinkOptions {
  /** One-way latency of each segment, drawn evenly from this range; bytes never overtake each other. */
  readonly latencyMs: readonly [min: number, max: number];
  /** Bytes per millisecond and direction; unlimited unless given. */
  readonly bytesPerMs?: number;
}

/** What becomes of a connection attempt: accepted, refused at once, or never answered. */
export type ConnectOutcome = 'accept' | 'refuse' | 'ignore';

export interface Endpoint {
  /** Asked when the attempt reaches the host. */
  admit(remote: string): ConnectOutcome;
  /** The connection stands; `peer.events` must be set before this returns. */
  accept(peer: Peer): void;
}

/** Bytes on their way above which `write` answers false. */
const HIGH_WATER = 256 * 1024;

/** An error as Node's sockets report it. */
export function socketError(code: string, address: Address): Error {
  const what = code === 'ECONNRESET' ? 'read' : 'connect';
  return Object.assign(new Error(`${what} ${code} ${address.host}:${address.port}`), { code, syscall: what });
}

/** Hosts, ports and links in memory. Everything that happens is an event of the virtual clock. */
export class MemoryNetwork implements Transport {
  readonly clock: VirtualClock;
  readonly #random: SeededRandom;
  readonly #endpoints = new Map<string, Endpoint>();
  link: LinkOptions;
  #nextPort = 49_152;

  constructor(clock: VirtualClock, random: SeededRandom, link: LinkOptions) {
    this.clock = clock;
    this.#random = random;
    this.link = link;
  }

  listen(address: Address, endpoint: Endpoint): void {
    this.#endpoints.set(`${address.host}:${address.port}`, endpoint);
  }

  unlisten(address: Address): void {
    this.#endpoints.delete(`${address.host}:${address.port}`);
  }

  connect(address: Address, events: SocketEvents): Socket {
    const remote = `client:${this.#nextPort++}`;
    const client = new MemoryEnd(this, remote, address);
    const server = new MemoryEnd(this, remote, address);
    client.other = server;
    server.other = client;
    const socket = new ClientSocket(client, events);
    this.clock.at(this.clock.now() + this.drawLatency(), () => {
      if (client.isClosed) return;
      const endpoint = this.#endpoints.get(`${address.host}:${address.port}`);
      const outcome = endpoint === undefined ? 'refuse' : endpoint.admit(remote);
      if (outcome === 'ignore') return;
      if (outcome === 'refuse') {
        client.closeLater(socketError('ECONNREFUSED', address));
        return;
      }
      server.isOpen = true;
      const peer = new ServerPeer(server);
      endpoint!.accept(peer);
      server.handler = peer;
      this.clock.at(server.arrival(0), () => {
        if (client.isClosed) return;
        client.isOpen = true;
        events.connected();
      });
    });
    return socket;
  }

  drawLatency(): number {
    const [min, max] = this.link.latencyMs;
    return this.#random.between(min, max);
  }
}

/** What both ends of a connection have in common. */
class MemoryEnd {
  readonly network: MemoryNetwork;
  readonly remote: string;
  readonly address: Address;
  other!: MemoryEnd;
  handler: { data(chunk: Uint8Array): void; closed(error: Error | null): void; drained(): void } | null = null;
  isOpen = false;
  isClosed = false;
  /** Both directions swallow everything. */
  isCut = false;
  isPaused = false;
  pendingBytes = 0;
  #wantsDrain = false;
  #lastArrival = 0;
  readonly #received: Uint8Array[] = [];
  #endReceived: { error: Error | null } | null = null;

  constructor(network: MemoryNetwork, remote: string, address: Address) {
    this.network = network;
    this.remote = remote;
    this.address = address;
  }

  /** When a segment of this size, sent now, reaches the other end: never before an earlier one. */
  arrival(size: number): number {
    const { clock, link } = this.network;
    const transfer = link.bytesPerMs === undefined ? 0 : size / link.bytesPerMs;
    const at = Math.max(clock.now() + this.network.drawLatency(), this.#lastArrival) + transfer;
    this.#lastArrival = at;
    return at;
  }

  send(chunk: Uint8Array): boolean {
    if (this.isClosed) return true;
    this.pendingBytes += chunk.length;
    if (this.pendingBytes > HIGH_WATER) this.#wantsDrain = true;
    if (!this.isCut) this.network.clock.at(this.arrival(chunk.length), () => this.other.receive(chunk));
    return this.pendingBytes <= HIGH_WATER;
  }

  receive(chunk: Uint8Array): void {
    if (this.isClosed || this.isCut) return;
    if (this.isPaused || this.handler === null) {
      this.#received.push(chunk);
      return;
    }
    this.other.taken(chunk.length);
    this.handler.data(chunk);
  }

  /** The other end read so many of our bytes. */
  taken(size: number): void {
    this.pendingBytes -= size;
    if (!this.#wantsDrain || this.pendingBytes > 0 || this.isClosed) return;
    this.#wantsDrain = false;
    this.network.clock.setImmediate(() => {
      if (!this.isClosed) this.handler?.drained();
    });
  }

  /** Says goodbye: the other end learns of it after everything sent so far. */
  sendEnd(error: Error | null): void {
    if (this.isCut) return;
    this.network.clock.at(this.arrival(0), () => this.other.receiveEnd(error));
  }

  receiveEnd(error: Error | null): void {
    if (this.isClosed || this.isCut) return;
    // A reset discards what was not read yet; an orderly end waits for its turn.
    if (this.isPaused && error === null) {
      this.#endReceived = { error };
      return;
    }
    this.close(error);
  }

  close(error: Error | null): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#received.length = 0;
    this.handler?.closed(error);
  }

  closeLater(error: Error | null): void {
    this.network.clock.setImmediate(() => this.close(error));
  }

  resume(): void {
    this.isPaused = false;
    while (this.#received.length > 0 && !this.isPaused && !this.isClosed) this.receive(this.#received.shift()!);
    if (this.#endReceived !== null && !this.isPaused) this.close(this.#endReceived.error);
  }
}

class ClientSocket implements Socket {
  readonly #end: MemoryEnd;
  #isDestroyed = false;

  constructor(end: MemoryEnd, events: SocketEvents) {
    this.#end = end;
    end.handler = events;
  }

  get pendingBytes(): number {
    return this.#end.pendingBytes;
  }

  /** Copies, as a kernel does: what the caller does to its memory afterwards changes nothing here. */
  write(chunks: readonly Uint8Array[]): boolean {
    let size = 0;
    for (let i = 0; i < chunks.length; i++) size += chunks[i]!.length;
    const copy = new Uint8Array(size);
    let at = 0;
    for (let i = 0; i < chunks.length; i++) {
      copy.set(chunks[i]!, at);
      at += chunks[i]!.length;
    }
    return this.#end.send(copy);
  }

  destroy(error?: Error): void {
    if (this.#isDestroyed || this.#end.isClosed) return;
    this.#isDestroyed = true;
    const { other } = this.#end;
    if (other.isOpen) this.#end.sendEnd(null);
    this.#end.closeLater(error ?? null);
  }

  ref(): void {}

  unref(): void {}
}

class ServerPeer implements Peer {
  readonly remote: string;
  events: PeerEvents = { data() {}, closed() {} };
  readonly #end: MemoryEnd;

  constructor(end: MemoryEnd) {
    this.#end = end;
    this.remote = end.remote;
  }

  data(chunk: Uint8Array): void {
    this.events.data(chunk);
  }

  closed(error: Error | null): void {
    this.events.closed(error);
  }

  drained(): void {}

  write(bytes: Uint8Array): void {
    this.#end.send(bytes);
  }

  end(): void {
    if (this.#end.isClosed) return;
    this.#end.sendEnd(null);
    this.#end.closeLater(null);
  }

  reset(): void {
    if (this.#end.isClosed) return;
    this.#end.sendEnd(socketError('ECONNRESET', this.#end.address));
    this.#end.closeLater(null);
  }

  blackHole(): void {
    this.#end.isCut = true;
    this.#end.other.isCut = true;
  }

  pause(): void {
    this.#end.isPaused = true;
  }

  resume(): void {
    this.#end.resume();
  }
}
