import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { NullBroker } from './null-broker.ts';
import { ratiosByRound, spreadOf } from './statistics.ts';

const usage = `node --conditions=@kiel/source tools/bench/telemetry.ts [--rounds N] [--records N] [--slices N]

What telemetry costs in workload A (100 B values, no compression) against a null broker. What is always counted can only
be left out from the beginning, so that it is measured process against process, in turn (--rounds, --records each). Its
other parts are switched on and off within one process, slice by slice (--slices, of a quarter of the records). Build
first. Fewer records than some millions measure the compiling of code: a run of half a second says 3 % for the counting.`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '8' },
    records: { type: 'string', default: '8000000' },
    slices: { type: 'string', default: '12' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

interface Measured {
  readonly cpuMicros: number;
  readonly recordsPerSecond: number;
}

interface Part {
  readonly part: string;
  readonly pairs: readonly { readonly without: Measured; readonly on: Measured }[];
}

const client = (file: string) => fileURLToPath(new URL(`client/${file}`, import.meta.url));
const run = promisify(execFile);

/** Process against process. */
async function counting(broker: NullBroker): Promise<void> {
  const modes = ['bare', 'counted'] as const;
  const measured = new Map(modes.map((mode) => [mode, new Map<number, Measured>()]));
  for (let round = 0; round < Number(values.rounds); round++) {
    // In another order each time: what the one before left behind meets both of them.
    for (let i = 0; i < modes.length; i++) {
      const mode = modes[(i + round) % modes.length]!;
      const { stdout } = await run(process.execPath, [client('telemetry.mjs'), mode, broker.address, values.records]);
      measured.get(mode)!.set(round, JSON.parse(stdout) as Measured);
    }
  }
  const cpu = (mode: (typeof modes)[number]) =>
    new Map([...measured.get(mode)!].map(([round, { cpuMicros }]) => [round, cpuMicros]));
  report('counting', [...cpu('bare').values()], ratiosByRound(cpu('counted'), cpu('bare')));
}

/** Slice against slice. */
async function others(broker: NullBroker): Promise<void> {
  const records = Math.floor(Number(values.records) / 4);
  const options = { broker: broker.address, slices: Number(values.slices), records, warmup: records };
  const child = spawn(process.execPath, [client('telemetry-slices.mjs'), JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // Each part is told as soon as it is measured: who has no more time has something all the same.
  for await (const line of createInterface({ input: child.stdout })) {
    const { part, pairs } = JSON.parse(line) as Part;
    report(
      part,
      pairs.map(({ without }) => without.cpuMicros),
      pairs.map(({ without, on }) => on.cpuMicros / without.cpuMicros),
    );
  }
  if ((child.exitCode ?? 0) !== 0) throw new Error('the measuring ended early');
}

function report(part: string, without: readonly number[], ratios: readonly number[]): void {
  const percent = (ratio: number) => `${((ratio - 1) * 100).toFixed(1)} %`;
  const { median, least, most } = spreadOf(ratios);
  console.log(
    `${part.padEnd(13)} adds ${percent(median).padStart(7)} of CPU (${percent(least)} to ${percent(most)}, ` +
      `${ratios.length} pairs) to ${spreadOf(without).median.toFixed(3)} µs a record`,
  );
}

async function measure(): Promise<void> {
  await using broker = await NullBroker.start();
  if (Number(values.rounds) > 0) await counting(broker);
  if (Number(values.slices) > 0) await others(broker);
}

if (values.help) console.log(usage);
else await measure();
