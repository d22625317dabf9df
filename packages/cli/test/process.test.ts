import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockCluster } from '@kiel/mock-cluster';
import { createProducer } from '@kiel/producer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ended, spawnKiel, startKiel, untilOutput } from './run-kiel.ts';

const folder = mkdtempSync(join(tmpdir(), 'kiel-process-'));
let cluster: MockCluster;
let brokers: string;

beforeAll(async () => {
  cluster = await MockCluster.start({
    topics: { orders: { partitions: 1 }, read: { partitions: 1 } },
    requestHistory: 0,
  });
  brokers = cluster.brokers.join(',');
  await using producer = createProducer({ brokers: cluster.brokers, lingerMs: 5 });
  for (let n = 0; n < 50_000; n++) producer.produce('read', { n, padding: 'x'.repeat(100) });
});

afterAll(async () => {
  await cluster.stop();
  rmSync(folder, { recursive: true });
});

/** Sources of all packages are compiled at each start, beside whatever else runs here. */
const SLOW = 60_000;

test('a reader that leaves ends the command without a word and without a fault', { timeout: SLOW }, async () => {
  const child = startKiel(['read', '-b', brokers, '-t', 'read', '--json']);
  const errors: Buffer[] = [];
  child.stderr!.on('data', (chunk: Buffer) => errors.push(chunk));
  await once(child.stdout!, 'data');
  child.stdout!.destroy();
  const [code] = (await once(child, 'close')) as [number];
  expect([code, Buffer.concat(errors).toString()]).toEqual([0, '']);
});

test('a summary that nobody reads does not cost a record', { timeout: SLOW }, async () => {
  const child = startKiel(['produce', '-b', brokers, '-t', 'orders']);
  child.stdout!.destroy();
  child.stdin!.end('kept\n');
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(0);
  expect(cluster.log('orders', 0).at(-1)!.value).toBe('kept');
});

test('Ctrl-C sends what was read, reports, and exits with 130', { timeout: SLOW }, async () => {
  const before = cluster.log('orders', 0).length;
  const child = startKiel(['produce', '-b', brokers, '-t', 'orders', '--linger', '100', '--json']);
  const result = ended(child);
  const lines = Array.from({ length: 1000 }, (_, n) => `line ${n}`);
  // The last line is not whole yet: half a record is none.
  child.stdin!.write(`${lines.join('\n')}\nline 10`);
  const arrived = new Promise<void>((resolve) => {
    const stop = cluster.observe({ api: 'Produce', topic: 'orders' }, () => {
      stop();
      resolve();
    });
  });
  await arrived;
  child.kill('SIGINT');
  const { code, stdout, stderr } = await result;
  expect(code).toBe(130);
  expect(stderr).toContain('Ctrl-C again quits at once');
  const { accepted, stored, readTo } = JSON.parse(stdout) as { accepted: number; stored: number; readTo: number };
  expect([accepted, stored, readTo]).toEqual([1000, 1000, 1000]);
  expect(stderr).toContain('Reading stopped after line 1000.');
  expect(cluster.log('orders', 0).length - before).toBe(1000);
});

test.each(['produce', 'read', 'bench'])(
  '%s: Ctrl-C before a broker has answered is no failure of the broker',
  {
    timeout: SLOW,
  },
  async (command) => {
    const mute = createServer();
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const child = startKiel([command, '-b', `127.0.0.1:${(mute.address() as AddressInfo).port}`, '-t', 'orders']);
    const result = ended(child);
    const [socket] = (await once(mute, 'connection')) as [Socket];
    socket.on('error', () => {});
    child.kill('SIGINT');
    const { code, stderr } = await result;
    socket.destroy();
    mute.close();
    expect(code).toBe(130);
    expect(stderr).toContain('Stopped before the cluster had answered.');
    expect(stderr).not.toContain('could be reached');
  },
);

test('a second Ctrl-C quits at once, though the brokers answer nothing', { timeout: SLOW }, async () => {
  const rule = cluster.on('Produce', { then: 'mute' });
  const child = startKiel(['produce', '-b', brokers, '-t', 'orders']);
  const result = ended(child);
  child.stdin!.write('stuck\n');
  await new Promise<void>((resolve) => {
    const look = setInterval(() => {
      if (rule.seen === 0) return;
      clearInterval(look);
      resolve();
    }, 10);
  });
  const asked = untilOutput(child, 'stderr', 'quits at once');
  child.kill('SIGINT');
  await asked;
  child.kill('SIGINT');
  const { code } = await result;
  rule.remove();
  expect(code).toBe(130);
});

test('Ctrl-C takes an open transaction back, and exits with 130', { timeout: SLOW }, async () => {
  const before = cluster.log('orders', 0, { committed: true }).length;
  const child = startKiel(['produce', '-b', brokers, '-t', 'orders', '--transaction', 'interrupted', '--json']);
  const result = ended(child);
  const arrived = new Promise<void>((resolve) => {
    const stop = cluster.observe({ api: 'Produce', topic: 'orders' }, () => {
      stop();
      resolve();
    });
  });
  child.stdin!.write('first\nsecond\n');
  await arrived;
  child.kill('SIGINT');
  const { code, stderr } = await result;
  expect([code, stderr]).toEqual([
    130,
    expect.stringContaining('The transaction was taken back: nothing of it counts.'),
  ]);
  expect(
    cluster
      .log('orders', 0)
      .slice(-2)
      .map(({ value, transaction }) => [value, transaction]),
  ).toEqual([
    ['first', 'aborted'],
    ['second', 'aborted'],
  ]);
  expect(cluster.log('orders', 0, { committed: true })).toHaveLength(before);
});

test('nothing of the progress line lands in a pipe', { timeout: SLOW }, async () => {
  const { code, stdout, stderr } = await spawnKiel(['produce', '-b', brokers, '-t', 'orders'], { input: 'a\nb\n' });
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).not.toContain('\r');
  expect(stdout).not.toContain('\u001b');
  expect(stdout.trim().split('\n')).toHaveLength(1);
});

test('memory stays flat: thirty times the input takes no more than half as much again', {
  timeout: 4 * SLOW,
}, async () => {
  const peakOf = async (megabytes: number): Promise<number> => {
    const path = join(folder, `${megabytes}.txt`);
    await writeLines(path, megabytes);
    expect(statSync(path).size).toBeGreaterThan(megabytes * 1_000_000);
    // The mock keeps what it is sent: it shall not grow with the input either.
    cluster.deleteRecords('orders', 0, cluster.offsets('orders', 0).end);
    const probe = `data:text/javascript,process.on('exit',()=>process.stderr.write('peak '+process.resourceUsage().maxRSS+'\\n'))`;
    const { code, stderr } = await spawnKiel(
      ['produce', '-b', brokers, '-t', 'orders', '-q', '-X', 'buffer.memory=8388608', path],
      {
        nodeArgs: ['--import', probe, '--max-semi-space-size=4'],
      },
    );
    expect(code).toBe(0);
    return Number(/peak (\d+)/.exec(stderr)![1]);
  };
  const small = await peakOf(4);
  const large = await peakOf(120);
  expect(large / small).toBeLessThan(1.5);
});

async function writeLines(path: string, megabytes: number): Promise<void> {
  const block = Array.from({ length: 1000 }, (_, n) => `${n} ${'abcdefghij'.repeat(20)}`).join('\n') + '\n';
  const file = createWriteStream(path);
  for (let written = 0; written <= megabytes * 1_000_000; written += block.length) {
    if (!file.write(block)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
}

test('the demo loses a broker, heals, and gets every record back', { timeout: SLOW }, async () => {
  const { code, stdout, stderr } = await spawnKiel(['demo', '--json']);
  expect(code).toBe(0);
  expect(stderr).toMatch(/^An embedded cluster .*\nBroker \d was killed.*\nBroker \d is coming back\.\n$/);
  const result = JSON.parse(stdout) as { partitions: { records: number }[]; msInState: Record<string, number> };
  expect(result).toMatchObject({ ok: true, sent: 5000, stored: 5000, readBack: 5000, faults: [] });
  expect(result.partitions).toHaveLength(6);
  expect(result.partitions.reduce((sum, { records }) => sum + records, 0)).toBe(5000);
  expect(result.msInState['healing']).toBeGreaterThan(0);
});

test('the demo runs against any cluster, and keeps to its own records there', { timeout: SLOW }, async () => {
  const input = Array.from({ length: 50 }, (_, n) => JSON.stringify({ id: n % 7, n })).join('\n');
  const args = ['demo', '--brokers', brokers, '--topic', 'orders', '--file', '-', '--key-field', 'id', '--json'];
  const { code, stdout } = await spawnKiel(args, { input });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, sent: 50, readBack: 50 });
});

test('the mock serves any client until Ctrl-C', { timeout: SLOW }, async () => {
  const child = startKiel([
    'mock',
    '--topic',
    'orders:3',
    '--version',
    '2.8',
    '--log',
    '--fault',
    'Produce: 1 times, error NOT_LEADER_OR_FOLLOWER',
  ]);
  const result = ended(child);
  const said = await untilOutput(child, 'stdout', 'Ctrl-C stops it');
  const address = /127\.0\.0\.1:\d+/.exec(said)![0];
  const sent = await spawnKiel(['produce', '-b', address, '-t', 'orders', '--json'], { input: 'a\nb\n' });
  expect([sent.code, JSON.parse(sent.stdout)]).toEqual([0, expect.objectContaining({ stored: 2 })]);
  child.kill('SIGINT');
  const { code, stdout } = await result;
  expect(code).toBe(0);
  expect(stdout).toMatch(/Produce v\d+ .*fault: Produce/);
});

test('a benchmark tells rate, latency and the states along the way', { timeout: SLOW }, async () => {
  const flags = ['bench', '-b', brokers, '-t', 'orders', '--records', '2000', '--size', '50', '--keys', '10'];
  const { code, stdout } = await spawnKiel(flags);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^records +2,000 of 50 bytes in /m);
  expect(stdout).toMatch(/^latency +p50 .*, p95 .*, p99 .*, max /m);
  expect(stdout).toMatch(/^timeline +\S+ /m);
});
