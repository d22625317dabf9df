import { readFileSync } from 'node:fs';

/** librdkafka through Rust and N-API. Its `zstd` is not built in; each awaited call takes 100 ms, so few are sent. */
export const peer = {
  name: 'kafka-crab',
  ways: ['batch', 'each'],
  compressions: ['none', 'gzip', 'snappy', 'lz4'],
  limits: { sequential: [100, 20] },
};

export async function connect({ broker, topic, compression, lingerMs }) {
  const { KafkaClient } = await import('kafka-crab-js');
  const client = new KafkaClient({ brokers: broker, clientId: 'bench', brokerAddressFamily: 'v4' });
  const producer = client.createProducer({
    configuration: {
      acks: 'all',
      'enable.idempotence': true,
      'linger.ms': String(lingerMs),
      'batch.size': '1000000',
      'compression.type': compression,
      'queue.buffering.max.messages': '200000',
    },
  });
  const message = ({ key, value }) => ({ key: key ?? undefined, payload: value });
  return {
    version: JSON.parse(readFileSync(new URL('node_modules/kafka-crab-js/package.json', import.meta.url), 'utf8'))
      .version,
    sendOne: (record) => producer.send({ topic, messages: [message(record)] }),
    sendMany: (records) => producer.send({ topic, messages: records.map(message) }),
    close: () => producer.flush(),
  };
}
