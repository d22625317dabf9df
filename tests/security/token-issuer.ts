import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A small OpenID provider on loopback: it knows one client, and gives it the tokens that `issue` makes. */
export interface TokenIssuer extends AsyncDisposable {
  readonly tokenEndpoint: string;
  /** The grants that were asked for, in order. */
  readonly grants: readonly string[];
}

export async function tokenIssuer(
  client: { id: string; secret: string },
  issue: () => Promise<string>,
): Promise<TokenIssuer> {
  const grants: string[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const form = new URLSearchParams(body);
    grants.push(form.get('grant_type') ?? '');
    const basic = `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}`;
    const isKnown = request.headers.authorization === basic || form.has('assertion');
    response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify(isKnown ? { access_token: await issue(), expires_in: 600 } : { error: 'invalid_client' }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    tokenEndpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    grants,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
