import { apiFor, CodecError, correlationIdOf, Reader, readRequestHeader } from '@kiel/codec';
import { decodeRequest, decodeResponse } from '@kiel/codec/apis';
import { type Framed, StreamFramer } from '../capture/stream-framer.ts';
import type { Side } from '../capture/tcp-reassembly.ts';
import { messageOf } from '../failure.ts';
import type { Damage, StreamFault, WireMessage } from './wire-message.ts';

interface Asked {
  readonly apiKey: number;
  readonly version: number;
  readonly clientId: string | null;
  readonly timestampMs: number | null;
}

export type Seen =
  | { readonly kind: 'message'; readonly message: WireMessage }
  | { readonly kind: 'fault'; readonly fault: StreamFault };

export interface ConversationOptions {
  readonly connection: WireMessage['connection'];
  /** Whether the pieces carry times. */
  readonly hasTime: boolean;
  /** False where the streams begin somewhere in the middle. */
  readonly fromStart: boolean;
  readonly maxFrameBytes?: number;
}

const MAX_ASKED = 100_000;
const SASL_HANDSHAKE = 17;
const PRODUCE = 0;
const CONTEXT_BYTES = 32;

/** Both directions of one connection: frames become messages, and an answer finds its request. */
export class Conversation {
  readonly #options: ConversationOptions;
  readonly #asked = new Map<number, Asked>();
  readonly #framers: Record<Side, StreamFramer>;
  /** After SaslHandshake v0 tokens come without any header. */
  #rawTokens = false;
  #tokensAsked = 0;

  constructor(options: ConversationOptions) {
    this.#options = options;
    const { maxFrameBytes = 512 * 1024 * 1024, fromStart: inStep } = options;
    this.#framers = {
      client: new StreamFramer({ maxFrameBytes, inStep, looksRight: isNamedRequest }),
      server: new StreamFramer({ maxFrameBytes, inStep, looksRight: (head) => this.#looksLikeAnswer(head) }),
    };
  }

  accept(side: Side, bytes: Uint8Array, timestampMs: number, missingBytes = 0): Seen[] {
    return this.#framers[side].accept(bytes, timestampMs, missingBytes).map((framed) => this.#see(side, framed));
  }

  end(timestampMs: number): Seen[] {
    return (['client', 'server'] as const).flatMap((side) =>
      this.#framers[side].end(timestampMs).map((framed) => this.#see(side, framed)),
    );
  }

  #see(side: Side, framed: Framed): Seen {
    const direction = side === 'client' ? 'request' : 'response';
    const { connection, hasTime } = this.#options;
    const timestampMs = hasTime ? framed.timestampMs : null;
    if (framed.kind === 'fault') {
      const { fault, detail, offset, context, contextAt } = framed;
      const damage = { problem: detail, context, at: contextAt, base: offset - contextAt };
      return { kind: 'fault', fault: { direction, connection, timestampMs, offset, fault, damage } };
    }
    const { bytes, offset } = framed;
    const place = { direction, connection, timestampMs, offset, sizeBytes: bytes.length + 4 } as const;
    return side === 'client' ? this.#request(bytes, place) : this.#response(bytes, place);
  }

  #request(bytes: Uint8Array, place: Place): Seen {
    if (this.#rawTokens && !looksLikeRequest(bytes)) {
      this.#tokensAsked++;
      return token(bytes, place);
    }
    this.#rawTokens = false;
    try {
      const { apiKey, apiVersion: version, correlationId, clientId } = readRequestHeader(new Reader(bytes));
      const known = { apiKey, api: apiFor(apiKey)?.name ?? `API ${apiKey}`, version, correlationId, clientId };
      const { body, damage } = attempt(bytes, place, () => decodeRequest(bytes).body);
      // Nobody answers a Produce that asks for no acknowledgement.
      const isAnswered = !(apiKey === PRODUCE && acksOf(body) === 0);
      if (isAnswered) this.#remember(correlationId, { apiKey, version, clientId, timestampMs: place.timestampMs });
      if (apiKey === SASL_HANDSHAKE && version === 0) this.#rawTokens = true;
      return { kind: 'message', message: { ...place, ...known, latencyMs: null, body, damage } };
    } catch (error) {
      return unreadable(bytes, place, 'not a request', error);
    }
  }

  #response(bytes: Uint8Array, place: Place): Seen {
    const correlationId = correlationIdOf(bytes);
    const asked = this.#asked.get(correlationId);
    if (asked === undefined && this.#tokensAsked > 0) {
      this.#tokensAsked--;
      return token(bytes, place);
    }
    if (asked === undefined) {
      const why = `its correlation id ${correlationId} belongs to no request that was seen`;
      return unreadable(bytes, place, 'an answer to nothing', why);
    }
    this.#asked.delete(correlationId);
    const { apiKey, version, clientId } = asked;
    const api = apiFor(apiKey)?.name ?? `API ${apiKey}`;
    const latencyMs =
      asked.timestampMs === null || place.timestampMs === null ? null : place.timestampMs - asked.timestampMs;
    const { body, damage } = attempt(bytes, place, () => responseBody(bytes, apiKey, version));
    const known = { apiKey, api, version, correlationId, clientId, latencyMs };
    return { kind: 'message', message: { ...place, ...known, body, damage } };
  }

  #remember(correlationId: number, asked: Asked): void {
    // Requests whose answers were never captured must not fill the memory.
    if (this.#asked.size >= MAX_ASKED) this.#asked.delete(this.#asked.keys().next().value!);
    this.#asked.set(correlationId, asked);
  }

  #looksLikeAnswer(head: Uint8Array): boolean {
    return head.length >= 4 && this.#asked.has(correlationIdOf(head));
  }
}

type Place = Pick<WireMessage, 'direction' | 'connection' | 'timestampMs' | 'offset' | 'sizeBytes'>;

const API_VERSIONS = 18;

/** A broker refuses an unknown version of ApiVersions in version 0, code 35 (KIP-511). */
export function responseBody(bytes: Uint8Array, apiKey: number, version: number): unknown {
  const isRefusal =
    apiKey === API_VERSIONS && bytes.length >= 6 && new DataView(bytes.buffer, bytes.byteOffset).getInt16(4) === 35;
  return decodeResponse(bytes, { apiKey, version: isRefusal ? 0 : version }).body;
}

function attempt(bytes: Uint8Array, place: Place, decode: () => unknown): { body: unknown; damage: Damage | null } {
  try {
    return { body: decode(), damage: null };
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return { body: null, damage: damageOf(bytes, error, place.offset + 4) };
  }
}

/** @param base - what the first of `bytes` is called. */
export function damageOf(bytes: Uint8Array, error: unknown, base: number): Damage {
  const at = error instanceof CodecError ? (error.offset ?? 0) : 0;
  const from = Math.max(0, at - CONTEXT_BYTES);
  return {
    problem: messageOf(error),
    context: bytes.slice(from, at + CONTEXT_BYTES),
    at: at - from,
    base: base + from,
  };
}

function unreadable(bytes: Uint8Array, place: Place, fault: string, error: unknown): Seen {
  const damage = damageOf(bytes, error, place.offset + 4);
  const { direction, connection, timestampMs, offset } = place;
  return { kind: 'fault', fault: { direction, connection, timestampMs, offset, fault, damage } };
}

function token(bytes: Uint8Array, place: Place): Seen {
  const nothing = { version: 0, correlationId: null, clientId: null, latencyMs: null, damage: null };
  return {
    kind: 'message',
    message: { ...place, ...nothing, apiKey: -1, api: 'SASL token', body: { authBytes: bytes } },
  };
}

function acksOf(body: unknown): unknown {
  return typeof body === 'object' && body !== null && 'acks' in body ? body.acks : undefined;
}

/**
 * Whether these could be the first bytes of a request: a known API and version, and a client id that is text. Many an
 * answer could be one as well: its correlation id reads as `Produce`, and what follows as no name.
 */
export function looksLikeRequest(head: Uint8Array): boolean {
  if (head.length < 8) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const api = apiFor(view.getInt16(0));
  const version = view.getInt16(2);
  if (api === undefined || version < api.minVersion || version > api.maxVersion) return false;
  if (head.length < 10) return true;
  const nameBytes = view.getInt16(8);
  if (nameBytes < -1 || nameBytes > 1024) return false;
  for (let at = 10; at < Math.min(head.length, 10 + nameBytes); at++) if (head[at]! < 0x20) return false;
  return true;
}

/** As `looksLikeRequest`, and its client has a name: what no answer and no run of zeros has by chance. */
export function isNamedRequest(head: Uint8Array): boolean {
  return head.length > 10 && head[8]! * 256 + head[9]! !== 0 && looksLikeRequest(head);
}
