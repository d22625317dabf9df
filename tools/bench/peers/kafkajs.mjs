import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import zlib from 'node:zlib';

export const peer = { name: 'kafkajs', ways: ['batch', 'each'] };

const require = createRequire(import.meta.url);

export async function connect({ broker, topic, compression }) {
  process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1';
  const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = require('kafkajs');
  const zstd = promisify(zlib.zstdCompress);
  const encoders = {
    LZ4: (bytes) => require('lz4-napi').compressFrame(bytes),
    Snappy: (bytes) => require('snappy').compress(bytes),
    ZSTD: (bytes) => zstd(bytes),
  };
  for (const [type, compress] of Object.entries(encoders)) {
    CompressionCodecs[CompressionTypes[type]] = () => ({ compress: (encoder) => compress(encoder.buffer) });
  }
  const type = { none: 'None', gzip: 'GZIP', snappy: 'Snappy', lz4: 'LZ4', zstd: 'ZSTD' }[compression];
  const settings = { acks: -1, compression: CompressionTypes[type] };
  const kafka = new Kafka({ clientId: 'bench', brokers: [broker], logLevel: logLevel.ERROR });
  const producer = kafka.producer({ idempotent: true, allowAutoTopicCreation: false, maxInFlightRequests: 5 });
  await producer.connect();
  return {
    version: require('kafkajs/package.json').version,
    sendOne: ({ key, value }) => producer.send({ ...settings, topic, messages: [{ key, value }] }),
    sendMany: (records) =>
      producer.sendBatch({
        ...settings,
        topicMessages: [{ topic, messages: records.map(({ key, value }) => ({ key, value })) }],
      }),
    close: () => producer.disconnect(),
  };
}
