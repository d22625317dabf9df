import { createRequire } from 'node:module';

/** This repository's producer as `npm run build` leaves it, with its default options. */
export const peer = { name: 'kiel', ways: ['queue', 'each'] };

const producerPackage = new URL('../../../packages/producer/', import.meta.url);

export async function connect({ broker, topic, compression, producerOptions }) {
  const { createProducer } = await import(new URL('dist/index.js', producerPackage).href);
  const producer = createProducer({
    brokers: [broker],
    compression: compression === 'none' ? null : compression,
    ...producerOptions,
  });
  let failed = null;
  producer.on('deliveryFailed', (event) => {
    failed ??= event.error ?? event;
  });
  const sendOne = ({ key, value }) =>
    key === null ? producer.produce(topic, value) : producer.produce(topic, value, { key });
  return {
    version: createRequire(import.meta.url)(new URL('package.json', producerPackage).pathname).version,
    producer,
    queue: sendOne,
    sendOne,
    ready: () => producer.ready(),
    flush: async () => {
      await producer.flush();
      if (failed !== null) throw failed;
    },
    close: () => producer.close(),
  };
}
