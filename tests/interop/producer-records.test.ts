import { type Compression, readBatches } from '@kiel/codec';
import { nodeCompressions } from '@kiel/codec/node';
import { createProducer } from '@kiel/producer';
import { describe, expect, test } from 'vitest';
import { isAtLeast, requireKafka } from '../../tools/kafka/index.ts';
import { BareClient } from './client.ts';
import { consumeByJava, firstDifference } from './java-tools.ts';
import { sharedKafka } from './shared.ts';

const versions = ['4.4.0', '3.9.2', '2.8.2', '1.1.1', '0.10.2.2'];
const time = 1_750_000_000_000;

function rows(compression: Compression): { key: string; value: string; at: number }[] {
  return Array.from({ length: 1000 }, (_, i) => ({
    key: `${compression}-${i % 11}-ключ`,
    value: `${i} ${'grüße 🦊 '.repeat(i % 30)}`,
    at: time + i,
  }));
}

describe.skipIf(!requireKafka()).each(versions)('records of the producer in Kafka %s', (version) => {
  const compressions: Compression[] = ['none', 'gzip', 'snappy', 'lz4'];
  if (isAtLeast(version, '2.1')) compressions.push('zstd');

  test('they arrive in the compression asked for, and Java reads them', async () => {
    const kafka = await sharedKafka(version);
    const topic = 'producer-records';
    await kafka.createTopic(topic);
    using client = await BareClient.open(kafka);
    const lines: string[] = [];
    const arrived: string[] = [];
    for (const compression of compressions) {
      const before = await client.endOffset(topic, 0);
      await using producer = createProducer({
        brokers: [kafka.bootstrap],
        compression: compression === 'none' ? null : compression,
        lingerMs: 5,
      });
      const deliveries = rows(compression).map(({ key, value, at }) =>
        producer.produce(topic, Buffer.from(value), { key, timestampMs: at }),
      );
      const offsets = (await Promise.all(deliveries)).map(({ offset }) => offset);
      expect(offsets).toEqual(offsets.map((_, i) => before + BigInt(i)));
      lines.push(...rows(compression).map(({ key, value }) => `${key}\t${value}`));
      for (const field of await client.fetchAll(topic, 0)) {
        for (const batch of readBatches(field, { compressions: nodeCompressions })) {
          if (batch.lastOffset >= before) arrived.push(`${compression} as ${batch.compression}, magic ${batch.magic}`);
        }
      }
    }
    const magic = isAtLeast(version, '0.11') ? 2 : 1;
    expect([...new Set(arrived)]).toEqual(compressions.map((each) => `${each} as ${each}, magic ${magic}`));
    const found = await consumeByJava(kafka, topic, lines.length);
    expect(firstDifference(found, lines)).toBeUndefined();
  });
});
