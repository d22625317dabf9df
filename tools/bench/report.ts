import type { Run } from './compare.ts';
import { ratiosByRound, type Spread, spreadOf } from './statistics.ts';
import { workloads } from './workloads.ts';

const referencePeers = ['librdkafka', 'franz-go'];

interface Line {
  readonly id: string;
  readonly version: string;
  readonly runs: readonly Run[];
  readonly cpu: Spread;
  readonly rate: Spread;
}

/** One table a workload and broker: medians over the rounds, their spread, and the ratio to the reference peers. */
export function tables(runs: readonly Run[]): string {
  const groups = Map.groupBy(runs, (run) => `${run.workload} ${run.broker}`);
  return [...groups.values()].map(table).join('\n\n');
}

function table(runs: readonly Run[]): string {
  const { workload, broker } = runs[0]!;
  const lines = [...Map.groupBy(runs, (run) => `${run.peer}:${run.way}`)].map(([id, own]): Line => {
    const cpu = spreadOf(own.map((run) => run.cpuMicros));
    return { id, version: own[0]!.version, runs: own, cpu, rate: spreadOf(own.map((run) => run.recordsPerSecond)) };
  });
  lines.sort((a, b) => a.cpu.median - b.cpu.median);
  const reference = lines.find((line) => referencePeers.includes(line.runs[0]!.peer)) ?? lines[0]!;
  const heading = `### ${workload}: ${workloads[workload]!.title} (${broker === 'null' ? 'null broker' : 'Apache Kafka'})`;
  const isTimed = runs[0]!.p50Micros !== null;
  const columns = isTimed
    ? ['peer', 'version', 'rounds', 'p50 µs', 'p99 µs', 'CPU µs a record', 'CPU ratio', 'peak MB']
    : [
        'peer',
        'version',
        'rounds',
        'CPU µs a record',
        'CPU ratio',
        'records/s',
        'records a request',
        'wire B a record',
        'peak MB',
      ];
  const rows = lines.map((line) => (isTimed ? timedRow(line, reference) : bulkRow(line, reference)));
  const dashes = columns.map((_, i) => (i < 2 ? '---' : '--:'));
  return [heading, '', ...[columns, dashes, ...rows].map((cells) => `| ${cells.join(' | ')} |`)].join('\n');
}

function bulkRow(line: Line, reference: Line): string[] {
  const rate = `${thousands(line.rate.median)} (${thousands(line.rate.least)}–${thousands(line.rate.most)})`;
  return [
    ...identity(line),
    withSpread(line.cpu),
    ratio(line, reference),
    rate,
    optional(line, (run) => run.recordsPerRequest, 0),
    optional(line, (run) => run.wireBytesPerRecord, 1),
    number(spreadOf(line.runs.map((run) => run.peakMb)).median, 0),
  ];
}

function timedRow(line: Line, reference: Line): string[] {
  return [
    ...identity(line),
    optional(line, (run) => run.p50Micros, 0),
    optional(line, (run) => run.p99Micros, 0),
    withSpread(line.cpu),
    ratio(line, reference),
    number(spreadOf(line.runs.map((run) => run.peakMb)).median, 0),
  ];
}

function identity(line: Line): string[] {
  return [line.id, line.version, String(line.runs.length)];
}

function ratio(line: Line, reference: Line): string {
  const byRound = (runs: readonly Run[]) => new Map(runs.map((run) => [run.round, run.cpuMicros]));
  const ratios = ratiosByRound(byRound(line.runs), byRound(reference.runs));
  return ratios.length === 0 ? '–' : withSpread(spreadOf(ratios));
}

function optional(line: Line, value: (run: Run) => number | null, digits: number): string {
  const values = line.runs.map(value).filter((each) => each !== null);
  return values.length === 0 ? '–' : number(spreadOf(values).median, digits);
}

function withSpread({ median, least, most }: Spread): string {
  const digits = median < 10 ? 2 : median < 100 ? 1 : 0;
  return `${number(median, digits)} (${number(least, digits)}–${number(most, digits)})`;
}

function thousands(value: number): string {
  return value >= 10_000 ? `${number(value / 1000, 0)}k` : number(value, 0);
}

function number(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
