import { generateKeyPairSync } from 'node:crypto';
import {
  CreateDelegationTokenRequest,
  CreateDelegationTokenResponse,
  ListOffsetsRequest,
  ListOffsetsResponse,
} from '@kiel/codec';
import {
  clientCredentials,
  createProducer,
  jwtAssertion,
  jwtBearer,
  oauthBearer,
  type Producer,
  type ProducerOptions,
  type SaslMechanism,
  type SaslOptions,
  saslMechanism,
  scramSha256,
} from '@kiel/producer';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { requireKafka } from '../../tools/kafka/index.ts';
import { Client } from './client.ts';
import { Recorder } from './recorder.ts';
import { secrets } from './secrets.ts';
import { listenerOf, type SecureKafka, startSecureKafka } from './secure-kafka.ts';
import { tokenIssuer } from './token-issuer.ts';

/** `KIEL_FULL=1` takes the whole minute that a release is proved by. */
const isFull = process.env['KIEL_FULL'] === '1';
const reauthSeconds = isFull ? 60 : 12;
/** All of them, one after the other, when there is time for it; else the two that differ the most, side by side. */
const renewed: readonly (readonly [name: string, over: 'plain' | 'tls'])[] = isFull
  ? ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'].flatMap((name) => [
      [name, 'plain'] as const,
      [name, 'tls'] as const,
    ])
  : [
      ['SCRAM-SHA-512', 'tls'],
      ['OAUTHBEARER', 'tls'],
    ];

describe.skipIf(!requireKafka())('the producer and a real secured broker', () => {
  let secure: SecureKafka;
  let recorder: Recorder;

  beforeAll(async () => {
    secure = await startSecureKafka({ maxReauthMs: 5000 });
    await secure.kafka.createTopic('orders', { partitions: 4 });
  });
  afterAll(() => secure?.[Symbol.asyncDispose]());
  beforeEach(() => {
    recorder = new Recorder();
  });
  afterEach(() => {
    expect(recorder.size).toBeGreaterThan(1000);
    expect(recorder.found()).toEqual([]);
  });

  const sasls: Record<string, (listener: 'SASL' | 'SASLTLS') => SaslOptions> = {
    PLAIN: () => ({ mechanism: 'plain', username: 'alice', password: secrets.plainPassword }),
    'SCRAM-SHA-256': () => ({ mechanism: 'scram-sha-256', username: 'bob', password: secrets.scram256Password }),
    'SCRAM-SHA-512': () => ({ mechanism: 'scram-sha-512', username: 'carol', password: secrets.scram512Password }),
    OAUTHBEARER: (listener) => ({
      mechanism: 'oauthbearer',
      token: async () => ({ value: await secure.token(listener) }),
    }),
    'a mechanism of one’s own': (listener) => ({
      mechanism: oauthBearer({ token: async () => ({ value: await secure.token(listener) }) }),
    }),
  };

  const connection = (over: 'plain' | 'tls'): ProducerOptions => ({
    brokers: [`localhost:${secure.port(listenerOf[over])}`],
    ...(over === 'tls' ? { tls: { ca: secure.authority.ca } } : {}),
  });

  for (const over of ['plain', 'tls'] as const) {
    test.each(Object.keys(sasls))(`1,000 records by %s over ${over} are all stored`, async (name) => {
      const sasl = sasls[name]!(listenerOf[over]);
      await using producer = createProducer({ ...connection(over), sasl, batchSize: 100, ...recorder.options });
      recorder.watch(producer);
      await produceThousand(producer, { over, name });
    });
  }

  test('1,000 records over TLS with a client certificate, as PEM and as PKCS#12, are all stored', async () => {
    const { authority, clientCertificate } = secure;
    const { key, cert } = clientCertificate;
    const passphrase = secrets.keyPassphrase;
    const pfx = authority.pkcs12(clientCertificate, passphrase);
    for (const material of [
      { key, cert },
      { pfx, passphrase },
    ]) {
      await using producer = createProducer({
        brokers: `localhost:${secure.port('MTLS')}`,
        tls: { ca: authority.ca, ...material },
        batchSize: 100,
        ...recorder.options,
      });
      recorder.watch(producer);
      await produceThousand(producer, {});
    }
  });

  test('1,000 records by tokens of an OpenID provider are all stored, by either grant', async () => {
    const client = { id: 'orders', secret: secrets.clientSecret };
    await using issuer = await tokenIssuer(client, () => secure.token('SASLTLS'));
    const { tokenEndpoint } = issuer;
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const providers = [
      clientCredentials({ tokenEndpoint, clientId: client.id, clientSecret: client.secret }),
      jwtBearer({ tokenEndpoint, assertion: jwtAssertion({ privateKey, issuer: 'orders' }) }),
    ];
    for (const token of providers) {
      await using producer = createProducer({
        ...connection('tls'),
        sasl: { mechanism: 'oauthbearer', token },
        batchSize: 100,
        ...recorder.options,
      });
      recorder.watch(producer);
      await produceThousand(producer, {});
    }
    expect(issuer.grants).toEqual(['client_credentials', 'urn:ietf:params:oauth:grant-type:jwt-bearer']);
    const token = clientCredentials({ tokenEndpoint, clientId: client.id, clientSecret: secrets.wrongPassword });
    await using stranger = createProducer({ ...connection('tls'), sasl: { mechanism: 'oauthbearer', token } });
    const error: Error = await stranger.produce('orders', 'x').then(
      () => expect.unreachable(),
      (error) => error,
    );
    expect(error.message).toContain('answered 401: invalid_client');
    recorder.note(error);
    expect(issuer.grants).toHaveLength(3);
  });

  test('1,000 records by a delegation token are all stored', async () => {
    const token = await delegationToken();
    await using producer = createProducer({
      ...connection('tls'),
      sasl: { mechanism: 'scram-sha-256', username: token.id, password: token.hmac, delegationToken: true },
      batchSize: 100,
      ...recorder.options,
    });
    recorder.watch(producer);
    await produceThousand(producer, {});
    expect(recorder.found([token.hmac])).toEqual([]);
  });

  /** Made by the user bob over an authenticated connection, as Kafka demands. */
  async function delegationToken(): Promise<{ id: string; hmac: string }> {
    using client = await Client.connect('localhost', secure.port('SASLTLS'), { ca: secure.authority.ca });
    await client.authenticate(scramSha256({ username: 'bob', password: secrets.scram256Password }));
    const request = { renewers: [], maxLifetimeMs: -1n };
    const { errorCode, tokenId, hmac } = await client.request(
      CreateDelegationTokenRequest,
      CreateDelegationTokenResponse,
      2,
      request,
    );
    expect(errorCode).toBe(0);
    const token = { id: tokenId, hmac: Buffer.from(hmac).toString('base64') };
    await untilKnown(token);
    return token;
  }

  /** The controller makes a token; the broker hears of it a moment later. */
  async function untilKnown({ id, hmac }: { id: string; hmac: string }): Promise<void> {
    const mechanism = scramSha256({ username: id, password: hmac, delegationToken: true });
    for (let attempt = 0; ; attempt++) {
      using client = await Client.connect('localhost', secure.port('SASL'));
      try {
        await client.authenticate(mechanism);
        return;
      } catch (error) {
        if (attempt === 20) throw error;
      }
    }
  }

  /** How many records the broker has. */
  async function storedIn(topic: string): Promise<number> {
    using client = await Client.connect('127.0.0.1', secure.port('PLAINTEXT'));
    const partitions = [0, 1].map((partitionIndex) => ({ partitionIndex, timestamp: -1n }));
    const request = { replicaId: -1, topics: [{ name: topic, partitions }] };
    const { topics } = await client.request(ListOffsetsRequest, ListOffsetsResponse, 5, request);
    return topics[0]!.partitions.reduce((sum, { offset }) => sum + Number(offset), 0);
  }

  (isFull ? test : test.concurrent).each(renewed)(
    `re-authentication by %s (%s) every 5 s under load for ${reauthSeconds} s loses nothing and fails nothing`,
    async (name, over) => {
      let authentications = 0;
      let lost = 0;
      const inner = saslMechanism(sasls[name]!(listenerOf[over]));
      const counted: SaslMechanism = {
        name: inner.name,
        authenticate: (context) => {
          authentications++;
          return inner.authenticate(context);
        },
      };
      const topic = `load-${name.toLowerCase()}-${over}`;
      await secure.kafka.createTopic(topic, { partitions: 2 });
      await using producer = createProducer({
        ...connection(over),
        sasl: { mechanism: counted },
        ...recorder.options,
      });
      producer.on('stateChanged', ({ to }) => {
        if (to === 'healing') lost++;
      });
      const seen = new Set<string>();
      let sent = 0;
      const until = performance.now() + reauthSeconds * 1000;
      const load = async () => {
        while (performance.now() < until) {
          const { partition, offset } = await producer.produce(topic, { name, at: sent++ });
          seen.add(`${partition}/${offset}`);
        }
      };
      // Eight callers that each await their record: requests are out at every moment.
      await Promise.all(Array.from({ length: 8 }, load));
      expect(seen.size).toBe(sent);
      expect(await storedIn(topic)).toBe(sent);
      expect(sent).toBeGreaterThan((reauthSeconds * 100) / renewed.length);
      // One connection to the bootstrap's address and one to the node, the latter renewed each 4.25 to 4.75 s.
      expect(authentications).toBeGreaterThanOrEqual(Math.floor(reauthSeconds / 4.75));
      // Were sessions not renewed, each would end its connection. A machine that stands still for half a second may cost one.
      expect(lost).toBeLessThanOrEqual(Math.max(1, reauthSeconds / 15));
    },
    reauthSeconds * 1000 + 30_000,
  );
});

async function produceThousand(producer: Producer, about: object): Promise<void> {
  const sent = Array.from({ length: 1000 }, (_, i) => producer.produce('orders', { ...about, i }));
  const reports = await Promise.all(sent);
  expect(new Set(reports.map(({ partition, offset }) => `${partition}/${offset}`)).size).toBe(1000);
}
