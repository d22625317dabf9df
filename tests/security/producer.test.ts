import { createProducer, oauthBearer, type ProducerOptions, type SaslOptions } from '@kiel/producer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireKafka } from '../../tools/kafka/index.ts';
import { secrets } from './secrets.ts';
import { listenerOf, type SecureKafka, startSecureKafka } from './secure-kafka.ts';

describe.skipIf(!requireKafka())('the producer and a real secured broker', () => {
  let secure: SecureKafka;

  beforeAll(async () => {
    secure = await startSecureKafka({ maxReauthMs: 5000 });
    await secure.kafka.createTopic('orders', { partitions: 4 });
  });
  afterAll(() => secure?.[Symbol.asyncDispose]());

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
      await using producer = createProducer({
        ...connection(over),
        sasl: sasls[name]!(listenerOf[over]),
        batchSize: 100,
      });
      const sent = Array.from({ length: 1000 }, (_, i) => producer.produce('orders', { over, name, i }));
      const reports = await Promise.all(sent);
      expect(new Set(reports.map(({ partition, offset }) => `${partition}/${offset}`)).size).toBe(1000);
    });
  }
});
