import {
  ApiVersionsRequest,
  ApiVersionsResponse,
  decodeResponseAs,
  encodeRequestChunks,
  FrameDecoder,
  type RequestMessage,
  type ResponseMessage,
} from '@kiel/codec/client';
import { type ApiVersionRanges, rangesOf } from './api-versions.ts';
import type { Batch } from './batch.ts';
import { BrokerError, ConnectionError, toError } from './errors.ts';
import type { Clock, Socket, SocketEvents } from './ports.ts';
import type { Producer } from './producer.ts';
import { isTlsRecord, peerSpeaksTls } from './security/index.ts';
import { contentOf, requestChannel, traceRequest } from './telemetry/channels.ts';
import type { NodeMeters } from './telemetry/meters.ts';
import { softwareVersion } from './version.ts';

/** No answer to a producer comes near it; Metadata of 100,000 partitions has 5 MiB. A peer can fill no more memory. */
const largestAnswer = 16_777_216;

/** A request that waits for its answer. */
export interface PendingRequest {
  readonly apiName: string;
  /** The answer, without its size. A throw ends the connection. */
  answered(frame: Uint8Array): void;
  /** It will have no answer. The bytes of the request are free now. */
  failed(error: ConnectionError): void;
}

interface InFlight {
  readonly request: PendingRequest;
  deadlineMs: number;
}

/** Who stands at the other end, as far as is known by now. */
export interface Peer {
  readonly nodeId: number | null;
  readonly host: string;
  readonly port: number;
  readonly meters: NodeMeters;
}

export interface ConnectionSettings {
  /** `host:port`, for messages. */
  readonly name: string;
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly clock: Clock;
  readonly peer: Peer;
  readonly owner: Producer;
  /** Said when the peer ends the connection at the first request after ApiVersions; may be empty. */
  readonly earlyEndHint: string;
}

export interface ConnectionEvents {
  opened(): void;
  /** The socket's buffer has emptied. */
  drained(): void;
  /** Exactly once, after every pending request has failed. */
  closed(error: ConnectionError): void;
}

/**
 * One socket to one broker, from its opening to its end. Requests go out as they come; an answer finds its request
 * by the correlation id. An answer to nothing, a frame that cannot be, or no answer in time end the connection.
 */
export class Connection implements SocketEvents {
  readonly #settings: ConnectionSettings;
  readonly #events: ConnectionEvents;
  readonly #decoder = new FrameDecoder({ minFrameBytes: 0, maxFrameBytes: largestAnswer });
  readonly #pending = new Map<number, InFlight>();
  /** Waits for the next frame whatever it holds: a SASL token of old. */
  #raw: InFlight | null = null;
  #socket: Socket | null = null;
  #nextCorrelationId = 0;
  #timer: unknown = null;
  #failure: ConnectionError | null = null;
  #isOpen = false;
  #isEnded = false;
  readonly #aborter = new AbortController();
  /** Answers that have come. */
  answers = 0;
  /** Any byte has come. */
  hasHeard = false;
  /** It is known that the broker cannot work with this client, and has been told. */
  isRefused = false;
  /** The peer has been told who we are, and believed it. */
  isAuthenticated = false;
  /** What the broker understands; null before `negotiate`. */
  versions: ApiVersionRanges | null = null;
  /** Finalized features of the cluster, as the broker says. */
  features = new Map<string, number>();
  /** Monotonic time of the last request. */
  usedAtMs: number;
  /** When the session that authentication granted should be renewed; Infinity if never. */
  reauthenticateAtMs = Number.POSITIVE_INFINITY;

  constructor(settings: ConnectionSettings, events: ConnectionEvents) {
    this.#settings = settings;
    this.#events = events;
    this.usedAtMs = settings.clock.now();
  }

  /** Called once, when the transport has begun to connect. */
  attach(socket: Socket): void {
    this.#socket = socket;
    if (this.#failure !== null) socket.destroy(this.#failure);
  }

  get hasOpened(): boolean {
    return this.#isOpen;
  }

  get isOpen(): boolean {
    return this.#isOpen && !this.#isEnded;
  }

  /** Aborted when the connection ends: for a token or a ticket that is being waited for. */
  get signal(): AbortSignal {
    return this.#aborter.signal;
  }

  get pendingRequests(): number {
    return this.#pending.size + (this.#raw === null ? 0 : 1);
  }

  /** The socket holds more than it likes: its peer does not read. */
  get isBlocked(): boolean {
    return (this.#socket?.pendingBytes ?? 0) > 4_194_304;
  }

  /** Bytes not yet taken by the operating system. */
  get pendingBytes(): number {
    return this.#socket?.pendingBytes ?? 0;
  }

  /**
   * Sends a request; `request` hears its outcome exactly once, never before this returns.
   *
   * @param batches - what a Produce request carries, for whoever traces it.
   */
  send<Input>(
    message: RequestMessage<unknown, Input>,
    version: number,
    body: Input,
    request: PendingRequest | null,
    batches: readonly Batch[] | null = null,
  ): void {
    const correlationId = this.#nextCorrelationId;
    this.#nextCorrelationId = (correlationId + 1) & 0x7fff_ffff;
    const chunks = encodeRequestChunks({ message, version, correlationId, clientId: this.#settings.clientId, body });
    let bytes = 0;
    for (let i = 0; i < chunks.length; i++) bytes += chunks[i]!.length;
    this.usedAtMs = this.#settings.clock.now();
    this.#settings.peer.meters.sent(bytes, this.usedAtMs);
    if (!requestChannel.hasSubscribers) {
      this.#write(correlationId, chunks, request);
      return;
    }
    const { clientId, peer, owner } = this.#settings;
    const { nodeId, host, port } = peer;
    const trace = {
      producer: owner,
      ...{ clientId, nodeId, host, port, correlationId },
      apiName: message.name.replace(/Request$/, ''),
      apiKey: message.apiKey,
      apiVersion: version,
      requestBytes: bytes,
      isAnswered: request !== null,
      ...(batches === null ? {} : { content: contentOf(batches) }),
    };
    traceRequest(trace, request, (traced) => this.#write(correlationId, chunks, traced));
  }

  #write(correlationId: number, chunks: readonly Uint8Array[], request: PendingRequest | null): void {
    if (request !== null) {
      this.#pending.set(correlationId, { request, deadlineMs: this.usedAtMs + this.#settings.requestTimeoutMs });
      this.#watch();
    }
    this.#socket!.write(chunks);
  }

  /** The same as a promise, for requests that are rare. */
  call<Input, Value>(
    message: RequestMessage<unknown, Input>,
    answer: ResponseMessage<Value, never>,
    version: number,
    body: Input,
  ): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.send(message, version, body, {
        apiName: message.name,
        answered: (frame) => resolve(decodeResponseAs(answer, frame, version).body),
        failed: reject,
      });
    });
  }

  /** Sends bytes with nothing but their size in front, as SASL did before Kafka 1.0. */
  callRaw(token: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const size = new Uint8Array(4);
      new DataView(size.buffer).setInt32(0, token.length);
      this.usedAtMs = this.#settings.clock.now();
      this.#raw = {
        request: { apiName: 'SASL token', answered: resolve, failed: reject },
        deadlineMs: this.usedAtMs + this.#settings.requestTimeoutMs,
      };
      this.#watch();
      this.#socket!.write([size, token]);
    });
  }

  /**
   * Asks what the broker understands, in the newest form that it can read.
   *
   * @param identity - whom we believe to talk to (KIP-1242); null on a bootstrap connection.
   */
  async negotiate(identity: { clusterId: string; nodeId: number } | null): Promise<void> {
    let version = ApiVersionsRequest.maxVersion;
    for (;;) {
      const body = {
        clientSoftwareName: 'kiel',
        clientSoftwareVersion: softwareVersion,
        ...(version >= 5 && identity !== null ? identity : {}),
      };
      const answer = await this.#askVersions(version, body);
      if (answer.errorCode === 35 && version > 0) {
        // KIP-511: the refusal comes in version 0, and brokers since 2.4 say in it which versions they have.
        const known = answer.apiKeys.find(({ apiKey }) => apiKey === ApiVersionsRequest.apiKey);
        version = known === undefined ? 0 : Math.min(known.maxVersion, version - 1);
        continue;
      }
      if (answer.errorCode !== 0) throw new BrokerError(answer.errorCode, `ApiVersions at ${this.#settings.name}`);
      this.versions = rangesOf(answer.apiKeys);
      this.features = new Map(answer.finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]));
      return;
    }
  }

  #askVersions(version: number, body: object): Promise<ApiVersionsResponse> {
    return new Promise((resolve, reject) => {
      this.send(ApiVersionsRequest, version, body, {
        apiName: 'ApiVersions',
        answered: (frame) => {
          const errorCode = new DataView(frame.buffer, frame.byteOffset).getInt16(4);
          resolve(decodeResponseAs(ApiVersionsResponse, frame, errorCode === 35 ? 0 : version).body);
        },
        failed: reject,
      });
    });
  }

  /** The broker asked for a pause (KIP-219), and may answer what is on its way so much later. */
  extendDeadlines(ms: number): void {
    for (const inFlight of this.#pending.values()) inFlight.deadlineMs += ms;
  }

  /** Ends it; everything pending fails with this error, at once. */
  close(error: ConnectionError): void {
    if (this.#failure === null) this.#failure = error;
    this.#socket?.destroy(error);
    this.#end(error);
  }

  connected(): void {
    if (this.#isEnded) return;
    this.#isOpen = true;
    this.#events.opened();
  }

  data(chunk: Uint8Array): void {
    if (this.#isEnded) return;
    this.hasHeard = true;
    const { clock, peer } = this.#settings;
    peer.meters.received(chunk.length, clock.now());
    if (this.answers === 0 && isTlsRecord(chunk)) {
      this.close(refusal(peerSpeaksTls(this.#settings.name)));
      return;
    }
    try {
      for (const frame of this.#decoder.push(chunk)) {
        this.#answer(frame);
        if (this.#isEnded) return;
      }
    } catch (error) {
      const { message } = toError(error);
      this.close(
        new ConnectionError('PROTOCOL_VIOLATION', `${this.#settings.name} sent what cannot be read: ${message}`, {
          cause: error,
        }),
      );
    }
  }

  drained(): void {
    if (!this.#isEnded) this.#events.drained();
  }

  closed(error: Error | null): void {
    const { name, earlyEndHint } = this.#settings;
    // Permanent also after the opening: with TLS 1.3 a client's certificate is refused when all seems done.
    const options = { cause: error, retriable: !isPermanent(error) };
    const hint = this.answers === 1 ? earlyEndHint : '';
    this.#end(
      this.#failure ??
        (this.#isOpen
          ? new ConnectionError('CONNECTION_LOST', `${name} ended the connection${because(error)}${hint}`, options)
          : new ConnectionError('CONNECT_FAILED', `${name} cannot be connected to${because(error)}`, options)),
    );
  }

  #answer(frame: Uint8Array): void {
    this.answers++;
    this.#settings.peer.meters.answered(this.#settings.clock.now());
    if (this.#raw !== null && this.#pending.size === 0) {
      const { request } = this.#raw;
      this.#raw = null;
      request.answered(frame);
      return;
    }
    if (frame.length < 4) throw new Error(`a frame of ${frame.length} bytes`);
    const correlationId = new DataView(frame.buffer, frame.byteOffset).getInt32(0);
    const inFlight = this.#pending.get(correlationId);
    if (inFlight === undefined) throw new Error(`an answer to request ${correlationId}, which was not asked`);
    this.#pending.delete(correlationId);
    try {
      inFlight.request.answered(frame);
    } catch (error) {
      // Its request must not be forgotten: it fails with the connection.
      this.#pending.set(correlationId, inFlight);
      throw error;
    }
  }

  #end(error: ConnectionError): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#aborter.abort();
    if (this.#timer !== null) this.#settings.clock.clearTimeout(this.#timer);
    this.#timer = null;
    const pending = [...this.#pending.values()];
    if (this.#raw !== null) pending.push(this.#raw);
    this.#pending.clear();
    this.#raw = null;
    for (const { request } of pending) request.failed(error);
    this.#events.closed(error);
  }

  #watch(): void {
    if (this.#timer !== null) return;
    const oldest = this.#oldest();
    if (oldest === null) return;
    const { clock } = this.#settings;
    this.#timer = clock.setTimeout(
      () => {
        this.#timer = null;
        // The process may have slept: what lies in the socket is read before anything is given up.
        clock.setImmediate(() => this.#expire());
      },
      Math.max(1, oldest.deadlineMs - clock.now()),
    );
  }

  #expire(): void {
    if (this.#isEnded) return;
    const oldest = this.#oldest();
    if (oldest === null) return;
    const { clock, name, requestTimeoutMs } = this.#settings;
    if (oldest.deadlineMs > clock.now()) {
      this.#watch();
      return;
    }
    // Later answers on this socket could only confuse; a new one is the cure for a dead one as well.
    this.close(
      new ConnectionError(
        'REQUEST_TIMEOUT',
        `${name} gave no answer to ${oldest.request.apiName} in ${requestTimeoutMs} ms`,
      ),
    );
  }

  #oldest(): InFlight | null {
    let oldest = this.#raw;
    for (const inFlight of this.#pending.values()) {
      if (oldest === null || inFlight.deadlineMs < oldest.deadlineMs) oldest = inFlight;
    }
    return oldest;
  }
}

function because(error: Error | null): string {
  if (error === null) return '';
  // Every address of a name was tried.
  if (error instanceof AggregateError) return `: ${error.errors.map((each: Error) => each.message).join(', ')}`;
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined || error.message.includes(code) ? `: ${error.message}` : `: ${error.message} (${code})`;
}

/** Trying again would end the same: a certificate that is not trusted, a peer that does not speak TLS. */
function isPermanent(error: Error | null): boolean {
  return (error as { retriable?: boolean } | null)?.retriable === false;
}

function refusal(cause: Error): ConnectionError {
  return new ConnectionError('CONNECT_FAILED', cause.message, { cause, retriable: false });
}
