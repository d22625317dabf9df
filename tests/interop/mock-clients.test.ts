import { describe, expect, test } from 'vitest';
import { type LoggedRecord, MockCluster } from '../../packages/mock-cluster/src/index.ts';
import { type KafkaAccess, openKafka, requireKafka } from '../../tools/kafka/index.ts';

/** Java's tools, pointed at an embedded cluster. */
function javaAt(cluster: MockCluster): Promise<KafkaAccess> {
  const brokers = cluster.brokers.map((address, i) => {
    const [host = '', port = ''] = address.split(':');
    return { id: i + 1, host, port: Number(port), ports: { PLAINTEXT: Number(port) }, logDirs: [] };
  });
  return openKafka({ version: '4.4.0', brokers });
}

const perPartition = (records: readonly LoggedRecord[]) => new Set(records.map(({ offset }) => offset)).size;

describe.skipIf(!requireKafka())('real clients use the embedded cluster over TCP', () => {
  test('Java delivers a million records, idempotent and in LZ4, and reads them back', async () => {
    await using cluster = await MockCluster.start({ brokers: 3, topics: { load: 3 }, requestHistory: 0 });
    const java = await javaAt(cluster);
    const settings = [
      'acks=all',
      'enable.idempotence=true',
      'compression.type=lz4',
      'batch.size=262144',
      'linger.ms=5',
    ];
    const produced = await java.runTool('producerPerformance', [
      '--topic',
      'load',
      '--num-records',
      '1000000',
      '--record-size',
      '100',
      '--throughput',
      '-1',
      '--bootstrap-server',
      java.bootstrap,
      '--command-property',
      ...settings,
    ]);
    expect(produced.stdout).toContain('1000000 records sent');
    const ends = [0, 1, 2].map((partition) => cluster.offsets('load', partition).end);
    expect(ends.reduce((a, b) => a + b)).toBe(1_000_000);
    // What arrived, not only that it did: the format, the compression, the producer.
    const [first] = cluster.batches('load', 0);
    expect({ magic: first![16], codec: first![22]! & 7 }).toEqual({ magic: 2, codec: 3 });
    expect(cluster.log('load', 0)[0]!.producerId).toBeGreaterThanOrEqual(0n);
    let read = 0;
    for (const [partition, end] of ends.entries()) {
      const place = ['--topic', 'load', '--partition', String(partition), '--offset', 'earliest'];
      const limit = ['--max-messages', String(end), '--timeout-ms', '60000'];
      const consumed = await java.runTool('consoleConsumer', [
        '--bootstrap-server',
        java.bootstrap,
        ...place,
        ...limit,
      ]);
      read += consumed.stdout.split('\n').filter((line) => line.length === 100).length;
    }
    expect(read).toBe(1_000_000);
  });

  test('Java consumes as a group what its console producer wrote in zstd', async () => {
    await using cluster = await MockCluster.start({ topics: { lines: 2 } });
    const java = await javaAt(cluster);
    const input = Array.from({ length: 500 }, (_, i) => `k${i}\tv${i}`).join('\n');
    const how = ['--reader-property', 'parse.key=true', '--compression-codec', 'zstd'];
    await java.runTool('consoleProducer', ['--topic', 'lines', '--bootstrap-server', java.bootstrap, ...how], {
      input: `${input}\n`,
    });
    const records = cluster.log('lines');
    expect(records).toHaveLength(500);
    expect(perPartition(cluster.log('lines', 0)) + perPartition(cluster.log('lines', 1))).toBe(500);
    const limits = ['--from-beginning', '--max-messages', '500', '--timeout-ms', '60000', '--group', 'readers'];
    const consumed = await java.runTool('consoleConsumer', [
      '--topic',
      'lines',
      '--bootstrap-server',
      java.bootstrap,
      ...limits,
    ]);
    const lines = consumed.stdout.trim().split('\n').sort();
    expect(lines).toEqual(records.map(({ value }) => value as string).sort());
    expect(
      cluster.requests({ api: 'JoinGroup' }).length + cluster.requests({ api: 'SyncGroup' }).length,
    ).toBeGreaterThan(0);
  });
});
