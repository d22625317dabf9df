import { Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka';
import { Kafka, logLevel } from 'kafkajs';
import { expect, test } from 'vitest';
import { MockCluster } from '../../packages/mock-cluster/src/index.ts';

test('kafkajs produces to the embedded cluster and reads it back as a group', async () => {
  await using cluster = await MockCluster.start({ brokers: 2, topics: { orders: 3 } });
  const kafka = new Kafka({ clientId: 'guest', brokers: cluster.brokers, logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ idempotent: true });
  await producer.connect();
  const messages = Array.from({ length: 200 }, (_, i) => ({ key: `k${i}`, value: `v${i}` }));
  await producer.send({ topic: 'orders', messages });
  await producer.disconnect();
  const logged = cluster.log('orders');
  expect(logged.map(({ value }) => value).sort()).toEqual(messages.map(({ value }) => value).sort());
  const [batch] = cluster.batches('orders', 0);
  expect(batch![16]).toBe(2);
  const consumer = kafka.consumer({ groupId: 'readers' });
  await consumer.connect();
  await consumer.subscribe({ topic: 'orders', fromBeginning: true });
  const seen: string[] = [];
  await new Promise<void>((resolve) => {
    void consumer.run({
      eachMessage: async ({ message }) => {
        seen.push(`${message.key}=${message.value}`);
        if (seen.length === messages.length) resolve();
      },
    });
  });
  expect(seen.sort()).toEqual(messages.map(({ key, value }) => `${key}=${value}`).sort());
  await consumer.disconnect();
});

test("platformatic's client produces to the embedded cluster and reads it back as a group", async () => {
  await using cluster = await MockCluster.start({ brokers: 2, topics: { orders: 2 } });
  const common = { clientId: 'guest', bootstrapBrokers: cluster.brokers };
  const producer = new Producer({ ...common, serializers: stringSerializers, idempotent: true });
  const messages = Array.from({ length: 100 }, (_, i) => ({ topic: 'orders', key: `k${i}`, value: `v${i}` }));
  await producer.send({ messages, acks: -1 });
  await producer.close();
  expect(cluster.log('orders')).toHaveLength(messages.length);
  const consumer = new Consumer({ ...common, groupId: 'readers', deserializers: stringDeserializers });
  const stream = await consumer.consume({ topics: ['orders'], mode: 'earliest', autocommit: true, maxWaitTime: 500 });
  const seen: string[] = [];
  for await (const { key, value } of stream) {
    seen.push(`${key}=${value}`);
    if (seen.length === messages.length) break;
  }
  expect(seen.sort()).toEqual(messages.map(({ key, value }) => `${key}=${value}`).sort());
  await consumer.close(true);
});
