import { parseArgs } from 'node:util';
import { checkAgainstBaseline, keepBaseline } from './baseline.ts';
import { compare, machineName, type Run } from './compare.ts';
import { writePage } from './page.ts';
import { installPeers, Peer } from './peers.ts';
import { tables } from './report.ts';
import { keepFindings, keepRuns } from './results.ts';
import { scenarios } from './scenarios.ts';
import { workloads } from './workloads.ts';

const help = `npm run bench -- [options]

  --workload A,B,C     ${Object.keys(workloads).join(', ')}; default A,B,C
                       of kiel alone: ${Object.keys(scenarios).join(', ')}
  --peers kiel,java    default: all that this machine can run
  --null               against a broker that stores nothing (the default)
  --broker HOST:PORT   against a real one
  --rounds N           default 3
  --records N          instead of the workload's own
  --json               one line of JSON a run on standard output, no tables
  --keep               adds the runs to the kept results, in place of older ones of the same workloads
  --page               writes docs/performance/index.md from the kept results
  --check              kiel alone, against the committed baseline; only warns
  --baseline           makes this the baseline

Build first: kiel is measured as npm run build leaves it.`;

const { values: args } = parseArgs({
  options: {
    workload: { type: 'string', default: 'A,B,C' },
    peers: { type: 'string' },
    null: { type: 'boolean' },
    broker: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    records: { type: 'string' },
    json: { type: 'boolean' },
    keep: { type: 'boolean' },
    page: { type: 'boolean' },
    check: { type: 'boolean' },
    baseline: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});

if (args.help) {
  console.log(help);
} else if (args.page) {
  writePage();
} else {
  await main();
}

async function main(): Promise<void> {
  const wanted = args.workload.split(',');
  for (const id of wanted) {
    if (workloads[id] === undefined && scenarios[id] === undefined) throw new Error(`no workload is called ${id}`);
  }
  const compared = wanted.filter((id) => workloads[id] !== undefined);
  const runs = compared.length === 0 ? [] : await compareAll(compared);
  if (args.check) checkAgainstBaseline(runs);
  else if (args.baseline) keepBaseline(runs);
  if (!args.json && runs.length > 0) console.log(`${machineName()}\n\n${tables(runs)}`);
  for (const id of wanted) {
    const scenario = scenarios[id];
    if (scenario === undefined) continue;
    const findings = await scenario();
    console.log(args.json ? JSON.stringify({ scenario: id, findings }) : `### ${id}\n`);
    if (!args.json) console.table(findings);
    if (args.keep) keepFindings(id, findings);
  }
}

async function compareAll(ids: readonly string[]): Promise<Run[]> {
  const alone = args.check || args.baseline;
  const names = alone ? ['kiel'] : args.peers?.split(',');
  const all = await Peer.all();
  for (const name of names ?? []) {
    if (!all.some((peer) => peer.name === name)) throw new Error(`no peer is called ${name}`);
  }
  const chosen = all.filter((peer) => names?.includes(peer.name) ?? true);
  if (chosen.some((peer) => peer.name !== 'kiel')) installPeers();
  const ready = chosen.filter((peer) => {
    const problem = peer.prepare();
    if (problem !== null) console.error(`without ${peer.name}: ${problem}`);
    return problem === null;
  });
  const soFar: Run[] = [];
  return compare({
    workloads: ids,
    peers: ready,
    rounds: Number(args.rounds),
    ...(args.broker === undefined ? {} : { broker: args.broker }),
    ...(args.records === undefined ? {} : { records: Number(args.records) }),
    onRun: (run) => {
      // At once: what was measured is not lost when the rest is interrupted.
      soFar.push(run);
      if (args.keep) keepRuns(soFar);
      if (args.json) console.log(JSON.stringify(run));
      else console.error(progress(run));
    },
    onFailure: (what, error) => {
      console.error(`${what} failed: ${error.message}`);
      process.exitCode = 1;
    },
  });
}

function progress(run: Run): string {
  const figures = [
    `${run.cpuMicros.toFixed(3)} µs`,
    `${Math.round(run.recordsPerSecond)}/s`,
    `${Math.round(run.peakMb)} MB`,
  ];
  if (run.p50Micros !== null) figures.push(`p50 ${run.p50Micros.toFixed(0)} p99 ${run.p99Micros!.toFixed(0)} µs`);
  if (run.othersPercent !== null) figures.push(`others ${run.othersPercent.toFixed(0)} %`);
  return `round ${run.round} ${run.workload} ${run.peer}:${run.way} ${figures.join(', ')}`;
}
