import { parseArgs } from 'node:util';
import { playRound } from './round.ts';
import { scenarios } from './scenarios.ts';

/**
 * `npm run chaos -- [--version 4.4.0] [--brokers 3] [--scenario NAME …] [--minutes N] [--rate N] [--pause SECONDS]`.
 * Exit code 1 if a promise was broken; the last line sums up.
 */
const { values } = parseArgs({
  options: {
    version: { type: 'string', default: '4.4.0' },
    brokers: { type: 'string', default: '3' },
    scenario: { type: 'string', multiple: true, default: ['kill', 'pause', 'roll', 'leaders', 'quota', 'recreate'] },
    minutes: { type: 'string', default: '0' },
    rate: { type: 'string', default: '1200' },
    pause: { type: 'string', default: '30' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  process.stdout.write(
    'npm run chaos -- [--version 4.4.0] [--brokers 3] [--scenario NAME ...] [--minutes N] [--rate RECORDS_A_SECOND]\n' +
      `               [--pause SECONDS]\nscenarios: ${Object.keys(scenarios).join(', ')}\n`,
  );
  process.exit(0);
}

const number = (name: 'brokers' | 'minutes' | 'rate' | 'pause'): number => {
  const value = Number(values[name]);
  if (Number.isFinite(value) && value >= 0) return value;
  process.stderr.write(`--${name} needs a number, not "${values[name]}"\n`);
  process.exit(2);
};

const unknown = values.scenario.find((name) => !(name in scenarios));
if (unknown !== undefined) {
  process.stderr.write(`no scenario "${unknown}": take some of ${Object.keys(scenarios).join(', ')}\n`);
  process.exit(2);
}

const startedMs = performance.now();
const tell = (line: string) => {
  const at = ((performance.now() - startedMs) / 1000).toFixed(1).padStart(6);
  process.stdout.write(`${at} s  ${line}\n`);
};
const result = await playRound({
  version: values.version,
  brokers: number('brokers'),
  scenarios: values.scenario,
  minutes: number('minutes'),
  recordsPerSecond: number('rate'),
  pauseMs: number('pause') * 1000,
  tell,
});

const violations = result.verdicts.reduce((sum, { verdict }) => sum + verdict.violations.length + verdict.more, 0);
const offered = result.verdicts.reduce((sum, { verdict }) => sum + verdict.offered, 0);
const failed = result.verdicts.reduce((sum, { verdict }) => sum + verdict.failed, 0);
for (const fault of result.faults) process.stdout.write(`fault: ${fault}\n`);
process.stdout.write(
  `Kafka ${values.version}: violations ${violations + result.faults.length}, records ${offered}, failed ${failed}, ` +
    `brokers lost ${result.recoveries.length}\n`,
);
process.exitCode = violations + result.faults.length > 0 ? 1 : 0;
