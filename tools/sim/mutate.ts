import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Mutation, mutations } from './mutations.ts';

/**
 * `npm run sim:mutate -- [--seeds N] [--only TEXT] [--workers W]`: plants known faults in copies of the producer, one
 * at a time, and lets the simulation look for them. Each must be caught within N seeds (2,000). What was found is
 * written to planted-faults.md beside this file. Exit code 1 if one is not caught.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    only: { type: 'string', default: '' },
    workers: { type: 'string', default: '2' },
  },
});
const source = fileURLToPath(new URL('../../packages/producer/src', import.meta.url));
const mutants = fileURLToPath(new URL('../../packages/producer/.mutants', import.meta.url));
const record = fileURLToPath(new URL('planted-faults.md', import.meta.url));

/** How a planted fault showed. */
interface Finding {
  readonly seeds: number;
  /** The first thing that was wrong; null if nothing was. */
  readonly first: string | null;
}

/** A copy of the producer with the fault in it. */
function plant(mutation: Mutation, folder: string): void {
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
}

async function look(mutation: Mutation): Promise<Finding> {
  const folder = `${mutants}/${process.pid}`;
  plant(mutation, folder);
  const args = ['--conditions=@kiel/source', fileURLToPath(new URL('main.ts', import.meta.url))];
  args.push('--profile', mutation.profile ?? 'hard', '--seeds', values.seeds, '--from', '1', '--workers');
  args.push(values.workers, '--bail', '--no-shrink');
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, KIEL_PRODUCER: `${folder}/src/index.ts` },
  });
  let output = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) output += chunk;
  rmSync(folder, { recursive: true, force: true });
  const seeds = Number(/seeds (\d+), violations/.exec(output)?.[1] ?? 0);
  return { seeds, first: /^seed \d+: (.*)$/m.exec(output)?.[1] ?? null };
}

/** In a few words: numbers and names of the one history say nothing to a reader. */
function inShort(first: string): string {
  const [kind] = first.split(': ');
  if (/^[a-z-]+$/.test(kind!)) return kind!;
  return first
    .replace(/"[^"]*"/g, '…')
    .replace(/\d[\d.]*/g, 'N')
    .slice(0, 80)
    .replaceAll('|', '/');
}

/** The rows of an earlier run stay for the faults that were not planted in this one. */
function readRecord(): Map<string, string> {
  const rows = new Map<string, string>();
  if (!existsSync(record)) return rows;
  for (const line of readFileSync(record, 'utf8').split('\n')) {
    const name = /^\| ([^|]+) \| `/.exec(line)?.[1];
    if (name !== undefined) rows.set(name, line);
  }
  return rows;
}

function writeRecord(rows: ReadonlyMap<string, string>): void {
  const lines = [
    '# Planted faults',
    '',
    'What `npm run sim:mutate` saw: each of these faults was planted in a copy of the producer, and histories were',
    'played from seed 1 on until one broke a promise. Some two seeds are played at a time, so that the counts differ',
    'a little from run to run.',
    '',
    '| fault | profile | seeds until it was seen | how it showed first |',
    '| --- | --- | ---: | --- |',
    ...mutations.flatMap(({ name }) => rows.get(name) ?? []),
    '',
  ];
  writeFileSync(record, lines.join('\n'));
}

let tried = 0;
const missed: string[] = [];
for (const mutation of mutations) {
  if (!mutation.name.includes(values.only)) continue;
  tried++;
  const { seeds, first } = await look(mutation);
  const { name, profile = 'hard' } = mutation;
  if (first === null) missed.push(name);
  const seen = first === null ? `not within ${seeds}` : `${seeds}`;
  const rows = readRecord();
  rows.set(name, `| ${name} | \`${profile}\` | ${seen} | ${first === null ? '' : inShort(first)} |`);
  writeRecord(rows);
  process.stdout.write(
    first === null
      ? `NOT CAUGHT within ${seeds} seeds: ${name}\n`
      : `caught after ${seeds} seeds: ${name}\n    ${first.slice(0, 160)}\n`,
  );
}
process.stdout.write(`\nplanted faults ${tried}, caught ${tried - missed.length}\n`);
process.exit(missed.length === 0 ? 0 : 1);
