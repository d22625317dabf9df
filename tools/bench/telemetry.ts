import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { NullBroker } from './null-broker.ts';
import { ratiosByRound, spreadOf } from './statistics.ts';

const usage = `node --conditions=@kiel/source tools/bench/telemetry.ts [--rounds N] [--records N]

What telemetry costs in workload A (100 B values, no compression) against a null broker: each mode in a process of its
own, the modes in turn, so that all of them meet the same machine. Build first.`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    records: { type: 'string', default: '1500000' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

interface Measured {
  readonly cpuMicros: number;
  readonly recordsPerSecond: number;
}

const modes = ['bare', 'counted', 'on', 'messages'] as const;
const program = fileURLToPath(new URL('client/telemetry.mjs', import.meta.url));
const run = promisify(execFile);

type Measurements = ReadonlyMap<(typeof modes)[number], Map<number, Measured>>;

async function measure(): Promise<void> {
  const measured: Measurements = new Map(modes.map((mode) => [mode, new Map<number, Measured>()]));
  await using broker = await NullBroker.start();
  for (let round = 0; round < Number(values.rounds); round++) {
    // In another order each time: what the one before left behind meets each of them.
    for (let i = 0; i < modes.length; i++) {
      const mode = modes[(i + round) % modes.length]!;
      // Messages cost several times as much: fewer of them.
      const records = mode === 'messages' ? Math.floor(Number(values.records) / 5) : Number(values.records);
      const { stdout } = await run(process.execPath, [program, mode, broker.address, String(records)]);
      measured.get(mode)!.set(round, JSON.parse(stdout) as Measured);
    }
    if (round % 4 === 3) report(measured);
  }
  report(measured);
}

function report(measured: Measurements): void {
  console.log(`after ${measured.get('bare')!.size} rounds:`);
  const cpu = (mode: (typeof modes)[number]) =>
    new Map([...measured.get(mode)!].map(([round, { cpuMicros }]) => [round, cpuMicros]));
  for (const mode of modes) {
    const { median, least, most } = spreadOf([...cpu(mode).values()]);
    const rate = spreadOf([...measured.get(mode)!.values()].map(({ recordsPerSecond }) => recordsPerSecond)).median;
    const ratio = spreadOf(ratiosByRound(cpu(mode), cpu('bare')));
    console.log(
      `${mode.padEnd(8)} CPU ${median.toFixed(3)} µs a record (${least.toFixed(3)} to ${most.toFixed(3)}), ` +
        `${Math.round(rate)} records/s, against bare ${ratio.median.toFixed(3)} ` +
        `(${ratio.least.toFixed(3)} to ${ratio.most.toFixed(3)})`,
    );
  }
}

if (values.help) console.log(usage);
else await measure();
