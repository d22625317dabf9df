import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { coverageFolder, type MachineCoverage } from './transitions.ts';

/**
 * Takes each transition of each machine away, one at a time, and runs the producer's tests, those of the machines
 * first: some test must fail.
 * `npm run machines:mutate [-- TEXT]`: only those whose key holds TEXT. Exit code 1 if a removal went unnoticed.
 */
const root = fileURLToPath(new URL('../..', import.meta.url));
const only = process.argv[2] ?? '';

function run(tests: string, extra: readonly string[], env: NodeJS.ProcessEnv): { ok: boolean; output: string } {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', tests, ...extra];
  const result = spawnSync(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: 300_000,
  });
  return { ok: result.status === 0, output: result.stdout + result.stderr };
}

rmSync(coverageFolder, { recursive: true, force: true });
mustPass('packages/producer/test/machines');

function mustPass(tests: string): void {
  const { ok, output } = run(tests, [], {});
  if (ok) return;
  process.stderr.write(`${output}\nthe tests fail without any mutation: mend them first\n`);
  process.exit(2);
}

const keys = new Set<string>();
for (const file of readdirSync(coverageFolder)) {
  const report = JSON.parse(readFileSync(`${coverageFolder}/${file}`, 'utf8')) as Record<string, MachineCoverage>;
  for (const coverage of Object.values(report)) for (const key of coverage.allTransitions) keys.add(key);
}
const chosen = [...keys].filter((key) => key.includes(only)).sort();
const unnoticed: string[] = [];
let isWholeSound = false;
for (const [index, key] of chosen.entries()) {
  const without = { KIEL_WITHOUT_TRANSITION: key };
  let isUnnoticed = run('packages/producer/test/machines', ['--bail', '1'], without).ok;
  if (isUnnoticed) {
    if (!isWholeSound) mustPass('packages/producer');
    isWholeSound = true;
    isUnnoticed = run('packages/producer', ['--bail', '1'], without).ok;
  }
  if (isUnnoticed) unnoticed.push(key);
  process.stdout.write(`${index + 1}/${chosen.length} ${isUnnoticed ? 'NOT NOTICED' : 'noticed'}: ${key}\n`);
}
process.stdout.write(`\ntransitions ${chosen.length}, unnoticed ${unnoticed.length}\n`);
for (const key of unnoticed) process.stdout.write(`  ${key}\n`);
process.exit(unnoticed.length === 0 ? 0 : 1);
