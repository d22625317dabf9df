import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Run } from './compare.ts';
import { spreadOf } from './statistics.ts';

const file = fileURLToPath(new URL('baseline.json', import.meta.url));
/** Two runs of the same code differ by this much on a shared machine. */
const tolerance = 1.25;

/** CPU of a record in turns of the calibration loop times a million, by workload. */
type Baseline = Record<string, number>;

function measured(runs: readonly Run[]): Baseline {
  const baseline: Baseline = {};
  for (const [id, own] of Map.groupBy(runs, (run) => `${run.workload}:${run.way}`)) {
    const units = own.map((run) => (run.cpuMicros * 1000 * 1e6) / run.calibration);
    baseline[id] = Math.round(spreadOf(units).median);
  }
  return baseline;
}

export function keepBaseline(runs: readonly Run[]): void {
  writeFileSync(file, `${JSON.stringify({ ...read(), ...measured(runs) }, null, 2)}\n`);
}

/** Warns, and never fails: a shared machine is no judge. */
export function checkAgainstBaseline(runs: readonly Run[]): void {
  const baseline = read();
  for (const [id, now] of Object.entries(measured(runs))) {
    const before = baseline[id];
    if (before === undefined) {
      console.warn(`${id}: no baseline`);
      continue;
    }
    const ratio = now / before;
    const verdict = ratio > tolerance ? 'SLOWER than' : ratio < 1 / tolerance ? 'faster than' : 'about';
    console.warn(`${id}: ${verdict} the baseline (${ratio.toFixed(2)} times)`);
  }
}

function read(): Baseline {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Baseline;
  } catch {
    return {};
  }
}
