import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ControlRecord, type Message, parseControlRecord, readBatches } from '@kiel/codec';
import * as internalTopics from '@kiel/codec/internal-topics';
import { nodeCompressions } from '@kiel/codec/node';
import { describe, expect, test } from 'vitest';
import { isAtLeast, type KafkaAccess, requireKafka } from '../../tools/kafka/index.ts';
import { sharedKafka } from './shared.ts';

const messages = internalTopics as unknown as Record<string, Message>;

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
        for (const [decoded, bytes] of partsOf(topic, record)) {
          const again = messages[decoded.name]?.encode(decoded.value, decoded.version) ?? new Uint8Array(0);
          expect(Buffer.from(bytes.subarray(bytes.length - again.length)), decoded.name).toEqual(Buffer.from(again));
          names.set(decoded.name, (names.get(decoded.name) ?? 0) + 1);
        }
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

type Part = [decoded: internalTopics.DecodedRecord, bytes: Uint8Array];

function partsOf(topic: string, record: { key: Uint8Array | null; value: Uint8Array | null }): Part[] {
  const { key, value } = record;
  if (!topic.startsWith('__')) return []; // only the markers in it are Kafka's
  if (topic === '__cluster_metadata') {
    return value === null ? [] : [[internalTopics.decodeClusterMetadataRecord(value), value]];
  }
  if (key === null) throw new Error(`${topic}: a record without a key`);
  const decode = {
    __consumer_offsets: internalTopics.decodeConsumerOffsetsRecord,
    __transaction_state: internalTopics.decodeTransactionStateRecord,
    __share_group_state: internalTopics.decodeShareGroupStateRecord,
  }[topic];
  if (decode === undefined) throw new Error(`no decoder for ${topic}`);
  const decoded = decode(key, value);
  return decoded.value === null || value === null
    ? [[decoded.key, key]]
    : [
        [decoded.key, key],
        [decoded.value, value],
      ];
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
