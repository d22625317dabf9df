/**
 * Everything the producer takes from outside: time, randomness, network. A test or a simulation gives its
 * own (`MockCluster.inMemory()` has all three), and then a run depends on nothing but its seed.
 */

/** Time. `now` is monotonic and only differences mean anything; `epochMs` is the wall clock of record timestamps. */
export interface Clock {
  /** Monotonic milliseconds, with fractions where the source has them. */
  now(): number;
  /** Milliseconds since 1970. May jump. */
  epochMs(): number;
  /** Delays are clamped to 0..2^31-1 ms by the caller. */
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(id: unknown): void;
  /** Runs `callback` in a turn of its own, after the input that already lies in the sockets. */
  setImmediate(callback: () => void): void;
}

/** A number in [0, 1). */
export type Random = () => number;

/** Where to connect. `host` is the name to resolve and, with TLS, to verify. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What a socket reports. No call comes before `connect` has returned, and none after `closed`. */
export interface SocketEvents {
  /** Ready to write; with TLS, after the handshake and its verification. */
  connected(): void;
  /** The chunk belongs to the receiver from now on. */
  data(chunk: Uint8Array): void;
  /** The socket's own buffer has emptied after a `write` that returned false. */
  drained(): void;
  /** Exactly once: the end, by either side or before `connected`. `null` is an orderly end by the peer. */
  closed(error: Error | null): void;
}

/** One connection, as a transport gives it. */
export interface Socket {
  /**
   * Queues the chunks, in order, as one write. The bytes must stay unchanged until the peer has answered
   * or `closed` was called.
   * @returns false when the socket holds more than it likes: wait for `drained`.
   */
  write(chunks: readonly Uint8Array[]): boolean;
  /** Bytes queued here and not yet taken by the operating system. */
  readonly pendingBytes: number;
  /** Ends it at once; `closed` follows. */
  destroy(error?: Error): void;
  /** Whether an idle socket keeps the process alive. */
  ref(): void;
  unref(): void;
}

/** Makes connections: TCP, or a network in memory. */
export interface Transport {
  /** Starts connecting; every outcome arrives through `events`. Never throws for a network reason. */
  connect(address: Address, events: SocketEvents): Socket;
}
