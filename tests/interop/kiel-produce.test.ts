import { describe, expect, test } from 'vitest';
import { type KafkaAccess, requireKafka } from '../../tools/kafka/index.ts';
import { freePort } from '../../tools/kafka/ports.ts';
import { consumeByJava, firstDifference, produceByJava } from './java-tools.ts';
import { runKiel } from './kiel-command.ts';
import { sharedKafka } from './shared.ts';

const partitions = 6;

/** Values of many lengths, text of all kinds, keys that come again far apart. */
const rows = Array.from({ length: 100_000 }, (_, i) => {
  const key = `${['kunde', 'клиент', '顧客'][i % 3]}-${(i * 7919) % 5003}`;
  return { key, value: JSON.stringify({ id: key, n: i, note: 'Grüße 🦊 '.repeat(i % 9), pad: 'x'.repeat(i % 97) }) };
});

interface Stored {
  partition: number;
  offset: number;
  key: string;
  value: string;
}

/** The whole topic as Java's console consumer prints it. */
async function readBack(kafka: KafkaAccess, topic: string, count: number): Promise<Stored[]> {
  const properties = ['print.partition=true', 'print.offset=true', 'print.key=true'];
  const lines = await consumeByJava(kafka, topic, count, { properties });
  return lines.map((line) => {
    const [partition, offset, key, ...value] = line.split('\t');
    return {
      partition: Number(partition?.replace('Partition:', '')),
      offset: Number(offset?.replace('Offset:', '')),
      key: key ?? '',
      value: value.join('\t'),
    };
  });
}

/** End offsets by Java's own tool. */
async function endOffsets(kafka: KafkaAccess, topic: string): Promise<number[]> {
  const { stdout } = await kafka.runTool('getOffsets', ['--bootstrap-server', kafka.bootstrap, '--topic', topic]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => Number(line.split(':')[2]));
}

const total = (offsets: readonly number[]) => offsets.reduce((sum, offset) => sum + offset, 0);

describe.skipIf(!requireKafka()).each(['4.4.0', '3.9.2'])('kiel produce into Kafka %s', (version) => {
  test('100,000 lines are there once, with their keys and values, in order within each partition', async () => {
    const kafka = await sharedKafka(version);
    const topic = 'kiel-produce';
    await kafka.createTopic(topic, { partitions });
    const input = `${rows.map(({ value }) => value).join('\n')}\n`;
    const args = ['produce', '-b', kafka.bootstrap, '-t', topic, '--key-field', 'id', '--compression', 'lz4', '-'];
    const { code, stdout, stderr } = await runKiel(args, input);
    expect({ code, stderr: stderr.trim() }, stderr).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('100,000 records stored');

    expect(total(await endOffsets(kafka, topic))).toBe(rows.length);
    const stored = await readBack(kafka, topic, rows.length);
    const placeOf = new Map(stored.map(({ key, partition }) => [key, partition]));
    for (let partition = 0; partition < partitions; partition++) {
      const found = stored.filter((record) => record.partition === partition);
      const expected = rows.filter(({ key }) => placeOf.get(key) === partition);
      expect(found.map(({ offset }) => offset)).toEqual(expected.map((_, i) => i));
      const lines = (list: readonly { key: string; value: string }[]) =>
        list.map(({ key, value }) => `${key}\t${value}`);
      expect(firstDifference(lines(found), lines(expected)), `partition ${partition}`).toBeUndefined();
    }
  });

  test('a key goes to the partition that the Java producer gives it', async () => {
    const kafka = await sharedKafka(version);
    const keys = [...new Set(rows.slice(0, 600).map(({ key }) => key)), 'a', ' ', '🦊', 'x'.repeat(300)];
    await kafka.createTopic('by-kiel', { partitions });
    await kafka.createTopic('by-java', { partitions });
    const lines = keys.map((key) => `${key}\tvalue`);
    const args = ['produce', '-b', kafka.bootstrap, '-t', 'by-kiel', '--key-separator', '\t', '--quiet', '-'];
    const [ended] = await Promise.all([
      runKiel(args, `${lines.join('\n')}\n`),
      produceByJava(kafka, 'by-java', lines, 'none'),
    ]);
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
    const placed = async (topic: string) => {
      const stored = await readBack(kafka, topic, keys.length);
      return stored.map(({ key, partition }) => `${key} in ${partition}`).sort();
    };
    expect(firstDifference(await placed('by-kiel'), await placed('by-java'))).toBeUndefined();
  });
});

describe.skipIf(!requireKafka())('kiel produce with something wrong', () => {
  test('lines that are no JSON are named by number, the others are stored, and the exit code is 1', async () => {
    const kafka = await sharedKafka('4.4.0');
    await kafka.createTopic('bad-lines', { partitions: 1 });
    const input = '{"id":"a"}\nnonsense\n{"id":"b"}\n{"id":\n{"id":"c"}\n';
    const args = ['produce', '-b', kafka.bootstrap, '-t', 'bad-lines', '--format', 'json', '--key-field', 'id', '-'];
    const { code, stderr } = await runKiel(args, input);
    expect(code).toBe(1);
    expect(stderr).toMatch(/line 2\b/i);
    expect(stderr).toMatch(/line 4\b/i);
    const stored = await readBack(kafka, 'bad-lines', 3);
    expect(stored.map(({ key, value }) => [key, value])).toEqual([
      ['a', '{"id":"a"}'],
      ['b', '{"id":"b"}'],
      ['c', '{"id":"c"}'],
    ]);
    expect(await endOffsets(kafka, 'bad-lines')).toEqual([3]);
  });

  test('where nothing listens it ends by its deadline and names each address, with no stack trace', async () => {
    const [first, second] = [await freePort(), await freePort()];
    const addresses = `127.0.0.1:${first},127.0.0.1:${second}`;
    const { code, stderr } = await runKiel(['produce', '-b', addresses, '-t', 'orders', '--timeout', '2', '-'], 'a\n');
    expect(code).toBe(1);
    expect(stderr).toContain(`127.0.0.1:${first}`);
    expect(stderr).toContain(`127.0.0.1:${second}`);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});
