import { MockCluster, SaslServer } from '@kiel/mock-cluster';
import { createProducer, type SaslOptions } from '@kiel/producer';
import { expect, test } from 'vitest';
import { secrets } from './secrets.ts';

const { plainPassword: password } = secrets;

// Until 1.0 the tokens went as bare frames, and a refusal was a closed connection.
test.each(['0.10.2', '1.1', '2.8', '3.9', '4.4'])(
  'brokers of %s let a client in by PLAIN and SCRAM',
  async (version) => {
    const sasl = new SaslServer({ users: { alice: password } });
    await using cluster = await MockCluster.start({ tcp: false, version, topics: { orders: 1 }, sasl });
    for (const mechanism of ['plain', 'scram-sha-256'] as const) {
      const options: SaslOptions = { mechanism, username: 'alice', password };
      const producer = createProducer({ ...cluster.inMemory(), sasl: options });
      const sent = Promise.all(Array.from({ length: 20 }, (_, i) => producer.produce('orders', i)));
      expect(await cluster.clock.run(sent)).toHaveLength(20);
      await cluster.clock.run(producer.close());
    }
    expect(cluster.offsets('orders', 0).end).toBe(40);
  },
);

test.each(['0.10.2', '4.4'])(
  'a wrong password at a broker of %s ends in an error, in few attempts',
  async (version) => {
    const sasl = new SaslServer({ users: { alice: password } });
    await using cluster = await MockCluster.start({ tcp: false, version, topics: { orders: 1 }, sasl });
    const options: SaslOptions = { mechanism: 'scram-sha-256', username: 'alice', password: secrets.wrongPassword };
    const producer = createProducer({ ...cluster.inMemory(), sasl: options, deliveryTimeoutMs: 10_000 });
    const failed = producer.produce('orders', 'x').then(
      () => expect.unreachable(),
      (error: Error) => error,
    );
    const error = await cluster.clock.run(failed);
    expect(error.name).toBe('DeliveryError');
    await cluster.clock.run(producer.close());
    // Such an old broker says nothing, so it may as well have stopped: attempts with a growing pause.
    expect(cluster.requests({ api: 'SaslHandshake' }).length).toBeLessThan(version === '4.4' ? 2 : 25);
  },
);
