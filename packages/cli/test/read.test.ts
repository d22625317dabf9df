import { MockCluster } from '@kiel/mock-cluster';
import { createProducer } from '@kiel/producer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runKiel } from './run-kiel.ts';

const AT_MS = Date.UTC(2026, 2, 2);
let cluster: MockCluster;
let brokers: string;

beforeAll(async () => {
  cluster = await MockCluster.start({ brokers: 2, topics: { orders: { partitions: 2 }, empty: { partitions: 1 } } });
  brokers = cluster.brokers.join(',');
  await using producer = createProducer({ brokers: cluster.brokers, compression: 'gzip', lingerMs: 5 });
  for (let n = 0; n < 100; n++) {
    producer.produce('orders', Buffer.from(`v${n}`), { key: `k${n}`, partition: n % 2, timestampMs: AT_MS + n * 1000 });
  }
  producer.produce('orders', null, { key: 'gone', partition: 1, timestampMs: AT_MS + 100_000, headers: [['h', 'ä']] });
  producer.produce('orders', Uint8Array.of(0xff, 0xfe), { partition: 0, timestampMs: AT_MS + 100_000 });
  await producer.flush();
});

afterAll(() => cluster.stop());

const read = async (...args: string[]) => {
  const ended = await runKiel(['read', '-b', brokers, '-t', 'orders', '--json', ...args]);
  const rows = ended.stdout.split('\n').filter((line) => line !== '');
  return {
    ...ended,
    rows: rows.map((row) => JSON.parse(row) as { partition: number; offset: number; value: unknown }),
  };
};

test('all of a topic, each record as one JSON object', async () => {
  const { code, rows } = await read();
  expect(code).toBe(0);
  expect(rows).toHaveLength(102);
  expect(rows.filter(({ partition }) => partition === 1).map(({ offset }) => offset)).toEqual([...Array(51).keys()]);
  expect(rows).toContainEqual({
    partition: 1,
    offset: 50,
    timestamp: AT_MS + 100_000,
    key: 'gone',
    value: null,
    headers: [['h', 'ä']],
  });
  expect(rows).toContainEqual({
    partition: 0,
    offset: 50,
    timestamp: AT_MS + 100_000,
    key: null,
    value: { base64: '//4=' },
  });
});

test('lines give the bytes of the values, with their keys if asked', async () => {
  const { stdout } = await runKiel([
    'read',
    '-b',
    brokers,
    '-t',
    'orders',
    '-p',
    '1',
    '--key-separator',
    '=',
    '--from',
    '48',
  ]);
  expect(stdout).toBe('k97=v97\nk99=v99\ngone=null\n');
});

test('a place is an offset, a number from the end, or a date', async () => {
  const offsets = async (...args: string[]) => (await read('-p', '0', ...args)).rows.map(({ offset }) => offset);
  expect(await offsets('--from', '10', '--to', '13')).toEqual([10, 11, 12]);
  expect(await offsets('--from', '-2')).toEqual([49, 50]);
  expect(await offsets('--from', '-1000', '-n', '1')).toEqual([0]);
  expect(await offsets('--from', '2026-03-02T00:01:35Z')).toEqual([48, 49, 50]);
  expect(await offsets('--from', '2027-01-01')).toEqual([]);
  expect(await offsets('--from', 'end')).toEqual([]);
  expect(await offsets('--to', '2026-03-02T00:00:02Z')).toEqual([0]);
});

test('a range without a record is no fault, and is told beside the output', async () => {
  const nothing = async (...args: string[]) => {
    const { code, stdout, stderr } = await runKiel(['read', '-b', brokers, ...args]);
    expect([code, stdout]).toEqual([0, '']);
    return stderr;
  };
  expect(await nothing('-t', 'empty')).toBe('Topic empty has no record.\n');
  expect(await nothing('-t', 'orders', '--from', 'end', '--json')).toBe(
    'No record of topic orders is in that range: partition 0 has 0 to 50, partition 1 has 0 to 50.\n',
  );
  expect(await nothing('-t', 'orders', '-p', '1', '--from', '7', '--to', '3')).toContain('partition 1 has 0 to 50.');
  expect(await nothing('-t', 'orders', '-n', '0')).toBe('');
});

test('it goes on when a leader moves and a connection is lost', async () => {
  cluster.moveLeader('orders', 0);
  const rule = cluster.on('Fetch', { times: 2, then: 'close' });
  const { code, rows } = await read('--timeout', '5');
  rule.remove();
  expect([code, rows.length]).toEqual([0, 102]);
});

test.each([
  [['-p', '7'], 'has no partition 7'],
  [['--from', 'now'], '--from now is no place'],
  [['--from', '0', '--to', 'end', '--follow'], 'exclude each other'],
])('%j is called wrongly', async (args, said) => {
  const { code, stderr } = await read(...args);
  expect([code, stderr]).toEqual([2, expect.stringContaining(said)]);
});

test('meta shows brokers, topics, leaders and both sides’ versions', async () => {
  const all = await runKiel(['meta', '-b', brokers]);
  expect(all.code).toBe(0);
  expect(all.stdout).toMatch(/^ *1 {2}127\.0\.0\.1:\d+/m);
  expect(all.stdout).toMatch(/^orders +2 +2$/m);
  const one = await runKiel(['meta', '-b', brokers, '-t', 'orders', '--json']);
  expect(JSON.parse(one.stdout)).toMatchObject({
    clusterId: cluster.clusterId,
    topics: [{ name: 'orders', partitions: [{ leaderId: expect.any(Number) }, {}] }],
  });
  const versions = await runKiel(['meta', '-b', brokers, '--versions']);
  expect(versions.stdout).toMatch(/^ *0 {2}Produce +0–13 /m);
  const none = await runKiel(['meta', '-b', brokers, '-t', 'nope']);
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('UNKNOWN_TOPIC_OR_PARTITION (3)')]);
});

test.each(['0.8.2', '0.10.2', '2.8', '4.4'])('Kafka %s: what is produced is read and shown', async (version) => {
  await using other = await MockCluster.start({ version, topics: { orders: { partitions: 2 } } });
  const at = ['-b', other.brokers.join(',')];
  const sent = await runKiel(['produce', ...at, '-t', 'orders', '-K', '='], { input: 'a=1\nb=2\nc=3\n' });
  expect(sent.code).toBe(0);
  const { code, stdout } = await runKiel(['read', ...at, '-t', 'orders', '--key-separator', '=']);
  expect([code, stdout.trim().split('\n').sort()]).toEqual([0, ['a=1', 'b=2', 'c=3']]);
  expect((await runKiel(['meta', ...at])).stdout).toMatch(/^orders +2 /m);
});

test('--follow prints what comes later, until Ctrl-C', async () => {
  const following = runKiel(['read', '-b', brokers, '-t', 'empty', '--follow', '-n', '2']);
  await using producer = createProducer({ brokers: cluster.brokers });
  await producer.produce('empty', Buffer.from('one'));
  await producer.produce('empty', Buffer.from('two'));
  expect(await following).toEqual({ code: 0, stdout: 'one\ntwo\n', stderr: '' });
});
