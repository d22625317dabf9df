import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ControlRecord, parseControlRecord, readBatches } from '@kiel/codec';
import * as internalTopics from '@kiel/codec/internal-topics';
import { nodeCompressions } from '@kiel/codec/node';
import { describe, expect, test } from 'vitest';
import { isAtLeast, type KafkaAccess, kafkaJars, requireKafka } from '../../tools/kafka/index.ts';
import { runJava } from '../../tools/kafka/tool.ts';
import { sharedKafka } from './shared.ts';

interface Found {
  /** How many records of each name were read and written back to the same bytes. */
  readonly names: Map<string, number>;
  readonly controls: ControlRecord['type'][];
}

/** Reads the segments of an internal topic as they lie on the disk; every record must come out of the codec as it went in. */
function readTopic(kafka: KafkaAccess, topic: string): Found {
  const names = new Map<string, number>();
  const controls: ControlRecord['type'][] = [];
  for (const segment of segmentsOf(kafka, topic)) {
    for (const batch of readBatches(segment, { compressions: nodeCompressions })) {
      for (const record of batch) {
        if (record.isControl) {
          controls.push(parseControlRecord(record).type);
          continue;
        }
        for (const name of readAndWriteBack(topic, record)) names.set(name, (names.get(name) ?? 0) + 1);
      }
    }
  }
  return { names, controls };
}

function segmentsOf(kafka: KafkaAccess, topic: string): Uint8Array[] {
  return kafka.logDirs.flatMap((logDir) =>
    readdirSync(logDir)
      .filter((folder) => folder.startsWith(`${topic}-`))
      .flatMap((folder) => {
        const files = readdirSync(join(logDir, folder)).filter((file) => /\.(log|checkpoint)$/.test(file));
        return files.map((file) => new Uint8Array(readFileSync(join(logDir, folder, file))));
      }),
  );
}

/** The names of what a record consists of, after its bytes came out of the codec as the broker wrote them. */
function readAndWriteBack(topic: string, { key, value }: Pair): string[] {
  if (!topic.startsWith('__')) return []; // only the markers in it are Kafka's
  if (topic === '__cluster_metadata') {
    if (value === null) return [];
    const decoded = internalTopics.decodeClusterMetadataRecord(value);
    expectSame(internalTopics.encodeClusterMetadataRecord(decoded), value, decoded.name);
    return [decoded.name];
  }
  if (key === null) throw new Error(`${topic}: a record without a key`);
  const decoded = coordinators[topic]!.decode(key, value);
  const again = coordinators[topic]!.encode(decoded);
  expectSame(again.key, key, decoded.key.name);
  expectSame(again.value, value, decoded.key.name);
  return decoded.value === null ? [decoded.key.name] : [decoded.key.name, decoded.value.name];
}

interface Pair {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

interface Coordinator {
  decode(key: Uint8Array, value: Uint8Array | null): internalTopics.CoordinatorRecord;
  encode(record: internalTopics.CoordinatorRecord): Pair;
}

const coordinators: Record<string, Coordinator> = {
  __consumer_offsets: {
    decode: internalTopics.decodeConsumerOffsetsRecord,
    encode: internalTopics.encodeConsumerOffsetsRecord,
  },
  __transaction_state: {
    decode: internalTopics.decodeTransactionStateRecord,
    encode: internalTopics.encodeTransactionStateRecord,
  },
  __share_group_state: {
    decode: internalTopics.decodeShareGroupStateRecord,
    encode: internalTopics.encodeShareGroupStateRecord,
  },
};

function expectSame(found: Uint8Array | null, bytes: Uint8Array | null, name: string): void {
  const hex = (each: Uint8Array | null) => (each === null ? null : Buffer.from(each).toString('hex'));
  expect(hex(found), name).toBe(hex(bytes));
}

/** Makes the broker write of all kinds: a classic group, a group of the new protocol, a share group, transactions. */
async function makeHistory(kafka: KafkaAccess, topic: string): Promise<void> {
  const { bootstrap, version } = kafka;
  await kafka.createTopic(topic, { partitions: 2, config: { 'retention.ms': '3600000' } });
  const producer = ['--topic', topic, '--num-records', '200', '--record-size', '50', '--throughput', '-1'];
  const inTransactions = ['--transactional-id', 'kiel-logs', '--transaction-duration-ms', '10'];
  const perfAt = isAtLeast(version, '4.2')
    ? ['--bootstrap-server', bootstrap]
    : ['--producer-props', `bootstrap.servers=${bootstrap}`];
  await kafka.runTool('producerPerformance', [...producer, ...inTransactions, ...perfAt]);
  const consumer = ['--topic', topic, '--bootstrap-server', bootstrap, '--from-beginning', '--max-messages', '100'];
  const readers = [kafka.runTool('consoleConsumer', [...consumer, '--group', 'classic'])];
  if (isAtLeast(version, '4.2')) {
    const newProtocol = ['--command-property', 'group.protocol=consumer'];
    readers.push(kafka.runTool('consoleConsumer', [...consumer, '--group', 'modern', ...newProtocol]));
    const group = ['--bootstrap-server', bootstrap, '--alter', '--entity-type', 'groups', '--entity-name', 'shared'];
    await kafka.runTool('configs', [...group, '--add-config', 'share.auto.offset.reset=earliest']);
    const share = ['--topic', topic, '--bootstrap-server', bootstrap, '--max-messages', '50', '--group', 'shared'];
    readers.push(kafka.run('org.apache.kafka.tools.consumer.ConsoleShareConsumer', share));
  }
  await Promise.all(readers);
}

describe.skipIf(!requireKafka()).each(['4.4.0', '3.9.2'])('the logs that Kafka %s keeps for itself', (version) => {
  test('every record in them reads, and writes back to the same bytes', async () => {
    const kafka = await sharedKafka(version);
    await makeHistory(kafka, 'logs');

    const metadata = readTopic(kafka, '__cluster_metadata');
    const ofMetadata = ['RegisterBrokerRecord', 'TopicRecord', 'PartitionRecord', 'ConfigRecord', 'FeatureLevelRecord'];
    expect([...metadata.names.keys()]).toEqual(expect.arrayContaining(ofMetadata));
    expect(metadata.controls).toContain('leaderChange');

    const groups = readTopic(kafka, '__consumer_offsets');
    expect([...groups.names.keys()]).toEqual(expect.arrayContaining(['OffsetCommitKey', 'OffsetCommitValue']));

    const transactions = readTopic(kafka, '__transaction_state');
    expect(transactions.names.get('TransactionLogValue')).toBeGreaterThan(2);

    const records = readTopic(kafka, 'logs');
    expect(records.controls).toContain('commit');

    if (version !== '4.4.0') return;
    const ofGroups = [
      'ConsumerGroupMemberMetadataValue',
      'ConsumerGroupCurrentMemberAssignmentValue',
      'ShareGroupMetadataValue',
    ];
    expect([...groups.names.keys()]).toEqual(expect.arrayContaining(ofGroups));
    expect([...readTopic(kafka, '__share_group_state').names.keys()]).toContain('ShareSnapshotValue');
  });
});

/** A record of every kind, of default values, as the broker's own classes write it: `topic<TAB>key<TAB>value` in hex. */
async function recordsOfJava(): Promise<[topic: string, record: Pair][]> {
  const source = join(import.meta.dirname, 'java', 'InternalRecords.java');
  const { stdout } = await runJava((await kafkaJars('4.4.0')).classpath, source, []);
  const bytes = (hex: string) => (hex === '' ? null : new Uint8Array(Buffer.from(hex, 'hex')));
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.split('\t') as [string, string, string])
    .map(([topic, key, value]) => [topic, { key: bytes(key), value: bytes(value) }]);
}

test.skipIf(!requireKafka())(
  'a record of every kind is written with the bytes that Java’s serializers give it',
  async () => {
    const names = new Set<string>();
    for (const [topic, record] of await recordsOfJava()) {
      if (topic === '__remote_log_metadata') {
        const decoded = internalTopics.decodeRemoteLogMetadataRecord(record.value!);
        expectSame(internalTopics.encodeRemoteLogMetadataRecord(decoded), record.value, decoded.name);
        names.add(decoded.name);
      } else for (const name of readAndWriteBack(topic, record)) names.add(name);
    }
    const isOfTopic = (type: string) => type.startsWith('coordinator') || type === 'metadata';
    const all = Object.values(internalTopics).flatMap((each) =>
      typeof each === 'object' && isOfTopic(each.type) ? [each.name] : [],
    );
    expect([...names].sort()).toEqual(all.sort());
  },
);
