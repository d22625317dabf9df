import { type IncomingRequestHeader, readRequestHeader } from './envelope.ts';
import { CodecError } from './errors.ts';
import { FrameDecoder } from './frame.ts';
import { decodeRequest, decodeResponse } from './messages/exchange.ts';
import type { ProduceRequest } from './messages/generated/produce-request.ts';
import type { SaslHandshakeResponse } from './messages/generated/sasl-handshake-response.ts';
import { Reader } from './wire/reader.ts';

const produceKey = 0;
const saslHandshakeKey = 17;

/** A request that the client sent. */
export interface SeenRequest {
  readonly kind: 'request';
  /** Null for a frame too short or too odd to hold one. */
  readonly header: IncomingRequestHeader | null;
  /** Kafka's name of the message; null for an unknown API. */
  readonly name: string | null;
  /** Null when it could not be read: `error` says why. */
  readonly body: unknown;
  readonly error: CodecError | null;
  /** False for a Produce request with acks 0, which gets no answer. */
  readonly expectsAnswer: boolean;
  /** The whole frame without its size. */
  readonly frame: Uint8Array;
}

/** An answer that the server sent. */
export interface SeenResponse {
  readonly kind: 'response';
  readonly correlationId: number;
  /** Null when no request with this correlation id was seen, as in a capture that begins in the middle. */
  readonly request: SeenRequest | null;
  readonly name: string | null;
  readonly body: unknown;
  readonly error: CodecError | null;
  readonly frame: Uint8Array;
}

/** A SASL token without any header, which follows SaslHandshake v0 (KIP-43). May hold a secret. */
export interface SeenToken {
  readonly kind: 'token';
  readonly from: 'client' | 'server';
  readonly frame: Uint8Array;
}

/** What a Conversation tells of: a request, an answer, or a SASL token without a header. */
export type ConversationEvent = SeenRequest | SeenResponse | SeenToken;

/** How a Conversation reads. */
export interface ConversationOptions {
  readonly maxFrameBytes?: number | undefined;
  /**
   * The most requests that are kept for their answers, 10,000 by default: a capture of one direction has no answers
   * at all. Beyond it the oldest are let go, and an answer that comes for one has `request: null`.
   */
  readonly maxPendingRequests?: number | undefined;
}

/**
 * Follows one TCP connection from outside: fed with what either side sends, in chunks of any size, it gives the
 * requests and the answers, each answer with its request. Feed both directions in the order of time as far as it
 * is known; an answer must not come before its request.
 *
 * What cannot be read stays as a raw frame with its error, and the conversation goes on. Only a broken framing
 * (CodecError `FRAME_SIZE`) ends a direction.
 */
export class Conversation {
  readonly #client: FrameDecoder;
  readonly #server: FrameDecoder;
  /** By correlation id, those asked first first. */
  readonly #pending = new Map<number, SeenRequest[]>();
  readonly #maxPendingRequests: number;
  #pendingRequests = 0;
  /** Between SaslHandshake v0 and the first request after it, client frames may be bare tokens. */
  #tokensMayCome = false;
  /** Client tokens that the server has not answered yet. */
  #openTokens = 0;

  constructor(options: ConversationOptions = {}) {
    this.#maxPendingRequests = options.maxPendingRequests ?? 10_000;
    // A SASL token may be empty, so the least size says nothing here.
    const frames = { maxFrameBytes: options.maxFrameBytes, minFrameBytes: 0 };
    this.#client = new FrameDecoder(frames);
    this.#server = new FrameDecoder(frames);
  }

  /** Requests that still wait for their answer. */
  get pendingRequests(): number {
    return this.#pendingRequests;
  }

  /** Takes bytes that the client sent. */
  fromClient(chunk: Uint8Array): ConversationEvent[] {
    return this.#client.push(chunk).map((frame) => this.#clientFrame(frame));
  }

  /** Takes bytes that the server sent. */
  fromServer(chunk: Uint8Array): ConversationEvent[] {
    return this.#server.push(chunk).map((frame) => this.#serverFrame(frame));
  }

  #clientFrame(frame: Uint8Array): ConversationEvent {
    const request = readRequest(frame);
    // No SASL mechanism has a token that reads as a whole request by chance, trailing bytes being refused.
    if (this.#tokensMayCome && request.error !== null) {
      this.#openTokens++;
      return { kind: 'token', from: 'client', frame };
    }
    this.#tokensMayCome = false;
    if (request.expectsAnswer && request.header !== null) {
      const { correlationId } = request.header;
      const waiting = this.#pending.get(correlationId);
      if (waiting === undefined) this.#pending.set(correlationId, [request]);
      else waiting.push(request);
      this.#pendingRequests++;
      if (this.#pendingRequests > this.#maxPendingRequests) this.#settle(this.#pending.keys().next().value!);
    }
    return request;
  }

  #serverFrame(frame: Uint8Array): ConversationEvent {
    if (this.#openTokens > 0) {
      this.#openTokens--;
      return { kind: 'token', from: 'server', frame };
    }
    const correlationId = frame.length >= 4 ? new Reader(frame).int32() : -1;
    const request = this.#settle(correlationId);
    const response = readResponse(frame, correlationId, request);
    if (isOldHandshake(request) && (response.body as SaslHandshakeResponse | null)?.errorCode === 0) {
      this.#tokensMayCome = true;
    }
    return response;
  }

  /** The oldest open request with this correlation id: a client may use one again. */
  #settle(correlationId: number): SeenRequest | null {
    const waiting = this.#pending.get(correlationId);
    const request = waiting?.shift();
    if (waiting === undefined || request === undefined) return null;
    this.#pendingRequests--;
    if (waiting.length === 0) this.#pending.delete(correlationId);
    return request;
  }
}

function isOldHandshake(request: SeenRequest | null): boolean {
  return request?.header?.apiKey === saslHandshakeKey && request.header.apiVersion === 0;
}

function readRequest(frame: Uint8Array): SeenRequest {
  try {
    const { name, body, ...header } = decodeRequest(frame);
    const expectsAnswer = header.apiKey !== produceKey || (body as ProduceRequest).acks !== 0;
    return { kind: 'request', header, name, body, error: null, expectsAnswer, frame };
  } catch (error) {
    const header = tryReadHeader(frame);
    return {
      kind: 'request',
      header,
      name: null,
      body: null,
      error: codecError(error),
      expectsAnswer: header !== null,
      frame,
    };
  }
}

function tryReadHeader(frame: Uint8Array): IncomingRequestHeader | null {
  try {
    return readRequestHeader(new Reader(frame));
  } catch (error) {
    codecError(error);
    return null;
  }
}

function readResponse(frame: Uint8Array, correlationId: number, request: SeenRequest | null): SeenResponse {
  const raw = { kind: 'response' as const, correlationId, request, frame };
  if (request === null || request.header === null) {
    const error = new CodecError('UNKNOWN_API', `no request with correlation id ${correlationId} was seen`);
    return { ...raw, name: null, body: null, error };
  }
  const { apiKey, apiVersion } = request.header;
  try {
    const { name, body } = decodeResponse(frame, { apiKey, version: apiVersion });
    return { ...raw, name, body, error: null };
  } catch (error) {
    return { ...raw, name: null, body: null, error: codecError(error) };
  }
}

function codecError(error: unknown): CodecError {
  if (error instanceof CodecError) return error;
  throw error;
}
