import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type KafkaAccess, requireKafka } from '../../tools/kafka/index.ts';
import { runKiel } from './kiel-command.ts';
import { sharedKafka } from './shared.ts';

const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** What Java's log dumper and `kiel decode --json` both say of a record. */
interface Shown {
  offset: number;
  timestamp: number;
  keySize: number;
  valueSize: number;
  key: string | null;
  value: string | null;
}

function segmentsOf(kafka: KafkaAccess, folderName: string): string[] {
  return kafka.logDirs
    .map((dir) => join(dir, folderName))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)))
    .filter((file) => file.endsWith('.log'));
}

async function dump(kafka: KafkaAccess, segment: string, ...flags: string[]): Promise<string[]> {
  const args = ['--files', segment, '--print-data-log', '--deep-iteration', ...flags];
  const { stdout } = await kafka.runTool('dumpLogSegments', args);
  return stdout.split('\n');
}

const line =
  /^\| offset: (\d+) (?:CreateTime|LogAppendTime): (-?\d+) keySize: (-?\d+) valueSize: (-?\d+).*?headerKeys: \[.*?\](?: key: (.*?))?(?: payload: (.*))?$/;

async function shownByJava(kafka: KafkaAccess, segment: string): Promise<Shown[]> {
  return (await dump(kafka, segment)).flatMap((text) => {
    const match = line.exec(text);
    if (match === null) return [];
    const [, offset, timestamp, keySize, valueSize, key, value] = match;
    const sizes = { keySize: Number(keySize), valueSize: Number(valueSize) };
    return [{ offset: Number(offset), timestamp: Number(timestamp), ...sizes, key: key ?? null, value: value ?? null }];
  });
}

const sizeOf = (text: string | null) => (text === null ? -1 : Buffer.byteLength(text));

async function shownByKiel(segment: string): Promise<Record<string, unknown>[]> {
  const { code, stdout, stderr } = await runKiel(['decode', '--json', segment]);
  expect([code, stderr]).toEqual([0, '']);
  return stdout
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => JSON.parse(text) as Record<string, unknown>);
}

describe.skipIf(!requireKafka()).each(['4.4.0', '3.9.2'])('kiel decode of what Kafka %s wrote', (version) => {
  test('agrees with Java’s log dumper on every record, in every compression, and its indexes fit', async () => {
    const kafka = await sharedKafka(version);
    const topic = 'kiel-decode';
    await kafka.createTopic(topic, { config: { 'segment.bytes': '1048576', 'index.interval.bytes': '1024' } });
    const rows = Array.from({ length: 800 }, (_, n) =>
      JSON.stringify({ id: `ключ-${n % 7}`, n, pad: 'x'.repeat(n % 300) }),
    );
    for (const compression of compressions) {
      const args = [
        'produce',
        '-b',
        kafka.bootstrap,
        '-t',
        topic,
        '--key-field',
        'id',
        '-H',
        'h=1',
        '--compression',
        compression,
      ];
      const { code, stderr } = await runKiel([...args, '-X', 'batch.size=16384'], rows.join('\n'));
      expect([code, stderr]).toEqual([0, '']);
    }
    const segments = segmentsOf(kafka, `${topic}-0`);
    const byJava: Shown[] = [];
    const byKiel: Shown[] = [];
    for (const segment of segments) {
      byJava.push(...(await shownByJava(kafka, segment)));
      for (const { offset, timestamp, key, value } of (await shownByKiel(segment)) as unknown as Shown[]) {
        byKiel.push({ offset, timestamp, keySize: sizeOf(key), valueSize: sizeOf(value), key, value });
      }
      const { code, stdout } = await runKiel(['decode', segment]);
      expect(code, stdout).toBe(0);
      expect(stdout).toContain('0 faults; .index and .timeindex checked');
    }
    expect(byKiel).toHaveLength(rows.length * compressions.length);
    expect(byKiel).toEqual(byJava);
    expect(byKiel.slice(0, rows.length).map(({ value }) => value)).toEqual(rows);
  });
});

describe.skipIf(!requireKafka())('kiel decode of Kafka’s own topics', () => {
  test('reads the records of __cluster_metadata as Java does', async () => {
    const kafka = await sharedKafka('4.4.0');
    await kafka.createTopic('kiel-decode-metadata', { partitions: 2 });
    const [segment] = segmentsOf(kafka, '__cluster_metadata-0');
    const byJava = await dump(kafka, segment!, '--cluster-metadata-decoder');
    // The log grows all the time: it holds more now than Java saw.
    const byKiel = await shownByKiel(segment!);
    let compared = 0;
    for (const text of byJava) {
      const match = /^\| offset: (\d+) .*? payload: (\{.*\})$/.exec(text);
      if (match === null) continue;
      const java = JSON.parse(match[2]!) as { version: number; data: Record<string, unknown> };
      const kiel = byKiel.find(({ offset }) => offset === Number(match[1]))!['decoded'] as {
        value: { version: number; value: Record<string, unknown> };
      };
      // Java leaves out what the version does not have; kiel gives its default.
      expect(kiel.value.version).toBe(java.version);
      expect(kiel.value.value).toMatchObject(java.data);
      compared++;
    }
    expect(compared).toBeGreaterThan(10);
  });
});
