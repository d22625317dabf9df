import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A port-forward, as `kubectl` or `ssh` make one: a port here for a port there. */
export interface Forwarder extends AsyncDisposable {
  readonly port: number;
  readonly connections: number;
}

export async function forwarder(to: { host: string; port: number }): Promise<Forwarder> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((inner) => {
    connections++;
    const outer = connect(to);
    for (const socket of [inner, outer]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        inner.destroy();
        outer.destroy();
      });
    }
    inner.pipe(outer).pipe(inner);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
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
