import { existsSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { createProducer } from '@kiel/producer';
import { describe, expect, test } from 'vitest';
import { type KafkaAccess, requireKafka } from '../../tools/kafka/index.ts';
import { runKiel } from './kiel-command.ts';
import { sharedKafka } from './shared.ts';

type Fields = Record<string, string | null>;

/** What Java's log dumper says of each file, in lines of `name: value name: value`. */
async function shownByJava(kafka: KafkaAccess, paths: readonly string[]): Promise<Map<string, Fields[]>> {
  const { stdout } = await kafka.runTool('dumpLogSegments', ['--files', paths.join(',')]);
  const found = new Map<string, Fields[]>();
  let entries: Fields[] = [];
  for (const line of stdout.split('\n')) {
    const path = /^Dumping (.*)$/.exec(line)?.[1];
    if (path !== undefined) {
      entries = [];
      found.set(path, entries);
    } else if (/^(producerId|version|offset|timestamp): /.test(line)) {
      const pairs = [...line.matchAll(/(\w+): (\S+)/g)];
      entries.push(Object.fromEntries(pairs.map(([, name, value]) => [name, plain(value!)])));
    }
  }
  return found;
}

function plain(value: string): string | null {
  const optional = /^OptionalLong(?:\[(-?\d+)\]|\.empty)$/.exec(value);
  return optional === null ? value : (optional[1] ?? null);
}

async function shownByKiel(path: string): Promise<Fields[]> {
  const { code, stdout, stderr } = await runKiel(['decode', '--json', path]);
  expect([code, stderr], path).toEqual([0, '']);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const fields = Object.entries(JSON.parse(line) as Record<string, unknown>);
    return Object.fromEntries(fields.map(([name, value]) => [name, value === null ? null : String(value)]));
  });
}

function filesOf(kafka: KafkaAccess, folderName: string): string[] {
  const folders = kafka.logDirs.map((dir) => join(dir, folderName)).filter((folder) => existsSync(folder));
  return folders.flatMap((folder) => readdirSync(folder).map((file) => join(folder, file))).sort();
}

/** Committed and aborted transactions, plain idempotent batches, and enough bytes for several segments. */
async function fill(kafka: KafkaAccess, topic: string): Promise<void> {
  const brokers = kafka.bootstrap.split(',');
  const value = new Uint8Array(1000).fill(120);
  const writers = Array.from({ length: 3 }, async (_, writer) => {
    await using producer = createProducer({ brokers, transactionalId: `${topic}-${writer}` });
    for (let round = 0; round < 6; round++) {
      await producer.begin();
      await Promise.all(Array.from({ length: 150 }, () => producer.produce(topic, value, { partition: 0 })));
      if (round % 2 === 0) await producer.commit();
      else await producer.abort();
    }
  });
  await Promise.all(writers);
  await using producer = createProducer({ brokers });
  await Promise.all(Array.from({ length: 500 }, () => producer.produce(topic, value, { partition: 0 })));
}

/** Java names the time of a snapshot's entry twice, and the batch not at all where the producer has none. */
function withoutRepeats({ timestamp, ...fields }: Fields): Fields {
  if (!('lastTimestamp' in fields)) return timestamp === undefined ? fields : { timestamp, ...fields };
  if ('lastSequence' in fields) expect(timestamp).toBe(fields['lastTimestamp']);
  return fields;
}

describe.skipIf(!requireKafka()).each(['4.4.0', '3.9.2'])('kiel decode beside a log of Kafka %s', (version) => {
  test('agrees with Java’s log dumper field by field', { timeout: 240_000 }, async () => {
    const kafka = await sharedKafka(version);
    const topic = 'kiel-side-files';
    await kafka.createTopic(topic, { config: { 'segment.bytes': '1048576', 'index.interval.bytes': '16384' } });
    await fill(kafka, topic);
    const files = filesOf(kafka, `${topic}-0`);
    const sides = files.filter((path) => /\.(txnindex|snapshot|index|timeindex)$/.test(path));
    const compared = new Map<string, number>();
    for (const [path, byJava] of await shownByJava(kafka, sides)) {
      const byKiel = await shownByKiel(path);
      expect(byKiel, path).toMatchObject(byJava.slice(0, byKiel.length).map(withoutRepeats));
      // Java takes the room that a broker keeps at the end of an index for one more entry.
      for (const extra of byJava.slice(byKiel.length)) expect(Object.values(extra), path).toContain('0');
      const ending = extname(path);
      compared.set(ending, (compared.get(ending) ?? 0) + byKiel.length);
    }
    expect(compared.get('.txnindex')).toBe(9);
    expect(compared.get('.snapshot')).toBeGreaterThan(4);
    expect(compared.get('.index')).toBeGreaterThan(10);
    expect(compared.get('.timeindex')).toBeGreaterThan(10);
    for (const path of files.filter((each) => each.endsWith('.log'))) {
      const { code, stdout } = await runKiel(['decode', path]);
      expect(code, stdout).toBe(0);
      // A broker begins the file with the first abort.
      expect(stdout.includes('.txnindex checked'), path).toBe(files.includes(path.replace(/log$/, 'txnindex')));
    }
  });

  test('the checkpoints say what the cluster says', async () => {
    const kafka = await sharedKafka(version);
    const topic = 'kiel-checkpoints';
    await kafka.createTopic(topic);
    const shown = await runKiel(['meta', '-b', kafka.bootstrap, '-t', topic, '--json']);
    await using producer = createProducer({ brokers: kafka.bootstrap.split(',') });
    await producer.produce(topic, 'x');
    const of = (name: string) => shownByKiel(filesOf(kafka, `${topic}-0`).find((path) => path.endsWith(name))!);
    const [metadata] = await of('partition.metadata');
    expect(metadata!['topicId']).toMatch(/^[0-9A-Za-z_-]{22}$/);
    expect(shown.stdout).toContain(metadata!['topicId']!);
    expect(await of('leader-epoch-checkpoint')).toEqual([{ epoch: '0', startOffset: '0' }]);
  });
});
