import { readFileSync, writeFileSync } from 'node:fs';
import { machineName, type Run } from './compare.ts';
import { resultsFile } from './paths.ts';

export type Row = Record<string, unknown>;

/** The committed results, from which the page is made. */
export interface KeptResults {
  readonly machine: string;
  /** Day of the last change. */
  readonly date: string;
  readonly runs: readonly Run[];
  readonly findings: Readonly<Record<string, readonly Row[]>>;
}

export function keptResults(): KeptResults {
  try {
    return JSON.parse(readFileSync(resultsFile, 'utf8')) as KeptResults;
  } catch {
    return { machine: '', date: '', runs: [], findings: {} };
  }
}

/** Takes the place of older runs of the same workloads. */
export function keepRuns(runs: readonly Run[]): void {
  const old = keptResults();
  const replaced = new Set(runs.map((run) => `${run.workload} ${run.broker}`));
  const others = old.runs.filter((run) => !replaced.has(`${run.workload} ${run.broker}`));
  write({ ...old, runs: [...others, ...runs] });
}

export function keepFindings(id: string, rows: readonly Row[]): void {
  const old = keptResults();
  write({ ...old, findings: { ...old.findings, [id]: rows } });
}

function write(results: KeptResults): void {
  const now = { ...results, machine: machineName(), date: new Date().toISOString().slice(0, 10) };
  const rounded = JSON.stringify(now, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(5)) : value));
  // One line a run keeps differences readable.
  const lines = rounded.replaceAll('{"version"', '\n{"version"').replace('],"findings"', '\n],\n"findings"');
  writeFileSync(resultsFile, `${lines}\n`);
}
