import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { draw, profileNames } from './draw.ts';
import { type Outcome, play } from './play.ts';
import { printScenario } from './scenario.ts';
import { shrink } from './shrink.ts';

/**
 * `npm run sim -- --seeds N --from S [--profile P] [--workers W] [--bail]`, or `--replay SEED [--trace] [--no-shrink]`.
 * The last line sums up; exit code 1 if any seed broke a promise.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    profile: { type: 'string', default: 'quick' },
    workers: { type: 'string' },
    replay: { type: 'string' },
    trace: { type: 'boolean', default: false },
    'no-shrink': { type: 'boolean', default: false },
    bail: { type: 'boolean', default: false },
    worker: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const whole = (name: string, text: string): number => {
  if (!/^\d+$/.test(text)) fail(`--${name} needs a whole number, not "${text}"`);
  return Number(text);
};

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

if (values.help) {
  process.stdout.write(
    `npm run sim -- --seeds N --from S [--profile ${profileNames.join('|')}] [--workers W]\n` +
      'npm run sim -- --replay SEED [--profile P] [--trace] [--no-shrink]\n',
  );
  process.exit(0);
}
if (!profileNames.includes(values.profile))
  fail(`no profile "${values.profile}": take one of ${profileNames.join(', ')}`);

if (values.worker) await work();
else if (values.replay !== undefined) await replay(whole('replay', values.replay));
else await drive(whole('seeds', values.seeds), whole('from', values.from));

/** In a child process: plays the seeds it is handed, one after the other. */
async function work(): Promise<void> {
  process.on('message', (seed: number) => {
    play(draw(seed, values.profile)).then((outcome) => {
      process.send?.(outcome);
    });
  });
}

async function drive(seeds: number, from: number): Promise<void> {
  const startedAt = performance.now();
  const workers = Math.max(1, values.workers === undefined ? availableParallelism() : whole('workers', values.workers));
  const total = { seeds: 0, violations: 0, records: 0, faults: 0, virtualMs: 0 };
  const broken: Outcome[] = [];
  let next = from;
  await Promise.all(Array.from({ length: Math.min(workers, seeds) }, () => oneWorker()));

  for (const outcome of broken.slice(0, 3)) {
    process.stdout.write(`\nseed ${outcome.seed}:\n${outcome.violations.slice(0, 5).join('\n')}\n`);
    const smaller = values['no-shrink'] ? draw(outcome.seed, values.profile) : await smallest(outcome.seed);
    process.stdout.write(
      `${printScenario(smaller)}\nreplay: npm run sim -- --profile ${values.profile} --replay ${outcome.seed} --trace\n`,
    );
  }
  const hours = (total.virtualMs / 3_600_000).toFixed(1);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(
    `seeds ${total.seeds}, violations ${total.violations}, records ${total.records}, faults ${total.faults}, virtual hours ${hours}, seconds ${seconds}\n`,
  );
  process.exit(total.violations === 0 && total.seeds === seeds ? 0 : 1);

  function oneWorker(): Promise<void> {
    return new Promise((resolve) => {
      let playing = -1;
      const child = fork(new URL(import.meta.url), ['--worker', '--profile', values.profile], {
        execArgv: ['--conditions=@kiel/source'],
      });
      const hand = (): void => {
        if (next >= from + seeds || (values.bail && total.violations > 0)) {
          child.disconnect();
          return;
        }
        playing = next++;
        child.send(playing);
      };
      child.on('message', (outcome: Outcome) => {
        playing = -1;
        take(outcome);
        hand();
      });
      child.on('exit', (code, signal) => {
        if (playing >= 0) {
          const violation = `the process that played it ended with ${signal ?? `exit code ${code}`}`;
          take({ seed: playing, violations: [violation], records: 0, faults: 0, virtualMs: 0, trace: [] });
          oneWorker().then(resolve);
        } else {
          resolve();
        }
      });
      hand();
    });
  }

  function take(outcome: Outcome): void {
    total.seeds++;
    total.violations += outcome.violations.length;
    total.records += outcome.records;
    total.faults += outcome.faults;
    total.virtualMs += outcome.virtualMs;
    if (outcome.violations.length > 0) {
      broken.push(outcome);
      process.stdout.write(`${process.stdout.isTTY ? '\r' : ''}seed ${outcome.seed}: ${outcome.violations[0]}\n`);
    }
    if (process.stdout.isTTY) process.stdout.write(`\r${total.seeds}/${seeds} seeds, ${total.violations} violations `);
  }
}

async function smallest(seed: number) {
  return shrink(draw(seed, values.profile), async (candidate) => (await play(candidate)).violations.length > 0);
}

async function replay(seed: number): Promise<void> {
  const scenario = draw(seed, values.profile);
  process.stdout.write(`${printScenario(scenario)}\n`);
  const outcome = await play(scenario, { trace: values.trace });
  for (const line of outcome.trace) process.stdout.write(`${line}\n`);
  for (const violation of outcome.violations) process.stdout.write(`VIOLATION ${violation}\n`);
  if (outcome.violations.length > 0 && !values['no-shrink']) {
    process.stdout.write(`\nthe smallest history found that still fails:\n${printScenario(await smallest(seed))}\n`);
  }
  process.stdout.write(
    `records ${outcome.records}, faults ${outcome.faults}, virtual ms ${Math.round(outcome.virtualMs)}, violations ${outcome.violations.length}\n`,
  );
  process.exit(outcome.violations.length === 0 ? 0 : 1);
}
