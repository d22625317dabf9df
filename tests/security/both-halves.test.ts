import { createHash, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import {
  EndlessSaslServer,
  HostileScramServer,
  scramHostilities,
  signedTokens,
  unsecuredTokens,
} from '@kiel/mock-cluster';
import {
  type AuthenticationError,
  jwtAssertion,
  oauthBearer,
  plain,
  type SaslMechanism,
  scramSha256,
  scramSha512,
} from '@kiel/producer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { authenticateWith, exchangeWith } from './in-memory.ts';
import { secrets } from './secrets.ts';
import { unsecuredToken } from './secure-kafka.ts';

const users = {
  alice: secrets.plainPassword,
  'b,o=b': secrets.scram256Password,
  token: { password: secrets.delegationKey, isDelegationToken: true },
};

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => {
      throw new Error('it did not fail');
    },
    (error) => error as AuthenticationError,
  );

describe('the producer’s half against the mock cluster’s', () => {
  test.each([
    ['PLAIN', plain({ username: 'alice', password: secrets.plainPassword })],
    ['SCRAM-SHA-256', scramSha256({ username: 'b,o=b', password: secrets.scram256Password })],
    ['SCRAM-SHA-512', scramSha512({ username: 'b,o=b', password: secrets.scram256Password })],
    ['a delegation token', scramSha256({ username: 'token', password: secrets.delegationKey, delegationToken: true })],
    ['OAUTHBEARER', oauthBearer({ token: () => ({ value: unsecuredToken('dora', 60) }) })],
  ] as [string, SaslMechanism][])('%s is accepted', async (_name, mechanism) => {
    const exchange = exchangeWith({ users, tokens: unsecuredTokens(), maxReauthMs: 5000 });
    expect(await authenticateWith(mechanism, exchange)).toEqual({ lifetimeMs: 5000 });
  });

  test.each([
    ['PLAIN', plain({ username: 'alice', password: secrets.wrongPassword })],
    ['PLAIN acting as another', plain({ username: 'alice', password: secrets.plainPassword, authorizationId: 'root' })],
    ['SCRAM-SHA-256', scramSha256({ username: 'alice', password: secrets.wrongPassword })],
    [
      'a user as a delegation token',
      scramSha256({ username: 'alice', password: secrets.plainPassword, delegationToken: true }),
    ],
    ['a delegation token as a user', scramSha256({ username: 'token', password: secrets.delegationKey })],
    ['OAUTHBEARER, expired', oauthBearer({ token: () => ({ value: unsecuredToken('dora', -60), expiresAtMs: 1e15 }) })],
  ] as [string, SaslMechanism][])(
    '%s with wrong credentials is refused for good, and the secret is not shown',
    async (_name, mechanism) => {
      const exchange = exchangeWith({ users, tokens: unsecuredTokens() });
      const error = await failure(authenticateWith(mechanism, exchange));
      expect(error).toMatchObject({ code: 'SASL_AUTHENTICATION_FAILED', retriable: false });
      for (const secret of Object.values(secrets)) expect(inspect(error, { depth: 9 })).not.toContain(secret);
    },
  );

  test('a signed token is verified against the set of keys, its issuer and its audience', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = publicKey.export({ format: 'jwk' });
    const kid = createHash('sha256').update(String(jwk.x)).digest('hex');
    const tokens = signedTokens({ keys: [{ ...jwk, kid }] }, { issuer: 'me', audience: 'kafka' });
    const attempt = (options: object) => {
      const sign = jwtAssertion({ privateKey, keyId: kid, issuer: 'me', subject: 's', audience: 'kafka', ...options });
      return authenticateWith(oauthBearer({ token: async () => ({ value: await sign() }) }), exchangeWith({ tokens }));
    };
    expect((await attempt({})).lifetimeMs).toBeGreaterThan(200_000);
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    for (const wrong of [{ privateKey: stranger }, { issuer: 'you' }, { audience: 'x' }, { keyId: 'other' }]) {
      expect(await failure(attempt(wrong))).toMatchObject({ code: 'SASL_AUTHENTICATION_FAILED' });
    }
    const unsigned = oauthBearer({ token: () => ({ value: unsecuredToken('s', 60) }) });
    expect((await failure(authenticateWith(unsigned, exchangeWith({ tokens })))).message).toContain('invalid_token');
  });

  test('a mechanism that is not offered is refused by name, with those that are', async () => {
    const exchange = exchangeWith({ users, mechanisms: ['SCRAM-SHA-512'] });
    const error = await failure(
      authenticateWith(plain({ username: 'alice', password: secrets.plainPassword }), exchange),
    );
    expect(error.message).toContain('it offers SCRAM-SHA-512');
    expect(exchange.received).toEqual([]);
  });
});

describe('a hostile SCRAM server', () => {
  test.each(scramHostilities)('%s: a typed error, and no proof where the first answer was wrong', async (hostility) => {
    for (const [name, make] of [
      ['SCRAM-SHA-256', scramSha256],
      ['SCRAM-SHA-512', scramSha512],
    ] as const) {
      const server = new HostileScramServer(hostility);
      const exchange = exchangeWith({ custom: { [name]: () => server } });
      const mechanism = make({ username: 'alice', password: secrets.scram512Password });
      const error = await failure(authenticateWith(mechanism, exchange));
      expect(error.name).toBe('AuthenticationError');
      expect(error.code).toMatch(/^SASL_(?:PROTOCOL_VIOLATION|AUTHENTICATION_FAILED)$/);
      expect(error.retriable).toBe(false);
      expect(error.message).toMatch(/^[\x20-\x7e]{10,600}$/);
      const isFinal = /^(?:final|signature|first-again)/.test(hostility);
      expect(server.received).toBe(isFinal ? 2 : 1);
    }
  });

  test('whatever a server answers, the client ends with a typed error or success, in few rounds', async () => {
    const answer = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.array(fc.constantFrom('r=', 's=AAAA', 'i=4096', 'v=AAAA', 'e=x', ',', 'NONCE'), { maxLength: 8 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 4 }), async (answers) => {
        let rounds = 0;
        let nonce = '';
        const next = (token: Uint8Array) => {
          const text = Buffer.from(token).toString();
          nonce = /,r=([^,]*)/.exec(text)?.[1] ?? nonce;
          const answer = answers[Math.min(rounds++, answers.length - 1)]!;
          const reply =
            answer instanceof Uint8Array ? answer : Buffer.from(answer.join('').replaceAll('NONCE', `${nonce}x`));
          return { kind: 'continue' as const, token: reply };
        };
        const exchange = exchangeWith({ custom: { 'SCRAM-SHA-256': () => ({ mechanism: 'SCRAM-SHA-256', next }) } });
        const mechanism = scramSha256({ username: 'u', password: secrets.scram256Password });
        const error = await failure(authenticateWith(mechanism, exchange));
        expect(error.name).toBe('AuthenticationError');
        expect(rounds).toBeLessThanOrEqual(2);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a server that never ends', () => {
  const makers = {
    PLAIN: () => plain({ username: 'alice', password: secrets.plainPassword }),
    'SCRAM-SHA-256': () => scramSha256({ username: 'alice', password: secrets.scram256Password }),
    OAUTHBEARER: () => oauthBearer({ token: () => ({ value: unsecuredToken('dora', 60) }) }),
    ECHO: (): SaslMechanism => ({
      name: 'ECHO',
      async *authenticate() {
        let token: Uint8Array = new Uint8Array([1]);
        for (;;) token = yield token;
      },
    }),
  };

  test.each(Object.entries(makers))('%s takes a bounded number of rounds', async (name, make) => {
    const server = new EndlessSaslServer();
    const outcome = authenticateWith(make(), exchangeWith({ custom: { [name]: () => server } }));
    // PLAIN asks nothing of the server, so its random answer is none of its business; all others notice.
    if (name === 'PLAIN') await outcome;
    else expect(await failure(outcome)).toMatchObject({ name: 'AuthenticationError', retriable: false });
    expect(server.received).toBeLessThanOrEqual(16);
  });
});
