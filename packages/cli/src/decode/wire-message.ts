/** One request or answer as it stood on the wire. */
export interface WireMessage {
  readonly direction: 'request' | 'response';
  /** Where it was seen; null for a frame without a connection. */
  readonly connection: { readonly id: number; readonly client: string; readonly server: string } | null;
  /** Milliseconds since 1970; null where the input has no time. */
  readonly timestampMs: number | null;
  /** Of an answer: since its request. */
  readonly latencyMs: number | null;
  /** Where it begins in its stream. */
  readonly offset: number;
  /** With the four bytes of its size. */
  readonly sizeBytes: number;
  readonly apiKey: number;
  /** `Produce`; `SASL token` for bytes between SaslHandshake v0 and the end of the authentication. */
  readonly api: string;
  readonly version: number;
  readonly correlationId: number | null;
  readonly clientId: string | null;
  readonly body: unknown;
  readonly damage: Damage | null;
}

/** Bytes that are not what they should be. */
export interface Damage {
  readonly problem: string;
  /** The bytes around it, the place in them, and what the first of them is called. */
  readonly context: Uint8Array;
  readonly at: number;
  readonly base: number;
}

/** A hole, foreign bytes, an answer to nothing: what stands in a stream where a message should. */
export interface StreamFault {
  readonly direction: 'request' | 'response';
  readonly connection: WireMessage['connection'];
  readonly timestampMs: number | null;
  readonly offset: number;
  readonly fault: string;
  readonly damage: Damage;
}
