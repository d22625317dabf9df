import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';

/** A peer on a free port of 127.0.0.1 that records what reached it after TLS, if any. */
export interface Peer extends AsyncDisposable {
  readonly port: number;
  /** The server name each client sent; '' for none. */
  readonly names: readonly string[];
  /** Plaintext that arrived: with a TLS peer, only what came over a finished handshake. */
  received(): Buffer;
  /** Connections that were opened, whatever became of them. */
  readonly connections: number;
}

export async function tlsPeer(options: TlsOptions, onSocket: (socket: TLSSocket) => void = () => {}): Promise<Peer> {
  const names: string[] = [];
  return await peer(createTlsServer(options), 'secureConnection', names, (socket) => {
    names.push((socket as TLSSocket).servername || '');
    onSocket(socket as TLSSocket);
  });
}

/** A peer without TLS: `answer` is called for each chunk, `onSocket` for each connection. */
export async function plainPeer(
  answer: (socket: Socket, chunk: Buffer) => void = () => {},
  onSocket: (socket: Socket) => void = () => {},
): Promise<Peer> {
  return await peer(createTcpServer(), 'connection', [], (socket) => {
    socket.on('data', (chunk: Buffer) => answer(socket, chunk));
    onSocket(socket);
  });
}

async function peer(
  server: Server,
  event: 'connection' | 'secureConnection',
  names: string[],
  onSocket: (socket: Socket) => void,
): Promise<Peer> {
  const chunks: Buffer[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.on('tlsClientError', () => {});
  server.on(event, (socket: Socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    onSocket(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    names,
    received: () => Buffer.concat(chunks),
    get connections() {
      return connections;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
