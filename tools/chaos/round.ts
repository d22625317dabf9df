import { nodeCompressions } from '@kiel/codec/node';
import { type Verdict, verifyLogs } from '@kiel/mock-cluster';
import { isAtLeast, startKafka } from '../kafka/index.ts';
import { clock, Load, plansFor } from './load.ts';
import { until } from './picture.ts';
import { readBack } from './read-back.ts';
import type { Recovery } from './recovery.ts';
import { type Scenario, type Stage, scenarios } from './scenarios.ts';

export interface RoundOptions {
  readonly version: string;
  readonly brokers: number;
  /** Names of scenarios, played one after the other. */
  readonly scenarios: readonly string[];
  /** They are played again until so much time has passed; once at least. */
  readonly minutes?: number;
  /** Over all producers. */
  readonly recordsPerSecond?: number;
  readonly pauseMs?: number;
  readonly tell?: (line: string) => void;
}

export interface RoundResult {
  readonly verdicts: readonly { readonly topic: string; readonly verdict: Verdict; readonly failed: number }[];
  readonly recoveries: readonly Recovery[];
  /** What else went wrong, in sentences. */
  readonly faults: readonly string[];
}

const PARTITIONS = 6;

/** Real brokers under a constant load, while something is done to them; then all is read back and judged. */
export async function playRound(options: RoundOptions): Promise<RoundResult> {
  const { version, brokers, minutes = 0, recordsPerSecond = 1200, pauseMs = 30_000, tell = () => {} } = options;
  const acts = options.scenarios.map((name): [string, Scenario] => {
    const scenario = scenarios[name];
    if (scenario === undefined) throw new Error(`no scenario ${name}: there are ${Object.keys(scenarios).join(', ')}`);
    return [name, scenario];
  });
  const replicas = Math.min(3, brokers);
  const config = replicas >= 3 ? { 'min.insync.replicas': 2 } : {};
  await using cluster = await startKafka({ version, brokers, config: { ...config, ...safeElections(version) } });
  tell(`Kafka ${version}, ${brokers} brokers, replication ${replicas}`);

  const { books, plans } = plansFor(version, PARTITIONS);
  for (const { topic, partitions } of books) {
    await cluster.createTopic(topic, { partitions, replicationFactor: replicas });
  }
  const load = new Load(cluster.bootstrap, books, plans, recordsPerSecond);
  const stage: Stage = { cluster, load, replicas, pauseMs, recoveries: [], faults: [], tell };
  const startedMs = clock.now();
  load.start();
  try {
    await until('every producer delivers', () => load.flowsSince(startedMs));
    do {
      for (const [name, scenario] of acts) {
        const sinceMs = clock.now();
        await scenario(stage);
        tell(`${name}: ${((clock.now() - sinceMs) / 1000).toFixed(1)} s`);
      }
    } while (clock.now() - startedMs < minutes * 60_000);
  } finally {
    await load.stop();
  }

  const verdicts = [];
  for (const { topic, recorder } of books) {
    const verdict = verifyLogs(recorder, await readBack(cluster, topic), { compressions: nodeCompressions });
    tell(`${topic}: ${verdict}${failureCodes(recorder.reports)}`);
    verdicts.push({ topic, verdict, failed: verdict.failed });
  }
  for (const { plan, warnings } of load.writers) {
    if (warnings.length > 0) tell(`${plan.name} warned: ${[...new Set(warnings)].join(', ')}`);
  }
  return { verdicts, recoveries: stage.recoveries, faults: stage.faults };
}

/** Before 0.11 a replica that lags may become leader unless told not to, and takes acknowledged records with it. */
function safeElections(version: string): Record<string, boolean> {
  return isAtLeast(version, '0.11') ? {} : { 'unclean.leader.election.enable': false };
}

function failureCodes(reports: Load['books'][number]['recorder']['reports']): string {
  const counts = new Map<string, number>();
  for (const report of reports) {
    if (report.outcome === 'failed') counts.set(report.code, (counts.get(report.code) ?? 0) + 1);
  }
  return [...counts].map(([code, count]) => `\n  ${count} failed with ${code}`).join('');
}
