import { SaslServer, type SaslServerOptions, type SaslExchange as SaslSession } from '@kiel/mock-cluster';
import { authenticate, type SaslSession as Outcome, type SaslExchange, type SaslMechanism } from '@kiel/producer';

/** A broker's answers to SASL without a network: what the two halves say to each other, and nothing else. */
export function exchangeWith(options: SaslServerOptions): SaslExchange & { readonly received: Uint8Array[] } {
  const server = new SaslServer(options);
  const received: Uint8Array[] = [];
  let session: SaslSession | undefined;
  return {
    received,
    handshake: async (mechanism) => {
      const isOffered = server.mechanisms.includes(mechanism);
      session = isOffered ? server.begin(mechanism) : undefined;
      return { errorCode: isOffered ? 0 : 33, mechanisms: server.mechanisms };
    },
    authenticate: async (authBytes) => {
      received.push(authBytes);
      const step = session!.next(authBytes);
      const token = step.token ?? new Uint8Array(0);
      if (step.kind === 'failed') {
        return { errorCode: 58, errorMessage: step.reason, authBytes: token, sessionLifetimeMs: 0 };
      }
      const sessionLifetimeMs = step.kind === 'done' ? step.lifetimeMs : 0;
      return { errorCode: 0, errorMessage: null, authBytes: token, sessionLifetimeMs };
    },
  };
}

export async function authenticateWith(
  mechanism: SaslMechanism,
  exchange: SaslExchange,
  signal: AbortSignal = AbortSignal.timeout(5000),
): Promise<Outcome> {
  return await authenticate(mechanism, { host: 'mock.example', port: 9092, nodeId: 0, signal }, exchange);
}
