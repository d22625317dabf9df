import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createProducer } from '../../packages/producer/src/index.ts';
import { readOtlp } from '../../packages/producer/test/telemetry/otlp.ts';
import { type KafkaCluster, requireKafka, startKafka } from '../../tools/kafka/index.ts';
import { compileJava } from '../../tools/telemetry/compile.ts';
import { absent } from '../../tools/telemetry/java-parity.ts';

interface Push {
  readonly client: string;
  readonly terminating: boolean;
  readonly bytes: Buffer;
  readonly names: readonly string[];
}

const version = '4.4.0';

/** Brokers ask nobody for metrics before they are told to. */
async function subscribe(kafka: KafkaCluster, name: string, metrics: string): Promise<void> {
  const set = `interval.ms=100,metrics=[${metrics}]`;
  const where = ['--bootstrap-server', kafka.bootstrap, '--entity-type', 'client-metrics', '--entity-name', name];
  await kafka.run('org.apache.kafka.tools.ConfigCommand', [...where, '--alter', '--add-config', set]);
}

describe.skipIf(!requireKafka())('a real broker with a plugin takes metrics', () => {
  test('those of kiel are read by OpenTelemetry’s own classes, and have the names of Java’s', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kiel-telemetry-'));
    const file = join(folder, 'pushes.txt');
    try {
      await compileJava(version, ['MetricsReceiver', 'ProducerMetricNames'], folder);
      await using kafka = await startKafka({
        version,
        classFolder: folder,
        jvmFlags: [`-Dmetrics.receiver.file=${file}`],
        config: { 'metric.reporters': 'MetricsReceiver' },
      });
      await kafka.createTopic('measured', { partitions: 2 });
      await subscribe(kafka, 'all', '*');
      const pushesOf = (client: string): Push[] => readPushes(file).filter((push) => push.client === client);

      const producer = createProducer({ brokers: kafka.bootstrap, clientId: 'kiel-metrics', rack: 'east-1' });
      for (let i = 0; i < 100; i++) await producer.produce('measured', i);
      await until(() => pushesOf('kiel-metrics').length >= 3);
      await producer.produce('measured', 'last');
      await producer.close();
      // A slow broker has some of them sent again, which counts, as in Java.
      const total = producer.metrics().client['record-send-total']!;
      expect(total).toBeGreaterThanOrEqual(101);
      const pushes = pushesOf('kiel-metrics');
      expect(pushes.at(-1)!.terminating).toBe(true);
      expect(pushes.filter(({ terminating }) => terminating).length).toBe(1);
      const read = pushes.map(({ bytes }) => readOtlp(bytes));
      expect(read[0]!.labels).toEqual({ client_rack: 'east-1' });
      const sent = read.flatMap(({ points }) =>
        points.filter(({ name }) => name.endsWith('producer.record.send.total')),
      );
      expect(sent.reduce((sum, { value }) => sum + value, 0)).toBe(total);

      // What Java's producer tells the same broker has the same names.
      await kafka.run('ProducerMetricNames', [kafka.bootstrap, 'measured']);
      const java = namesOf(pushesOf('java'), 'org.apache.kafka.producer.');
      const ours = namesOf(pushes, 'org.apache.kafka.producer.');
      expect(java.size).toBeGreaterThan(20);
      const absentNames = Object.keys(absent).map((name) => `org.apache.kafka.producer.${name.replaceAll('-', '.')}`);
      const notMeasured = /\.(reauthentication\.latency|request\.latency|txn\.prepare)\./;
      const missing = [...java].filter(
        (name) => !ours.has(name) && !absentNames.includes(name) && !notMeasured.test(name),
      );
      expect(missing).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

function readPushes(file: string): Push[] {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // Nothing was pushed yet.
  }
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [client = '', terminating, bytes = '', ...names] = line.split(' ');
      return { client, terminating: terminating === 'true', bytes: Buffer.from(bytes, 'base64'), names };
    });
}

function namesOf(pushes: readonly Push[], beginning: string): Set<string> {
  return new Set(pushes.flatMap(({ names }) => names).filter((name) => name.startsWith(beginning)));
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error('it did not come to be');
    await sleep(100);
  }
}
