import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MockCluster } from '@kiel/mock-cluster';
import { expect, inject, test } from 'vitest';
import { runProgram } from './run-program.ts';

const consumer = inject('consumer');
const root = join(import.meta.dirname, '../..');
const installed = (name: string) => join(consumer, 'node_modules', name, 'README.md');

/** The first whole program of a page, as somebody copies it who has just installed the packages. */
async function runFirst(page: string, name: string, brokers: readonly string[]) {
  const text = readFileSync(page, 'utf8');
  const [, block] = /```ts\n(import \{ (?:createProducer|MockCluster) \}[\s\S]*?)```/.exec(text) ?? [];
  expect(block, page).toBeDefined();
  const file = join(consumer, `${name}.mts`);
  writeFileSync(file, block!.replaceAll("'localhost:9092'", brokers.map((each) => `'${each}'`).join(', ')));
  return runProgram(process.execPath, [file], { cwd: consumer });
}

test.each([
  ['the repository', join(root, 'README.md')],
  ['@kiel/producer', installed('@kiel/producer')],
])('the first example of %s stores its two orders', async (name, page) => {
  await using cluster = await MockCluster.start({ brokers: 1, topics: ['orders'] });
  const { code, stderr } = await runFirst(page, `readme-${name.replaceAll(/\W/g, '')}`, cluster.brokers);
  expect([code, stderr]).toEqual([0, '']);
  expect(cluster.log('orders', 0).map(({ value }) => value)).toEqual([{ id: 7 }, { id: 8 }]);
});

test('the first example of @kiel/mock-cluster runs and ends', async () => {
  const { code, stderr } = await runFirst(installed('@kiel/mock-cluster'), 'readme-mock', []);
  expect([code, stderr]).toEqual([0, '']);
});

test('the installed command says its version and runs its demo, orders and all', async () => {
  const kiel = join(consumer, 'node_modules/kiel/bin/kiel.js');
  const { version } = JSON.parse(readFileSync(join(consumer, 'node_modules/kiel/package.json'), 'utf8'));
  expect(await runProgram(process.execPath, [kiel, '--version'], { cwd: consumer })).toMatchObject({
    code: 0,
    stdout: `${version}\n`,
  });
  const { code, stdout } = await runProgram(process.execPath, [kiel, 'demo', '--json'], { cwd: consumer });
  expect([code, JSON.parse(stdout)]).toMatchObject([0, { ok: true, sent: 5000, readBack: 5000 }]);
});
