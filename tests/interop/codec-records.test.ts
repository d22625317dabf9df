import {
  type Compression,
  createLz4,
  MessageSetBuilder,
  type RecordBatch,
  RecordBatchBuilder,
  readBatches,
} from '@kiel/codec';
import { nodeCompressions } from '@kiel/codec/node';
import { describe, expect, test } from 'vitest';
import { isAtLeast, requireKafka } from '../../tools/kafka/index.ts';
import { BareClient } from './client.ts';
import { consumeByJava, firstDifference, produceByJava } from './java-tools.ts';
import { sharedKafka } from './shared.ts';

const text = (bytes: Uint8Array | null) => (bytes === null ? 'null' : Buffer.from(bytes).toString('utf8'));
const time = 1_750_000_000_000;

/** Some long, some outside ASCII, many alike so that compression has work to do. */
function rows(compression: Compression): { key: string; value: string; at: number }[] {
  return Array.from({ length: 500 }, (_, i) => ({
    key: `${compression}-${i % 7}-ключ`,
    value: `${i} ${'grüße 🦊 '.repeat(i % 40)}${compression}`,
    at: time + i,
  }));
}

function compressionsOf(version: string): Compression[] {
  const old: Compression[] = ['none', 'gzip', 'snappy', 'lz4'];
  return isAtLeast(version, '2.1') ? [...old, 'zstd'] : old;
}

/** The format that the broker keeps: batches since 0.11, before that message sets. */
function magicOf(version: string): 0 | 1 | 2 {
  return isAtLeast(version, '0.11') ? 2 : isAtLeast(version, '0.10') ? 1 : 0;
}

function recordsOf(compression: Compression, magic: 0 | 1 | 2): Uint8Array {
  return magic === 2 ? batchOf(compression) : messageSetOf(compression, magic);
}

function batchOf(compression: Compression): Uint8Array {
  const builder = new RecordBatchBuilder({ limitBytes: 1 << 22 });
  for (const { key, value, at } of rows(compression)) {
    expect(builder.tryAppend(at, key, value, [['trace', `${at}`]])).toBe(true);
  }
  if (compression === 'none') return builder.seal();
  return builder.sealCompressed(compression, nodeCompressions[compression].compress(builder.body()));
}

function messageSetOf(compression: Compression, magic: 0 | 1): Uint8Array {
  const builder = new MessageSetBuilder({ magic });
  for (const { key, value, at } of rows(compression)) builder.append(at, key, value);
  if (compression === 'none') return builder.entries();
  if (compression === 'zstd') throw new Error('zstd came with batches');
  // Brokers of magic 0 refuse LZ4 whose header checksum is the right one (KAFKA-3160).
  const isOldLz4 = compression === 'lz4' && magic === 0;
  return builder.wrapped(
    compression,
    isOldLz4 ? createLz4({ oldHeaderChecksum: true }) : nodeCompressions[compression],
  );
}

const versions = ['4.4.0', '3.9.2', '2.8.2', '1.1.1', '0.10.2.2', '0.8.2.2'];

describe.skipIf(!requireKafka()).each(versions)('records between the codec and Kafka %s', (version) => {
  test("Java's console consumer reads what the codec wrote, in every compression", async () => {
    const kafka = await sharedKafka(version);
    const topic = 'codec-to-java';
    await kafka.createTopic(topic);
    using client = await BareClient.open(kafka);
    const compressions = compressionsOf(version);
    for (const compression of compressions) await client.produce(topic, 0, recordsOf(compression, magicOf(version)));
    const printsAll = isAtLeast(version, '2.7');
    const properties = ['print.key=true', ...(printsAll ? ['print.timestamp=true', 'print.headers=true'] : [])];
    const expected = compressions.flatMap((compression) =>
      rows(compression).map(({ key, value, at }) =>
        printsAll ? `CreateTime:${at}\ttrace:${at}\t${key}\t${value}` : `${key}\t${value}`,
      ),
    );
    const found = await consumeByJava(kafka, topic, expected.length, { properties });
    expect(firstDifference(found, expected)).toBeUndefined();
    expect(await client.endOffset(topic, 0)).toBe(BigInt(expected.length));
  });

  test("the codec reads what Java's console producer wrote, in every compression", async () => {
    const kafka = await sharedKafka(version);
    using client = await BareClient.open(kafka);
    const compressions = compressionsOf(version);
    const topicOf = (compression: Compression) => `java-to-codec-${compression}`;
    const sentIn = (compression: Compression) => rows(compression).map(({ key, value }) => `${key}\t${value}`);
    for (const compression of compressions) await kafka.createTopic(topicOf(compression));
    await Promise.all(compressions.map((each) => produceByJava(kafka, topicOf(each), sentIn(each), each)));
    for (const compression of compressions) {
      const sent = sentIn(compression);
      const batches: RecordBatch[] = [];
      for (const field of await client.fetchAll(topicOf(compression), 0)) {
        batches.push(...readBatches(field, { compressions: nodeCompressions }));
      }
      const records = batches.flatMap((batch) => [...batch]);
      const found = records.map(({ key, value }) => `${text(key)}\t${text(value)}`);
      expect(firstDifference(found, sent), compression).toBeUndefined();
      expect(records.map(({ offset }) => offset)).toEqual(sent.map((_, i) => BigInt(i)));
      // What was asked for is what is there: a client that falls back in silence would not be noticed otherwise.
      expect(new Set(batches.map((batch) => batch.compression))).toEqual(new Set([compression]));
      expect(new Set(batches.map((batch) => batch.magic))).toEqual(new Set([magicOf(version)]));
    }
  });
});
