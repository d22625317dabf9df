import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockCluster } from '@kiel/mock-cluster';
import { createProducer } from '@kiel/producer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildViewer } from '../../../tools/viewer/build.ts';
import { ended, runKiel, startKiel, untilOutput } from './run-kiel.ts';

const folder = mkdtempSync(join(tmpdir(), 'kiel-inspect-'));
const place = (name: string) => join(folder, name);
let cluster: MockCluster;
let brokers: string;

beforeAll(async () => {
  await buildViewer();
  cluster = await MockCluster.start({ topics: { orders: { partitions: 2 } }, requestHistory: 0 });
  brokers = cluster.brokers.join(',');
});

afterAll(async () => {
  await cluster.stop();
  rmSync(folder, { recursive: true });
});

test('produce --record keeps a recording of the whole run, which only its owner may read', async () => {
  const file = place('run.ndjson');
  const args = ['produce', '-b', brokers, '-t', 'orders', '--record', file, '--quiet'];
  const { code, stderr } = await runKiel(args, { input: 'one\ntwo\nthree\n' });
  expect([code, stderr]).toEqual([0, '']);
  const messages = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(messages[0]).toMatchObject({ kind: 'hello', format: 1 });
  expect(messages.at(-1)).toMatchObject({ kind: 'frame', totals: { delivered: 3, failed: 0 } });
  expect(messages.at(-1).machines[0]).toMatchObject({ actor: 'producer', state: 'closed' });
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('--inspect says where the page is, on standard error, so that output stays what it was', async () => {
  const args = ['produce', '-b', brokers, '-t', 'orders', '--inspect', '--json'];
  const { code, stdout, stderr } = await runKiel(args, { input: 'one\n' });
  expect(code).toBe(0);
  expect(stderr).toMatch(/^The producer is shown at http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/\n$/);
  expect(JSON.parse(stdout)).toMatchObject({ stored: 1 });
});

test('kiel inspect ADDRESS tells what a running producer does until it ends, and can record it', async () => {
  const producer = createProducer({ brokers: cluster.brokers, clientId: 'watched' });
  const inspector = await producer.inspector();
  const file = place('followed.ndjson');
  const following = runKiel(['inspect', inspector.url, '--record', file]);
  await inspector.viewed();
  await producer.produce('orders', 'seen');
  await producer.close();
  await inspector.close();
  const { code, stdout, stderr } = await following;
  expect(code).toBe(0);
  expect(stderr).toContain('cannot be heard any more');
  expect(stdout).toContain(`watched, pid ${process.pid}`);
  expect(stdout).toMatch(/producer +idle → healing +metadata\.stale/);
  expect(stdout).toMatch(/producer +closing → closed/);
  // What happens all the time is left out.
  expect(stdout).not.toContain('sender.quiet');
  const kinds = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).kind);
  expect(kinds.slice(0, 3)).toEqual(['hello', 'past', 'frame']);
});

test('kiel inspect FILE serves the recording until Ctrl-C', { timeout: 60_000 }, async () => {
  const file = place('served.ndjson');
  writeFileSync(file, '{"kind":"hello","format":1,"version":"0.1.0","clientId":"x","pid":1,"at":1,"allow":[]}\n{"torn');
  const child = startKiel(['inspect', file]);
  const result = ended(child);
  const text = await untilOutput(child, 'stdout', 'Until Ctrl-C.');
  const [url] = /http:\S+/.exec(text)!;
  const page = await (await fetch(url)).text();
  expect(page).toContain('data-shows="recording"');
  expect(await (await fetch(new URL('session', url))).text()).toBe(readFileSync(file, 'utf8'));
  child.kill('SIGINT');
  expect(await result).toMatchObject({ code: 0 });
});

test.each([
  [['inspect', 'nowhere.ndjson'], 2, /Cannot read nowhere\.ndjson: there is no such file/],
  [['inspect', import.meta.filename], 2, /is no recording of a producer/],
  [['inspect', 'http://127.0.0.1:1/token/'], 1, /Nobody listens at 127\.0\.0\.1:1/],
  [['inspect', 'https://127.0.0.1:1/token/'], 2, /http: is/],
  [['inspect', import.meta.filename, '--json'], 2, /are for a producer that runs/],
  [['inspect', 'http://127.0.0.1:1/', '--port', '8000'], 2, /--port is for a recording/],
  [['produce', '-b', '127.0.0.1:1', '-t', 'x', '--inspect-port', '8000'], 2, /--inspect-port needs --inspect/],
  [
    ['produce', '-b', '127.0.0.1:1', '-t', 'x', '--record', '/nowhere/at.all'],
    2,
    /cannot record into \/nowhere\/at\.all/,
  ],
] as const)('kiel %j is refused in a line or two', async (args, code, text) => {
  const result = await runKiel(args);
  expect(result.code).toBe(code);
  expect(result.stderr).toMatch(text);
  expect(result.stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(3);
});

test('a wrong token is told as such', async () => {
  await using producer = createProducer({ brokers: cluster.brokers });
  await using inspector = await producer.inspector();
  const { code, stderr } = await runKiel(['inspect', `${new URL(inspector.url).origin}/not-the-token/`]);
  expect(code).toBe(1);
  expect(stderr).toContain('Take the whole address, with its token.');
});
