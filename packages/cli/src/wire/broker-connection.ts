import type { Socket } from 'node:net';
import {
  ApiVersionsRequest,
  ApiVersionsResponse,
  correlationIdOf,
  decodeResponseAs,
  encodeRequest,
  FetchRequest,
  ListOffsetsRequest,
  MetadataRequest,
  MetadataResponse,
  ProduceRequest,
  type RequestMessage,
  type ResponseMessage,
  SaslAuthenticateRequest,
  SaslAuthenticateResponse,
  SaslHandshakeRequest,
  SaslHandshakeResponse,
} from '@kiel/codec';
import { authenticate, saslMechanism } from '@kiel/producer';
import { StreamFramer } from '../capture/stream-framer.ts';
import { type Address, type Connection, showAddress } from '../config/connection-options.ts';
import { Failure } from '../failure.ts';
import { seconds } from '../terminal/quantity.ts';
import { errorText } from './error-text.ts';
import { openSocket, reasonOf, Unreachable } from './socket.ts';

export interface VersionRange {
  readonly minVersion: number;
  readonly maxVersion: number;
}

interface Waiting {
  readonly resolve: (body: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

/** Of 0.8 and 0.9, which cannot be asked: what they have of what this client needs. */
const versionsOfOld: ReadonlyMap<number, VersionRange> = new Map(
  [ProduceRequest, FetchRequest, ListOffsetsRequest, MetadataRequest].map(({ apiKey }) => [
    apiKey,
    { minVersion: 0, maxVersion: 0 },
  ]),
);

const MAX_FRAME_BYTES = 512 * 1024 * 1024;
const UNSUPPORTED_VERSION = 35;

/** One connection of the command's own small client: a question, an answer; no retries. */
export class BrokerConnection {
  readonly address: Address;
  /** What the broker speaks, by API key. */
  versions: ReadonlyMap<number, VersionRange> = new Map();
  readonly #socket: Socket;
  readonly #clientId: string;
  readonly #timeoutMs: number;
  readonly #waiting = new Map<number, Waiting>();
  readonly #framer = new StreamFramer({ maxFrameBytes: MAX_FRAME_BYTES, looksRight: () => true });
  readonly #isAnonymous: boolean;
  #correlationId = 0;
  #answers = 0;
  #closedUnanswered = false;
  #closed: Error | null = null;

  private constructor(socket: Socket, address: Address, settings: Connection, timeoutMs: number) {
    this.#socket = socket;
    this.address = address;
    this.#clientId = settings.clientId;
    this.#isAnonymous = settings.sasl === undefined;
    this.#timeoutMs = timeoutMs;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => {
      this.#closedUnanswered = this.#answers === 0 && this.#closed === null;
      this.#fail(new Unreachable(address, reasonOf(error), error));
    });
    socket.on('close', () => {
      this.#closedUnanswered = this.#answers === 0 && this.#closed === null;
      this.#fail(new Unreachable(address, this.#whyClosed()));
    });
  }

  /** Connects, asks for versions, authenticates. @throws Unreachable, Failure */
  static async open(address: Address, settings: Connection, timeoutMs: number): Promise<BrokerConnection> {
    const connection = await BrokerConnection.#connect(address, settings, timeoutMs);
    try {
      connection.versions = await connection.#askVersions();
      if (settings.sasl !== undefined) await connection.#authenticate(settings.sasl);
      return connection;
    } catch (error) {
      connection.close();
      // A broker before 0.10 closes the connection at a request it does not know.
      if (!(error instanceof Unreachable) || !connection.#closedUnanswered) throw error;
      return await BrokerConnection.#openOld(address, settings, timeoutMs);
    }
  }

  static async #connect(address: Address, settings: Connection, timeoutMs: number): Promise<BrokerConnection> {
    const socket = await openSocket(address, settings.tls, timeoutMs);
    return new BrokerConnection(socket, address, settings, timeoutMs);
  }

  static async #openOld(address: Address, settings: Connection, timeoutMs: number): Promise<BrokerConnection> {
    const connection = await BrokerConnection.#connect(address, settings, timeoutMs);
    connection.versions = versionsOfOld;
    try {
      await connection.request(MetadataRequest, MetadataResponse, 0, { topics: [] });
      return connection;
    } catch (error) {
      connection.close();
      if (!(error instanceof Unreachable) || settings.tls !== undefined) throw error;
      const hint = 'does this port want TLS (--tls) or a user (--sasl-username)?';
      throw new Unreachable(address, `it closed the connection: ${hint}`);
    }
  }

  get isOpen(): boolean {
    return this.#closed === null;
  }

  /** The newest version that the broker and kiel both know. @throws Failure */
  commonVersion(request: RequestMessage<unknown, never>, most = request.maxVersion): number {
    const range = this.versions.get(request.apiKey);
    const version = Math.min(range?.maxVersion ?? -1, most, request.maxVersion);
    if (range !== undefined && version >= Math.max(range.minVersion, request.minVersion)) return version;
    const speaks = range === undefined ? 'not at all' : `in versions ${range.minVersion} to ${range.maxVersion}`;
    throw new Failure(
      `${showAddress(this.address)} speaks ${request.name} ${speaks}; kiel, ${request.minVersion} to ${most}.`,
    );
  }

  /** @throws Unreachable when the connection ends, Failure when no answer comes in time, CodecError */
  async request<I, O>(
    request: RequestMessage<unknown, I>,
    response: ResponseMessage<O, never>,
    version: number,
    input: I,
    timeoutMs = this.#timeoutMs,
  ): Promise<O> {
    const correlationId = this.#correlationId++;
    const clientId = this.#clientId;
    const frame = encodeRequest({ message: request, version, correlationId, clientId, body: input });
    const bytes = await this.#exchange(correlationId, frame, request.name, timeoutMs);
    return decodeResponseAs(response, bytes, version).body;
  }

  close(): void {
    this.#closed ??= new Unreachable(this.address, 'the connection was closed here');
    this.#socket.destroy();
  }

  #exchange(correlationId: number, frame: Uint8Array, name: string, timeoutMs: number): Promise<Uint8Array> {
    if (this.#closed !== null) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const text = `no answer to ${name.replace('Request', '')} within ${seconds(timeoutMs)}`;
        this.#fail(new Unreachable(this.address, text));
        this.#socket.destroy();
      }, timeoutMs);
      this.#waiting.set(correlationId, { resolve, reject, timer });
      this.#socket.write(frame);
    });
  }

  #receive(chunk: Uint8Array): void {
    for (const framed of this.#framer.accept(chunk, 0)) {
      if (framed.kind === 'fault') {
        const text =
          framed.fault === 'TLS'
            ? 'it speaks TLS: use --tls'
            : `it answered with ${framed.fault === 'HTTP' ? 'HTTP, so it is no Kafka' : framed.detail}`;
        this.#fail(new Unreachable(this.address, text));
        this.#socket.destroy();
        return;
      }
      const correlationId = correlationIdOf(framed.bytes);
      const waiting = this.#waiting.get(correlationId);
      if (waiting === undefined) continue;
      this.#waiting.delete(correlationId);
      clearTimeout(waiting.timer);
      this.#answers++;
      waiting.resolve(framed.bytes);
    }
  }

  /** A broker that wants users answers ApiVersions, and nothing after it. */
  #whyClosed(): string {
    const wantsUser = this.#isAnonymous && this.#answers === 1;
    return wantsUser ? 'it closed the connection: does it want a user (--sasl-username)?' : 'it closed the connection';
  }

  #fail(error: Error): void {
    this.#closed ??= error;
    for (const waiting of this.#waiting.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(this.#closed);
    }
    this.#waiting.clear();
  }

  async #askVersions(): Promise<ReadonlyMap<number, VersionRange>> {
    const newest = ApiVersionsRequest.maxVersion;
    const software = { clientSoftwareName: 'kiel', clientSoftwareVersion: '0' };
    const answer = await this.#versionsOf(newest, software);
    const body = answer.errorCode === UNSUPPORTED_VERSION ? await this.#versionsOf(0, {}) : answer;
    if (body.errorCode !== 0)
      throw new Unreachable(this.address, `it answered ApiVersions with ${errorText(body.errorCode)}`);
    return new Map(body.apiKeys.map((api) => [api.apiKey, api]));
  }

  /** A broker that does not know the version answers in version 0, whatever was asked (KIP-511). */
  async #versionsOf(version: number, input: { clientSoftwareName?: string; clientSoftwareVersion?: string }) {
    const correlationId = this.#correlationId++;
    const clientId = this.#clientId;
    const frame = encodeRequest({ message: ApiVersionsRequest, version, correlationId, clientId, body: input });
    const bytes = await this.#exchange(correlationId, frame, 'ApiVersions', this.#timeoutMs);
    const errorCode = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getInt16(4);
    return ApiVersionsResponse.decode(bytes.subarray(4), errorCode === UNSUPPORTED_VERSION ? 0 : version);
  }

  async #authenticate(sasl: NonNullable<Connection['sasl']>): Promise<void> {
    const { host, port } = this.address;
    const context = { host, port, nodeId: null, signal: new AbortController().signal };
    const version = this.commonVersion(SaslAuthenticateRequest);
    await authenticate(saslMechanism(sasl), context, {
      handshake: (mechanism) => this.request(SaslHandshakeRequest, SaslHandshakeResponse, 1, { mechanism }),
      authenticate: (authBytes) =>
        this.request(SaslAuthenticateRequest, SaslAuthenticateResponse, version, { authBytes }),
    });
  }
}
