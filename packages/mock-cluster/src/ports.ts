/**
 * What a client takes from outside, as `cluster.inMemory()` hands it over. The shapes are those of
 * `@kiel/producer`'s own ports: the two packages do not import each other, a type test holds them together.
 */

/** Time. `now` is monotonic and only differences mean anything; `epochMs` is the wall clock. */
export interface Clock {
  now(): number;
  epochMs(): number;
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(id: unknown): void;
  /** Runs `callback` in a turn of its own, after the input that already lies in the sockets. */
  setImmediate(callback: () => void): void;
}

/** A number in [0, 1). */
export type Random = () => number;

/** Where a broker listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What the client's end of a connection reports. */
export interface SocketEvents {
  connected(): void;
  data(chunk: Uint8Array): void;
  drained(): void;
  closed(error: Error | null): void;
}

/** The client's end of a connection. */
export interface Socket {
  write(chunks: readonly Uint8Array[]): boolean;
  readonly pendingBytes: number;
  destroy(error?: Error): void;
  ref(): void;
  unref(): void;
}

/** Makes connections. */
export interface Transport {
  connect(address: Address, events: SocketEvents): Socket;
}

/** What the broker's end of a connection reports. */
export interface PeerEvents {
  data(chunk: Uint8Array): void;
  closed(error: Error | null): void;
}

/** The broker's end of a connection, over TCP or in memory. */
export interface Peer {
  /** Who is there, for people: an address and port. */
  readonly remote: string;
  /** Set once, by whoever accepts the connection. */
  events: PeerEvents;
  /** Sends the bytes as one segment where the network allows it. They must not change afterwards. */
  write(bytes: Uint8Array): void;
  /** Ends it in an orderly way after everything written so far. */
  end(): void;
  /** Breaks it at once; the other side sees a reset. */
  reset(): void;
  /** Nothing passes in either direction from now on, and nobody is told: a pulled cable. */
  blackHole(): void;
  /** Stops and resumes reading; the sender's buffers fill meanwhile. */
  pause(): void;
  resume(): void;
}
