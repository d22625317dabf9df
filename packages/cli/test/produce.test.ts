import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockCluster } from '@kiel/mock-cluster';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runKiel } from './run-kiel.ts';

const folder = mkdtempSync(join(tmpdir(), 'kiel-produce-'));
let cluster: MockCluster;
let brokers: string;

beforeAll(async () => {
  cluster = await MockCluster.start({ brokers: 3, autoCreateTopics: false });
  brokers = cluster.brokers.join(',');
});

afterAll(async () => {
  await cluster.stop();
  rmSync(folder, { recursive: true });
});

let topics = 0;

function newTopic(partitions = 1): string {
  const name = `topic-${++topics}`;
  cluster.createTopic(name, { partitions });
  return name;
}

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const text = (bytes: unknown) => (bytes instanceof Uint8Array ? Buffer.from(bytes).toString() : bytes);

function logOf(topic: string, partition?: number) {
  return cluster
    .log(topic, partition)
    .map(({ keyBytes, valueBytes }) => ({ key: text(keyBytes), value: text(valueBytes) }));
}

const produce = (topic: string, args: string[], input: string | Uint8Array = '') =>
  runKiel(['produce', '-b', brokers, '-t', topic, ...args], { input });

describe('records', () => {
  test('every line arrives as it is, in order, with its bytes unchanged', async () => {
    const topic = newTopic();
    const lines = ['plain', '', 'Łódź 寿司 🌮', ' spaces ', '"quoted"'];
    const { code, stdout, stderr } = await produce(topic, [], lines.join('\n') + '\n');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`^5 records stored in topic ${topic} \\(1 partition\\) in .*, 1 batch\\.\n$`));
    expect(logOf(topic).map(({ value }) => value)).toEqual(lines);
    expect(logOf(topic).every(({ key }) => key === null)).toBe(true);
  });

  test('bytes that are no text pass through a line', async () => {
    const topic = newTopic();
    const bytes = Uint8Array.of(0xff, 0x00, 0xc3, 0x0a, 0x80);
    expect((await produce(topic, [file('raw', bytes)])).code).toBe(0);
    expect(cluster.log(topic, 0).map(({ value }) => value && Buffer.from(value as Uint8Array).toString('hex'))).toEqual(
      ['ff00c3', '80'],
    );
  });

  test('keyed orders keep their order within a key, over six partitions', async () => {
    const topic = newTopic(6);
    const rows = Array.from({ length: 3000 }, (_, index) => JSON.stringify({ id: `kü-${index % 17}`, n: index }));
    const { code, stdout } = await produce(topic, ['--key-field', 'id', '--json', file('keyed', rows.join('\n'))]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ accepted: 3000, stored: 3000, failed: 0, refused: 0 });
    const seen = new Map<unknown, { partition: number; rows: unknown[] }>();
    for (let partition = 0; partition < 6; partition++) {
      for (const { key, value } of logOf(topic, partition)) {
        const known = seen.get(key) ?? { partition, rows: [] };
        expect(known.partition).toBe(partition);
        known.rows.push(value);
        seen.set(key, known);
      }
    }
    expect(seen.size).toBe(17);
    for (const [key, { rows: found }] of seen) {
      expect(found).toEqual(rows.filter((row) => (JSON.parse(row) as { id: string }).id === key));
    }
  });

  test.each(['gzip', 'snappy', 'lz4', 'zstd'])(
    '%s: what goes in compressed comes out the same',
    async (compression) => {
      const topic = newTopic();
      const rows = Array.from({ length: 500 }, (_, index) => `row ${index} ${'x'.repeat(index % 50)}`);
      expect((await produce(topic, ['--compression', compression], rows.join('\n'))).code).toBe(0);
      expect(logOf(topic).map(({ value }) => value)).toEqual(rows);
    },
  );

  test('templates set key, headers, partition and time; the null marker makes tombstones', async () => {
    const topic = newTopic(3);
    const input = '{"id":7,"p":2,"at":"2026-03-02T05:30:00Z"}\n';
    const flags = [
      '--key',
      'o-{id}',
      '-H',
      'source=test',
      '-H',
      'id={id}',
      '--partition',
      '{p}',
      '--timestamp',
      '{at}',
    ];
    expect((await produce(topic, flags, input)).code).toBe(0);
    const [record] = cluster.log(topic, 2);
    expect(record!.key).toBe('o-7');
    expect(record!.timestampMs).toBe(Date.UTC(2026, 2, 2, 5, 30));
    expect(record!.headers).toEqual([
      ['source', 'test'],
      ['id', '7'],
    ]);
    const second = newTopic();
    expect((await produce(second, ['-K', '=', '--null-value', 'NULL'], 'a=1\na=NULL\n')).code).toBe(0);
    expect(logOf(second).map(({ key, value }) => [key, value])).toEqual([
      ['a', '1'],
      ['a', null],
    ]);
  });

  test('CSV rows and length-prefixed blocks are formats like any other', async () => {
    const topic = newTopic();
    const csv = await produce(
      topic,
      ['-f', 'csv', '--key', '{id}', '--value', '{name}'],
      'id,name\n1,"Köln, ""Süd"""\n',
    );
    expect([csv.code, logOf(topic).map(({ key, value }) => [key, value])]).toEqual([0, [['1', 'Köln, "Süd"']]]);
    const second = newTopic();
    const pairs = Buffer.from([0, 0, 0, 1, 107, 0, 0, 0, 2, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255]);
    expect((await produce(second, ['-f', 'binary-pairs'], pairs)).code).toBe(0);
    expect(
      cluster.log(second, 0).map(({ keyBytes, valueBytes }) => [keyBytes, valueBytes].map((part) => part && [...part])),
    ).toEqual([
      [[107], [0, 255]],
      [null, null],
    ]);
  });
});

describe('lines that cannot be sent', () => {
  test('each is named by its number, the others arrive, and the exit code is 1', async () => {
    const topic = newTopic();
    const { code, stdout, stderr } = await produce(topic, ['-f', 'json'], '{"a":1}\nnope\n\n[2]\n{"a":\n"last"');
    expect(code).toBe(1);
    expect(stderr.match(/^line \d+/gm)).toEqual(['line 2', 'line 5']);
    expect(stdout).toMatch(/^3 records stored .*; 2 refused\.\n$/);
    expect(logOf(topic).map(({ value }) => value)).toEqual(['{"a":1}', '[2]', '"last"']);
  });

  test('a flood of them is counted, not printed', async () => {
    const topic = newTopic();
    const { code, stdout, stderr } = await produce(topic, ['-f', 'json', '--json'], 'no\n'.repeat(5000) + '1\n');
    expect(code).toBe(1);
    expect(stderr.split('\n').length).toBeLessThan(25);
    expect(JSON.parse(stdout)).toMatchObject({ refused: 5000, stored: 1 });
  });

  test('a record that no broker would take is refused with the reason, and the others arrive', async () => {
    const topic = newTopic();
    const rows = ['small', 'x'.repeat(2_000_000), 'also small'];
    const { code, stdout, stderr } = await produce(topic, ['--json', file('huge', rows.join('\n'))]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/maxRequestBytes|too large|bigger/i);
    expect(JSON.parse(stdout)).toMatchObject({ stored: 2 });
    expect(logOf(topic).map(({ value }) => value)).toEqual(['small', 'also small']);
  });

  test('a binary input that is out of step keeps what came before and says where', async () => {
    const topic = newTopic();
    const { code, stderr } = await produce(topic, ['-f', 'binary'], Buffer.from([0, 0, 0, 1, 65, 127, 0, 0, 0]));
    expect(code).toBe(1);
    expect(stderr).toContain('Byte 5: 2130706432 is not a length');
    expect(logOf(topic).map(({ value }) => value)).toEqual(['A']);
  });
});

describe('in a transaction', () => {
  test('all lines count together once the last is stored', async () => {
    const topic = newTopic(3);
    const { code, stderr } = await produce(topic, ['--transaction', 'load-1'], 'a\nb\nc\n');
    expect([code, stderr]).toEqual([0, '']);
    const seen = cluster.log(topic, undefined, { committed: true }).map(({ value }) => value);
    expect(seen.sort()).toEqual(['a', 'b', 'c']);
    expect(cluster.transaction('load-1')?.state).toBe('CompleteCommit');
  });

  test('one bad line takes everything back', async () => {
    const topic = newTopic();
    const { code, stdout, stderr } = await produce(topic, ['--transaction', 'load-2', '-f', 'json'], '1\n2\nbad\n3\n');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('line 3:');
    expect(stderr).toContain('The transaction was taken back');
    expect(cluster.log(topic, 0, { committed: true })).toEqual([]);
    expect(cluster.transaction('load-2')?.state).toBe('CompleteAbort');
  });
});

describe('a cluster in trouble', () => {
  test('a broker that is killed and comes back costs no record, no order and no exit code', async () => {
    const topic = newTopic(6);
    const rows = Array.from({ length: 4000 }, (_, index) => JSON.stringify({ id: `k${index % 40}`, n: index }));
    const victim = cluster.leader(topic, 0);
    let seen = 0;
    let restarted: Promise<void> | undefined;
    const stop = cluster.observe({ api: 'Produce', topic }, () => {
      seen++;
      if (seen === 2) {
        cluster.killBroker(victim);
        setTimeout(() => {
          restarted = cluster.startBroker(victim);
        }, 300);
      }
    });
    const flags = ['--key-field', 'id', '--json', '-X', 'batch.size=4096', file('outage', rows.join('\n'))];
    const { code, stdout } = await produce(topic, flags);
    stop();
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ stored: 4000, failed: 0 });
    expect(seen).toBeGreaterThan(2);
    const byKey = Map.groupBy(logOf(topic), ({ key }) => key);
    for (const [key, found] of byKey) {
      expect(found.map(({ value }) => value)).toEqual(rows.filter((row) => row.includes(`"${key}"`)));
    }
    while (restarted === undefined) await new Promise((resolve) => setImmediate(resolve));
    await restarted;
  });

  test('records that the brokers do not take are named by their lines: the large ones, and whatever comes after a failure', async () => {
    const topic = newTopic();
    const rule = cluster.on('Produce', { topic, then: 'error TOPIC_AUTHORIZATION_FAILED' });
    const lines = ['short', 'x'.repeat(40_000)].join('\n');
    const { code, stderr } = await produce(topic, ['--linger', '0'], lines);
    rule.remove();
    expect(code).toBe(1);
    expect(stderr).toContain('line 2: TOPIC_AUTHORIZATION_FAILED; it was not stored');
  });

  test('records a broker refuses for good are told with the reason, and the exit code is 1', async () => {
    const topic = newTopic();
    const rule = cluster.on('Produce', { topic, then: 'error TOPIC_AUTHORIZATION_FAILED' });
    const { code, stdout, stderr } = await produce(topic, ['--json'], 'a\nb\n');
    rule.remove();
    expect(code).toBe(1);
    expect(stderr).toMatch(/^2 records were not stored: .*TOPIC_AUTHORIZATION_FAILED/m);
    expect(JSON.parse(stdout)).toMatchObject({
      stored: 0,
      failed: 2,
      failures: [{ code: 'TOPIC_AUTHORIZATION_FAILED' }],
    });
  });

  test('with nothing listening it ends by its deadline, with each address, why, and what to check', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const addresses = `127.0.0.1:${port},no-such-host.invalid:9092`;
    const args = ['produce', '-b', addresses, '-t', 't', '--timeout', '1'];
    const { code, stdout, stderr } = await runKiel(args, { input: 'x\n' });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('No broker could be reached within 1 s');
    expect(stderr).toContain(`127.0.0.1:${port}: nothing listens there (ECONNREFUSED)`);
    expect(stderr).toMatch(/no-such-host\.invalid:9092: the name (is not known|service does not answer)/);
    expect(stderr).toContain('Check that a broker runs there');
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('a peer that is no Kafka is named', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const args = ['produce', '-b', `127.0.0.1:${port}`, '-t', 't', '--timeout', '1'];
    const { code, stderr } = await runKiel(args, { input: 'x\n' });
    server.close();
    expect([code, stderr]).toEqual([1, expect.stringContaining('HTTP, so it is no Kafka')]);
  });
});

describe('called wrongly', () => {
  test.each([
    [['produce', '-b', 'h:1'], '-t, --topic'],
    [['produce', '-t', 't'], 'No broker is given'],
    [['produce', '-b', 'h:1', '-t', 't', '--compresion', 'gzip'], 'Did you mean --compression?'],
    [['produce', '-b', 'h:1', '-t', 't', '--compression', 'rar'], 'Allowed choices are none, gzip, snappy, lz4, zstd'],
    [['produce', '-b', 'h:1', '-t', 't', '/no/such/file'], 'there is no such file'],
    [['produce', '-b', 'h:1', '-t', 't', '--key', '{'], 'the brace at character 1'],
    [['produce', '-b', 'h:1', '-t', 't', '--key', '{a}', '--key-field', 'a'], 'exclude each other'],
    [['produce', '-b', 'h:1', '-t', 't', '--key-field', 'a', '-f', 'lines'], 'has no fields to name'],
    [['produce', '-b', 'h:1', '-t', 't', '-H', 'x'], '--header x has no "="'],
    [['produce', '-b', 'h:1', '-t', 't', '--linger', 'soon'], 'must be a whole number'],
    [['produce', '-b', 'h:p', '-t', 't'], '"h:p" is not an address'],
    [['produce', '-b', 'h:1', '-t', 't', '-X', 'acks=7'], 'option "requiredAcks" must be'],
    [['produce', '-b', 'h:1', '-t', 't', '-X', 'linger.ms'], '-X linger.ms has no "="'],
    [['nonsense'], "unknown command 'nonsense'"],
  ])('%j says what to do in a line or two', async (args, said) => {
    const { code, stdout, stderr } = await runKiel(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(said);
    expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(3);
  });

  test('a topic that does not exist names those that look like it', async () => {
    const topic = newTopic();
    const { code, stderr } = await produce(`${topic}x`, ['--timeout', '1'], 'x\n');
    expect([code, stderr]).toEqual([1, expect.stringContaining(`The cluster has no topic ${topic}x.`)]);
    expect(stderr).toContain(topic);
  });
});

test('a partition that the topic does not have is refused at once, with its line, and the rest is sent', async () => {
  const topic = newTopic(6);
  const input = '{"p":5}\n{"p":77}\n{"p":0}\n';
  const { code, stderr } = await produce(topic, ['--partition', '{p}'], input);
  expect([code, stderr]).toEqual([1, 'line 2: the topic has partitions 0 to 5, and not 77; it was not sent\n']);
  expect([5, 0].map((partition) => logOf(topic, partition).length)).toEqual([1, 1]);
});
