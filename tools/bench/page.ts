import { existsSync, writeFileSync } from 'node:fs';
import type { Run } from './compare.ts';
import { pageFile } from './paths.ts';
import { tables } from './report.ts';
import { keptResults, type Row } from './results.ts';
import { spreadOf } from './statistics.ts';
import { workloads } from './workloads.ts';

const introduction = `# Performance

This page is made by \`npm run bench -- --page\` from the results that lie beside the benchmark; do not edit it. What was
tried on the way, with what effect, is in the [log](./log.md).

**How it is measured.** Every peer sends the same records on the same machine, in a process of its own, the peers taking
turns and another one beginning each round. All are idempotent with acks=all, into one topic of six partitions. CPU is
the client's own accounting (user and system time of all its threads) from after the warm-up until the last record is
acknowledged; the count of records that have landed must be exactly the count sent. Figures are medians over the rounds,
least and most in brackets; a ratio is taken within a round and then its median. The null broker checks frames, CRCs and
sequence numbers and stores nothing, so that the client is what limits.

**Ways.** \`queue\`: a call a record without awaiting any, a report or flush for all; \`batch\`: calls of 300 kB of records,
five at a time, which is how the JavaScript peers are fastest; \`each\`: a promise awaited for every record, 5,000 at a
time. librdkafka and Java have only the call a record.

**To run it yourself:** \`npm run build && npm run bench -- --workload A,B,C --rounds 5\`. It installs the peers on first
use, builds what the machine has compilers for, and leaves out the rest. \`--broker HOST:PORT\` measures against a real
cluster. A further peer is one file in \`tools/bench/peers\`.`;

const scenarioTexts: Readonly<Record<string, string>> = {
  growth: 'CPU a record of 100 B as partitions, topics and brokers grow in number.',
  values: 'From 10 B values to 1 MB ones: cost follows the bytes.',
  metadata: 'The first record for each of 10,000 topics of 12 partitions: their metadata taken in.',
  memory: 'Resident memory at full rate over time.',
  garbage: "Bytes allocated on JavaScript's heap a record of A, garbage included, by the sampling allocation profiler.",
  loop: 'How long the event loop is held up by batches of 1 MB at full rate.',
  start: 'Milliseconds from nothing to the first acknowledged record, against a local null broker.',
  profile: 'Where the CPU of A goes, in percent of the samples.',
};

/** Writes docs/performance/index.md from the kept results. */
export function writePage(): void {
  const { machine, date, runs, findings } = keptResults();
  const order = Object.keys(workloads);
  const sorted = [...runs].sort((a, b) => order.indexOf(a.workload) - order.indexOf(b.workload));
  const parts = [
    introduction,
    `## Beside other clients\n\nMeasured ${date} on ${machine}.${disturbance(runs)}`,
    tables(sorted),
  ];
  parts.push('## kiel alone');
  for (const [id, text] of Object.entries(scenarioTexts)) {
    const rows = findings[id];
    if (rows !== undefined && rows.length > 0) parts.push(`### ${id}\n\n${text}\n\n${rowsTable(rows)}`);
  }
  if (existsSync(new URL('flame-a.svg', `file://${pageFile}`))) {
    parts.push('![Flame graph of workload A](./flame-a.svg)\n\nIts widest bars are explained in the [log](./log.md).');
  }
  writeFileSync(pageFile, `${parts.join('\n\n')}\n`);
}

/** How busy the machine was with other things, which the reader has to know. */
function disturbance(runs: readonly Run[]): string {
  const others = runs.map((run) => run.othersPercent).filter((percent) => percent !== null);
  if (others.length === 0) return '';
  const { median } = spreadOf(others);
  const warning = median > 20 ? ': trust ratios, not records a second' : '';
  return ` In the median run ${median.toFixed(0)} % of it was busy with other things${warning}.`;
}

function rowsTable(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0]!);
  const cells = rows.map((row) => columns.map((column) => cell(row[column])));
  const dashes = columns.map((column) => (typeof rows[0]![column] === 'number' ? '--:' : '---'));
  return [columns, dashes, ...cells].map((line) => `| ${line.join(' | ')} |`).join('\n');
}

function cell(value: unknown): string {
  if (typeof value !== 'number') return String(value);
  const digits = Number.isInteger(value) ? 0 : value < 10 ? 3 : 1;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: digits });
}
