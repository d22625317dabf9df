import { readFileSync } from 'node:fs';

export const peer = { name: 'platformatic', ways: ['batch', 'each'] };

export async function connect({ broker, topic, compression }) {
  const { Producer } = await import('@platformatic/kafka');
  const producer = new Producer({
    clientId: 'bench',
    bootstrapBrokers: [broker],
    idempotent: true,
    acks: -1,
    compression,
    autocreateTopics: false,
  });
  const message = ({ key, value }) => ({ topic, key: key ?? undefined, value });
  return {
    version: JSON.parse(readFileSync(new URL('node_modules/@platformatic/kafka/package.json', import.meta.url), 'utf8'))
      .version,
    sendOne: (record) => producer.send({ messages: [message(record)] }),
    sendMany: (records) => producer.send({ messages: records.map(message) }),
    close: () => producer.close(true),
  };
}
