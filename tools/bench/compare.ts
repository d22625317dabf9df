import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { BrokerAdmin } from './broker-admin.ts';
import { calibrationNanos } from './calibration.ts';
import { NullBroker, type NullBrokerStats } from './null-broker.ts';
import type { Measurement, Peer } from './peers.ts';
import { recordsOfSlowPeers, type Way, type Workload, workloads } from './workloads.ts';

const partitions = 6;

/** One measured run of one peer. */
export interface Run extends Measurement {
  readonly workload: string;
  readonly peer: string;
  readonly way: Way;
  readonly broker: 'null' | 'kafka';
  readonly round: number;
  /** Records found in the topic: must be what was sent. */
  readonly landed: number;
  readonly recordsPerBatch: number | null;
  readonly recordsPerRequest: number | null;
  readonly wireBytesPerRecord: number | null;
  /** Percent of the machine that neither the client nor the broker used: how disturbed the run was. */
  readonly othersPercent: number | null;
  /** Nanoseconds a turn of the calibration loop took just before. */
  readonly calibration: number;
}

export interface CompareOptions {
  readonly workloads: readonly string[];
  readonly peers: readonly Peer[];
  readonly rounds: number;
  /** The address of a real broker; the null broker if absent. */
  readonly broker?: string;
  readonly records?: number;
  readonly onRun: (run: Run) => void;
  readonly onFailure: (what: string, error: Error) => void;
}

/** Interleaves the peers and begins each round with another one, so that none always runs in another's wake. */
export async function compare(options: CompareOptions): Promise<Run[]> {
  const runs: Run[] = [];
  await using nullBroker = options.broker === undefined ? await NullBroker.start({ partitions }) : null;
  const bench = new Bench(options, nullBroker);
  for (let round = 0; round < options.rounds; round++) {
    for (const id of options.workloads) {
      const workload = workloads[id]!;
      const entries = options.peers.flatMap((peer) => peer.waysIn(workload).map((way) => ({ peer, way })));
      for (let i = 0; i < entries.length; i++) {
        const { peer, way } = entries[(i + round) % entries.length]!;
        try {
          const run = await bench.run(id, workload, peer, way, round);
          runs.push(run);
          options.onRun(run);
        } catch (error) {
          options.onFailure(`${id} ${peer.name}:${way}`, error as Error);
        }
      }
    }
  }
  return runs;
}

class Bench {
  readonly #options: CompareOptions;
  readonly #nullBroker: NullBroker | null;
  readonly #admin: BrokerAdmin | null;
  #topics = 0;

  constructor(options: CompareOptions, nullBroker: NullBroker | null) {
    this.#options = options;
    this.#nullBroker = nullBroker;
    this.#admin = options.broker === undefined ? null : new BrokerAdmin(options.broker);
  }

  async run(id: string, workload: Workload, peer: Peer, way: Way, round: number): Promise<Run> {
    const topic = `bench-${process.pid}-${this.#topics++}`;
    const target = this.#nullBroker ?? this.#admin!;
    await target.makeTopic(topic, partitions);
    await this.#nullBroker?.delayAnswers(workload.delayMs);
    const calibration = calibrationNanos();
    const before = await this.#nullBroker?.stats();
    const busy = busyMicros();
    const own = process.cpuUsage();
    const measurement = await peer.run({
      ...this.#amount(workload, peer, way),
      broker: this.#nullBroker?.address ?? this.#options.broker!,
      topic,
      way,
      data: workload.data,
      dataFile: '',
      compression: workload.compression,
      lingerMs: workload.lingerMs,
    });
    const after = await this.#nullBroker?.stats();
    const landed = await (this.#nullBroker?.recordsIn(topic) ?? this.#admin!.recordsIn(topic, partitions));
    await this.#admin?.removeTopic(topic);
    if (landed !== measurement.sent) throw new Error(`${measurement.sent} records were sent, ${landed} have landed`);
    if (after !== undefined && after.errors !== before!.errors) throw new Error('the broker refused batches');
    return {
      ...measurement,
      workload: id,
      peer: peer.name,
      way,
      broker: this.#nullBroker === null ? 'kafka' : 'null',
      round,
      landed,
      ...batchesOf(before, after, landed),
      othersPercent: othersPercent(busy, own, measurement, after, before),
      calibration,
    };
  }

  #amount(workload: Workload, peer: Peer, way: Way): { records: number; warmup: number } {
    const limits = peer.facts.limits?.[way];
    if (limits !== undefined) return { records: limits[0], warmup: limits[1] };
    if (way === 'each' && peer.facts.ways.includes('batch')) return recordsOfSlowPeers;
    const records = this.#options.records ?? workload.records;
    return { records, warmup: Math.min(workload.warmup, records) };
  }
}

function batchesOf(before: NullBrokerStats | undefined, after: NullBrokerStats | undefined, landed: number) {
  if (before === undefined || after === undefined) {
    return { recordsPerBatch: null, recordsPerRequest: null, wireBytesPerRecord: null };
  }
  return {
    recordsPerBatch: landed / (after.batches - before.batches),
    recordsPerRequest: landed / (after.produceRequests - before.produceRequests),
    wireBytesPerRecord: (after.batchBytes - before.batchBytes) / landed,
  };
}

/** Of all CPUs since the machine started; null where the system does not tell. */
function busyMicros(): { busy: number; all: number } | null {
  try {
    const line = readFileSync('/proc/stat', 'utf8').split('\n')[0]!.trim().split(/\s+/).slice(1).map(Number);
    const all = line.slice(0, 8).reduce((sum, ticks) => sum + ticks, 0) * 10_000;
    return { all, busy: all - (line[3]! + line[4]!) * 10_000 };
  } catch {
    return null;
  }
}

function othersPercent(
  before: { busy: number; all: number } | null,
  own: NodeJS.CpuUsage,
  measurement: Measurement,
  stats: NullBrokerStats | undefined,
  statsBefore: NullBrokerStats | undefined,
): number | null {
  const after = busyMicros();
  if (before === null || after === null || after.all === before.all) return null;
  const { user, system } = process.cpuUsage(own);
  const client = measurement.cpuMicros * measurement.sent; // start and warm-up roughly included
  const broker = (stats?.cpuMicros ?? 0) - (statsBefore?.cpuMicros ?? 0);
  const others = after.busy - before.busy - client - broker - user - system;
  return Math.max(0, (others / (after.all - before.all)) * 100);
}

export function machineName(): string {
  return `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.versions.node}`;
}
