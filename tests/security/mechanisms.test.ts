import {
  type AuthenticationError,
  oauthBearer,
  plain,
  type SaslMechanism,
  scramSha256,
  scramSha512,
  type TlsOptions,
} from '@kiel/producer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireKafka } from '../../tools/kafka/index.ts';
import { Client } from './client.ts';
import { secrets } from './secrets.ts';
import { listenerOf, type SecureKafka, startSecureKafka } from './secure-kafka.ts';

let secure: SecureKafka;
let tls: TlsOptions;

const hasKafka = requireKafka();

beforeAll(async () => {
  if (!hasKafka) return;
  secure = await startSecureKafka({ maxReauthMs: 5000 });
  tls = { ca: secure.authority.ca };
});
afterAll(() => secure?.[Symbol.asyncDispose]());

const mechanisms: Record<string, (listener: 'SASL' | 'SASLTLS') => SaslMechanism> = {
  PLAIN: () => plain({ username: 'alice', password: secrets.plainPassword }),
  'SCRAM-SHA-256': () => scramSha256({ username: 'bob', password: secrets.scram256Password }),
  'SCRAM-SHA-512': () => scramSha512({ username: 'carol', password: secrets.scram512Password }),
  OAUTHBEARER: (listener) => oauthBearer({ token: async () => ({ value: await secure.token(listener) }) }),
};

for (const over of ['plain', 'tls'] as const) {
  describe.skipIf(!hasKafka)(`a real broker over ${over}`, () => {
    const listener = listenerOf[over];
    const connect = () => Client.connect('localhost', secure.port(listener), over === 'tls' ? tls : undefined);

    test.each(Object.keys(mechanisms))(
      '%s is accepted, twice on one connection, with the session’s life',
      async (name) => {
        using client = await connect();
        const mechanism = mechanisms[name]!(listener);
        const session = await client.authenticate(mechanism);
        expect(session.lifetimeMs).toBeGreaterThan(4000);
        expect(session.lifetimeMs).toBeLessThanOrEqual(5000);
        await client.authenticate(mechanism);
      },
    );

    test.each([
      ['PLAIN', plain({ username: 'alice', password: secrets.wrongPassword })],
      ['SCRAM-SHA-256', scramSha256({ username: 'bob', password: secrets.wrongPassword })],
      ['SCRAM-SHA-512', scramSha512({ username: 'carol', password: secrets.wrongPassword })],
      ['SCRAM-SHA-256 of nobody', scramSha256({ username: 'nobody', password: secrets.wrongPassword })],
      ['OAUTHBEARER', oauthBearer({ token: () => ({ value: 'bm8.dG9rZW4.' }) })],
    ])('%s with wrong credentials is refused for good', async (_name, mechanism) => {
      using client = await connect();
      const error = await client.authenticate(mechanism).catch((error) => error as AuthenticationError);
      expect(error).toMatchObject({ code: 'SASL_AUTHENTICATION_FAILED', retriable: false });
    });
  });
}
