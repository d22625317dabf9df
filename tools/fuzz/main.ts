import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';
import { targets } from './targets.ts';

/** `npm run fuzz -- --seconds N [--seed S] [--target NAME]`, or `--target NAME --input FILE` to try one input again. */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    target: { type: 'string' },
    input: { type: 'string' },
  },
});
const all = targets();
const chosen = all.filter((target) => values.target === undefined || target.name === values.target);
if (chosen.length === 0) {
  process.stderr.write(`no target "${values.target}": take one of ${all.map((target) => target.name).join(', ')}\n`);
  process.exit(2);
}
if (values.input !== undefined) {
  process.stdout.write(`${chosen[0]!.run(readFileSync(values.input))}\n`);
  process.exit(0);
}

const seconds = Number(values.seconds);
const seed = Number(values.seed);
if (!(seconds > 0) || !Number.isInteger(seed)) {
  process.stderr.write('--seconds needs a number over 0, --seed a whole number\n');
  process.exit(2);
}
const startedAt = performance.now();
const elapsed = (): number => (performance.now() - startedAt) / 1000;
let shownAt = 0;
const { inputs, kinds, failures } = fuzz(chosen, {
  seed,
  goOn: () => elapsed() < seconds,
  onRound(report) {
    if (elapsed() - shownAt < 5) return;
    shownAt = elapsed();
    process.stdout.write(`${Math.round(shownAt)} s: ${report.inputs} inputs, ${report.kinds} kinds of outcome\n`);
  },
});

const folder = fileURLToPath(new URL('../../node_modules/.cache/kiel/fuzz', import.meta.url));
for (const { target, input, problem } of failures) {
  mkdirSync(folder, { recursive: true });
  const file = `${folder}/${target}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}`;
  writeFileSync(file, input);
  process.stdout.write(
    `\n${target}, ${input.length} bytes: ${problem}\n  again: npm run fuzz -- --target ${target} --input ${file}\n`,
  );
}
process.stdout.write(
  `fuzz: seed ${seed}, ${inputs} inputs, ${kinds} kinds of outcome, ${failures.length} failures, ${elapsed().toFixed(1)} seconds\n`,
);
process.exit(failures.length === 0 ? 0 : 1);
