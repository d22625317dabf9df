/** What a connection has shown of its identity, kept from one request to the next. */
export interface Session {
  /** Null until authenticated, and where nobody asks. */
  principal: string | null;
  /** Set by SaslHandshake v0: the next frames are bare tokens, without header. */
  expectsRawToken: boolean;
  /** When the session ends unless the client authenticates again (KIP-368), on the connection's clock; Infinity: never. */
  expiresAtMs: number;
  /** What the client has authenticated by: it must keep to it (KIP-368). */
  mechanism: string | null;
  /** The exchange that goes on, if one does. */
  exchange: SaslExchange | null;
  /** Why the request in hand was refused, in words, for `cluster.requests()`. */
  lastRefusal: string | null;
  /** Called when the connection ends, by whatever waits on its behalf. */
  readonly onEnd: Set<() => void>;
}

/** The server's half of one SASL exchange. */
export interface SaslExchange {
  readonly mechanism: string;
  /** Takes the client's token. A failure is final. */
  next(token: Uint8Array): SaslStep;
}

/** What a server says next in an authentication. */
export type SaslStep =
  | { readonly kind: 'continue'; readonly token: Uint8Array }
  | { readonly kind: 'done'; readonly token: Uint8Array; readonly principal: string; readonly lifetimeMs: number }
  | { readonly kind: 'failed'; readonly reason: string; readonly token?: Uint8Array };

/** What a listener asks of its clients; filled by `src/security`. */
export interface SaslPort {
  readonly mechanisms: readonly string[];
  begin(mechanism: string): SaslExchange;
}

export function newSession(): Session {
  return {
    principal: null,
    expectsRawToken: false,
    expiresAtMs: Number.POSITIVE_INFINITY,
    mechanism: null,
    exchange: null,
    lastRefusal: null,
    onEnd: new Set(),
  };
}
