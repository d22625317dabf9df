import { MockCluster, SaslServer, unsecuredTokens } from '@kiel/mock-cluster';
import { createProducer, type SaslOptions } from '@kiel/producer';
import { describe, expect, test } from 'vitest';
import { secrets } from './secrets.ts';

describe('sessions on a virtual clock', () => {
  const { plainPassword: password } = secrets;
  const mechanisms: Record<string, (epochMs: () => number) => SaslOptions> = {
    PLAIN: () => ({ mechanism: 'plain', username: 'alice', password }),
    'SCRAM-SHA-512': () => ({ mechanism: 'scram-sha-512', username: 'alice', password }),
    OAUTHBEARER: (epochMs) => ({
      mechanism: 'oauthbearer',
      token: () => {
        const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
        return { value: `${part({ alg: 'none' })}.${part({ sub: 'alice', exp: epochMs() / 1000 + 20 })}.` };
      },
    }),
  };

  test.each(Object.keys(mechanisms))(
    '26: ten minutes of %s under load, with sessions of 5 s: all renewed, no connection lost',
    async (name) => {
      const epochMs = (): number => cluster.clock.epochMs();
      const sasl = new SaslServer({
        users: { alice: password },
        tokens: unsecuredTokens(),
        maxReauthMs: 5000,
        epochMs,
      });
      const cluster: MockCluster = await MockCluster.start({ tcp: false, brokers: 2, topics: { orders: 4 }, sasl });
      const producer = createProducer({ ...cluster.inMemory(), sasl: mechanisms[name]!(epochMs) });
      const pause = (ms: number) => new Promise<void>((resolve) => void cluster.clock.setTimeout(resolve, ms));
      const load = async () => {
        for (let i = 0; i < 600; i++) {
          await Promise.all([0, 1, 2, 3].map((partition) => producer.produce('orders', i, { partition })));
          await pause(1000);
        }
      };
      await cluster.clock.run(load());
      await cluster.clock.run(producer.close());
      const granted = cluster.requests({ api: 'SaslAuthenticate' });
      const connections = new Set(cluster.requests().map(({ remote }) => remote));
      expect(connections.size).toBe(2);
      expect(granted.every(({ outcome }) => outcome === 'answered')).toBe(true);
      // Two connections, renewed each 4.25 to 4.75 s; SCRAM takes two messages.
      const renewals = granted.length / 2 / (name === 'SCRAM-SHA-512' ? 2 : 1);
      expect(renewals).toBeGreaterThan(120);
      expect(renewals).toBeLessThan(145);
      for (const partition of [0, 1, 2, 3]) expect(cluster.offsets('orders', partition).end).toBe(600);
      await cluster.stop();
    },
  );

  test('26: a session that ends under requests in flight costs a connection and no record', async () => {
    // The session is over before it is renewed: each time the broker closes the connection on the next request.
    const sasl = new SaslServer({ users: { alice: password }, maxReauthMs: 40 });
    const cluster = await MockCluster.start({ tcp: false, topics: { orders: 1 }, sasl });
    const producer = createProducer({ ...cluster.inMemory(), sasl: mechanisms['PLAIN']!(Date.now) });
    const sent = Array.from({ length: 300 }, (_, i) => producer.produce('orders', i).then(({ offset }) => offset));
    const offsets = await cluster.clock.run(Promise.all(sent));
    expect(new Set(offsets).size).toBe(300);
    expect(cluster.offsets('orders', 0).end).toBe(300);
    await cluster.clock.run(producer.close());
    await cluster.stop();
  });

  test('a renewal that the broker thinks too early costs a connection and no record', async () => {
    // Real brokers want a second between two authentications, however short the sessions are that they grant.
    const sasl = new SaslServer({ users: { alice: password }, maxReauthMs: 1_000 });
    const cluster = await MockCluster.start({ tcp: false, topics: { orders: 1 }, sasl });
    const producer = createProducer({ ...cluster.inMemory(), sasl: mechanisms['PLAIN']!(Date.now) });
    await cluster.clock.run(producer.produce('orders', 'first'));
    const before = cluster.requests({ api: 'SaslHandshake' }).length;
    cluster.on('SaslHandshake', { times: 1, then: 'error ILLEGAL_SASL_STATE' });
    for (let i = 0; i < 30; i++) {
      await cluster.clock.run(producer.produce('orders', i));
      await cluster.clock.advance(200);
    }
    expect(cluster.requests({ api: 'SaslHandshake' }).length).toBeGreaterThan(before + 2);
    expect(cluster.offsets('orders', 0).end).toBe(31);
    await cluster.clock.run(producer.close());
    await cluster.stop();
  });
});
