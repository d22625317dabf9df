import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockCluster, SaslServer } from '@kiel/mock-cluster';
import { createProducer, type SaslOptions } from '@kiel/producer';
import { describe, expect, test } from 'vitest';
import { requireKafka, startKafka } from '../../tools/kafka/index.ts';
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

describe.skipIf(!requireKafka())('a real broker of 0.10.2', () => {
  test('lets the producer in by PLAIN, and names what it offers instead of SCRAM', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kiel-jaas-'));
    const jaas = join(folder, 'jaas.conf');
    const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule';
    writeFileSync(jaas, `KafkaServer { ${plain} required user_alice="${password}"; };\n`);
    try {
      await using kafka = await startKafka({
        version: '0.10.2.2',
        listeners: [{ name: 'SASL', protocol: 'SASL_PLAINTEXT' }],
        config: { 'sasl.enabled.mechanisms': 'PLAIN' },
        jvmFlags: [`-Djava.security.auth.login.config=${jaas}`],
      });
      await kafka.createTopic('orders');
      const brokers = kafka.bootstrapOf('SASL');
      await using producer = createProducer({ brokers, sasl: { mechanism: 'plain', username: 'alice', password } });
      const sent = await Promise.all(Array.from({ length: 100 }, (_, i) => producer.produce('orders', i)));
      expect(new Set(sent.map(({ offset }) => offset)).size).toBe(100);

      const wrong = { mechanism: 'plain', username: 'alice', password: secrets.wrongPassword } as const;
      await using stranger = createProducer({ brokers, sasl: wrong, deliveryTimeoutMs: 1500 });
      await expect(stranger.produce('orders', 'x')).rejects.toMatchObject({ name: 'DeliveryError' });

      const other = { mechanism: 'scram-sha-256', username: 'alice', password } as const;
      await using unknown = createProducer({ brokers, sasl: other });
      await expect(unknown.produce('orders', 'x')).rejects.toThrow(/does not offer SCRAM-SHA-256.*it offers PLAIN/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
