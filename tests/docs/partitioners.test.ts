import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compatibilityPartitioner, Producer, stringSerializers } from '@platformatic/kafka';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { MockCluster } from '../../packages/mock-cluster/src/index.ts';
import { createProducer, type PartitionerOption } from '../../packages/producer/src/index.ts';
import { blocksOf, noteOf } from '../../tools/docs/blocks/extract.ts';
import { root } from '../../tools/docs/blocks/pages.ts';

/** The functions that the page gives to its readers, loaded from the page itself. */
const functions = Object.fromEntries(
  await Promise.all(
    blocksOf('partitioners', readFileSync(join(root, 'docs/migrate/partitioners.md'), 'utf8')).map(async (block) => {
      const name = noteOf(block, 'file');
      return [name, name === undefined ? null : await moduleOf(name, block.code)] as const;
    }),
  ),
) as Record<string, Record<string, unknown>>;

async function moduleOf(name: string, code: string): Promise<unknown> {
  const folder = join(root, '.cache/docs-partitioners');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), code);
  return import(/* @vite-ignore */ join(folder, name));
}

const partitions = 12;
const odd = [
  'a',
  'b',
  'wu',
  '100:48069',
  'Zürich',
  '川端',
  '🌮',
  'k'.repeat(64),
  'kkk',
  'kkkk',
  'kkkkk',
  'kkkkkk',
  'kkkkkkk',
];
const keys = [...odd, ...Array.from({ length: 400 }, (_, i) => `customer-${i * 7919}`)];

/** By key: where the records lie in the log. */
function places(cluster: MockCluster): Map<string, number> {
  return new Map(cluster.log('orders').map(({ key, partition }) => [String(key), partition]));
}

async function ours(partitioner: PartitionerOption): Promise<Map<string, number>> {
  await using cluster = await MockCluster.start({ topics: { orders: partitions } });
  await using producer = createProducer({ brokers: cluster.brokers, partitioner });
  for (const key of keys) producer.produce('orders', 1, { key });
  await producer.flush();
  return places(cluster);
}

async function kafkajs(createPartitioner: (typeof Partitioners)['DefaultPartitioner']): Promise<Map<string, number>> {
  await using cluster = await MockCluster.start({ topics: { orders: partitions } });
  const kafka = new Kafka({ brokers: cluster.brokers, logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner });
  await producer.connect();
  await producer.send({ topic: 'orders', messages: keys.map((key) => ({ key, value: '1' })) });
  await producer.disconnect();
  return places(cluster);
}

async function platformatic(partitioner?: typeof compatibilityPartitioner): Promise<Map<string, number>> {
  await using cluster = await MockCluster.start({ topics: { orders: partitions } });
  const producer = new Producer<string, string, string, string>({
    clientId: 'guest',
    bootstrapBrokers: cluster.brokers,
    serializers: stringSerializers,
    ...(partitioner === undefined ? {} : { partitioner }),
  });
  await producer.send({ messages: keys.map((key) => ({ topic: 'orders', key, value: '1' })), acks: -1 });
  await producer.close();
  return places(cluster);
}

describe('keys land where the old client put them', () => {
  test("kafkajs's DefaultPartitioner is the default here", async () => {
    expect(await ours('default')).toEqual(await kafkajs(Partitioners.DefaultPartitioner));
  });

  test("kafkajs's LegacyPartitioner is the page's function, and not the default", async () => {
    const legacy = await kafkajs(Partitioners.LegacyPartitioner);
    const partitioner = functions['kafkajs-legacy.ts']!['kafkajsLegacy'] as PartitionerOption;
    expect(await ours(partitioner)).toEqual(legacy);
    expect(await ours('default')).not.toEqual(legacy);
  });

  test("platformatic's default is the page's function, and not the default", async () => {
    const theirs = await platformatic();
    const partitioner = functions['platformatic.ts']!['platformatic'] as PartitionerOption;
    expect(await ours(partitioner)).toEqual(theirs);
    expect(await ours('default')).not.toEqual(theirs);
  });

  test("platformatic's compatibilityPartitioner is the default here", async () => {
    expect(await ours('default')).toEqual(await platformatic(compatibilityPartitioner));
  });
});

describe("librdkafka's partitioners", () => {
  const vectors = JSON.parse(readFileSync(join(root, 'tests/docs/librdkafka-partitions.json'), 'utf8')) as {
    of: Record<string, Record<string, number>>;
  };
  const librdkafka = functions['librdkafka.ts']!['librdkafka'] as (
    hash: string,
    isRandom: boolean,
  ) => PartitionerOption;
  const here: Record<string, PartitionerOption> = {
    consistent_random: 'consistentRandom',
    murmur2_random: 'default',
    consistent: librdkafka('consistent', false),
    murmur2: librdkafka('murmur2', false),
    fnv1a: librdkafka('fnv1a', false),
    fnv1a_random: librdkafka('fnv1a', true),
  };

  for (const [name, expected] of Object.entries(vectors.of)) {
    test(`${name}: keys land where librdkafka put them`, async () => {
      await using cluster = await MockCluster.start({ topics: { orders: partitions } });
      await using producer = createProducer({ brokers: cluster.brokers, partitioner: here[name]! });
      for (const key of Object.keys(expected)) producer.produce('orders', 1, { key });
      await producer.flush();
      expect(Object.fromEntries(places(cluster))).toEqual(expected);
    });
  }
});
