import { type SaslExchangeServer, SaslServer, type SaslServerOptions } from '@kiel/mock-cluster';
import { authenticate, type SaslExchange, type SaslMechanism, type SaslSession } from '@kiel/producer';

/** A broker's answers to SASL without a network: what the two halves say to each other, and nothing else. */
export function exchangeWith(options: SaslServerOptions): SaslExchange & { readonly received: Uint8Array[] } {
  const server = new SaslServer(options);
  const received: Uint8Array[] = [];
  let session: SaslExchangeServer | undefined;
  return {
    received,
    handshake: async (mechanism) => {
      session = server.start(mechanism);
      return { errorCode: session === undefined ? 33 : 0, mechanisms: server.mechanisms };
    },
    authenticate: async (authBytes) => {
      received.push(authBytes);
      const { reply, error, sessionLifetimeMs = 0 } = session!.step(authBytes);
      if (error !== undefined) return { errorCode: 58, errorMessage: error, authBytes: reply, sessionLifetimeMs: 0 };
      return { errorCode: 0, errorMessage: null, authBytes: reply, sessionLifetimeMs };
    },
  };
}

export async function authenticateWith(
  mechanism: SaslMechanism,
  exchange: SaslExchange,
  signal: AbortSignal = AbortSignal.timeout(5000),
): Promise<SaslSession> {
  return await authenticate(mechanism, { host: 'mock.example', port: 9092, nodeId: 0, signal }, exchange);
}
