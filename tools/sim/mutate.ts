import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { mutations } from './mutations.ts';

/**
 * `npm run sim:mutate -- [--seeds N] [--only TEXT]`: plants known faults in copies of the producer, one at a time,
 * and lets the simulation look for them. Each must be caught within N seeds (2,000). Exit code 1 if one is not.
 */
const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '2000' }, only: { type: 'string', default: '' } },
});
const source = fileURLToPath(new URL('../../packages/producer/src', import.meta.url));
const folder = fileURLToPath(new URL('../../packages/producer/.mutants', import.meta.url));
const missed: string[] = [];
let tried = 0;

for (const mutation of mutations) {
  if (!mutation.name.includes(values.only)) continue;
  tried++;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(source, `${folder}/src`, { recursive: true });
  const file = `${folder}/src/${mutation.file}`;
  const text = readFileSync(file, 'utf8');
  if (text.split(mutation.find).length !== 2) {
    process.stderr.write(`"${mutation.name}": its text is not there exactly once in ${mutation.file}\n`);
    process.exit(2);
  }
  writeFileSync(
    file,
    text.replace(mutation.find, () => mutation.put),
  );
  const args = [
    '--profile',
    mutation.profile ?? 'hard',
    '--seeds',
    values.seeds,
    '--from',
    '1',
    '--bail',
    '--no-shrink',
  ];
  const { stdout } = spawnSync(
    process.execPath,
    ['--conditions=@kiel/source', fileURLToPath(new URL('main.ts', import.meta.url)), ...args],
    { encoding: 'utf8', env: { ...process.env, KIEL_PRODUCER: `${folder}/src/index.ts` }, maxBuffer: 1 << 28 },
  );
  const seeds = Number(/seeds (\d+), violations/.exec(stdout)?.[1] ?? 0);
  const first = /^seed \d+: (.*)$/m.exec(stdout)?.[1];
  if (first === undefined) missed.push(mutation.name);
  process.stdout.write(
    first === undefined
      ? `NOT CAUGHT within ${seeds} seeds: ${mutation.name}\n`
      : `caught after ${seeds} seeds: ${mutation.name}\n    ${first.slice(0, 160)}\n`,
  );
}
rmSync(folder, { recursive: true, force: true });
process.stdout.write(`\nplanted faults ${tried}, caught ${tried - missed.length}\n`);
process.exit(missed.length === 0 ? 0 : 1);
