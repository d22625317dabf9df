import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  Reader,
  RequestHeader,
  type RequestMessage,
  ResponseHeader,
  type ResponseMessage,
  SaslAuthenticateRequest,
  SaslAuthenticateResponse,
  SaslHandshakeRequest,
  SaslHandshakeResponse,
  Writer,
} from '@kiel/codec';
import {
  authenticate,
  type SaslExchange,
  type SaslMechanism,
  type SaslSession,
  type TlsOptions,
  tlsConnector,
} from '@kiel/producer';
import { RawConnection } from '../../tools/kafka/wire.ts';

/** One connection that sends one request at a time: the mechanisms and TLS, without the rest of a producer. */
export class Client implements Disposable {
  readonly #connection: RawConnection;
  readonly #address: { host: string; port: number };
  #correlationId = 0;

  constructor(socket: Socket, address: { host: string; port: number }) {
    this.#connection = new RawConnection(socket);
    this.#address = address;
  }

  static async connect(host: string, port: number, tls?: TlsOptions): Promise<Client> {
    const address = { host, port };
    if (tls === undefined) {
      const socket = connectTcp({ host, port, noDelay: true });
      await once(socket, 'connect');
      return new Client(socket, address);
    }
    const socket = connectTls(await tlsConnector(tls)({ host, port, nodeId: 1 }, address));
    await once(socket, 'secureConnect');
    return new Client(socket, address);
  }

  get ending(): string | undefined {
    return this.#connection.ending;
  }

  async request<Input, Response, ResponseInput>(
    request: RequestMessage<unknown, Input>,
    response: ResponseMessage<Response, ResponseInput>,
    version: number,
    value: Input,
  ): Promise<Response> {
    const correlationId = ++this.#correlationId;
    const w = new Writer(256);
    w.int32(0);
    RequestHeader.write(w, request.headerVersion(version), {
      requestApiKey: request.apiKey,
      requestApiVersion: version,
      correlationId,
      clientId: 'security-test',
    });
    request.write(w, version, value);
    const bytes = Buffer.from(w.finish());
    bytes.writeInt32BE(bytes.length - 4);
    this.#connection.send(bytes);
    const frame = await this.#connection.frame(10_000);
    if (frame === null) throw new Error(`connection ended (${this.#connection.ending}) during ${request.name}`);
    const r = new Reader(new Uint8Array(frame));
    const header = ResponseHeader.read(r, response.headerVersion(version));
    if (header.correlationId !== correlationId) throw new Error('answer to another request');
    return response.read(r, version);
  }

  async authenticate(mechanism: SaslMechanism): Promise<SaslSession> {
    const signal = AbortSignal.timeout(10_000);
    return await authenticate(mechanism, { ...this.#address, nodeId: 1, signal }, exchangeOver(this));
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

export function exchangeOver(client: Client): SaslExchange {
  return {
    handshake: (mechanism) => client.request(SaslHandshakeRequest, SaslHandshakeResponse, 1, { mechanism }),
    authenticate: (authBytes) => client.request(SaslAuthenticateRequest, SaslAuthenticateResponse, 2, { authBytes }),
  };
}
