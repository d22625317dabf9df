import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { recordsFile } from './client/records.mjs';
import { cacheFolder, clientProgram, peersFolder } from './paths.ts';
import type { Way, Workload } from './workloads.ts';

const crabVersion = '5.0.0';

/** What a file in peers/ says of its peer. */
interface PeerFacts {
  readonly name: string;
  /** The ways it can be driven for throughput; E and F go by single awaited calls everywhere. */
  readonly ways: readonly Way[];
  readonly compressions?: readonly string[];
  /** 'file': another program, which takes its records from a file. Else a module with `connect`. */
  readonly takes?: 'file';
  readonly warmupTimes?: number;
  /** Records and warm-up in a way that is very slow. */
  readonly limits?: Readonly<Partial<Record<Way, readonly [records: number, warmup: number]>>>;
}

interface PeerModule {
  readonly peer: PeerFacts;
  /** Builds a program once; throws where its tools are missing. */
  build?(folder: string): unknown;
  command?(built: unknown, options: RunOptions): readonly string[];
}

export interface RunOptions {
  readonly broker: string;
  readonly topic: string;
  readonly way: Way;
  readonly data: string;
  readonly dataFile: string;
  readonly compression: string;
  readonly records: number;
  readonly warmup: number;
  readonly lingerMs: number;
}

/** What a run prints. */
export interface Measurement {
  readonly version: string;
  readonly sent: number;
  readonly seconds: number;
  readonly recordsPerSecond: number;
  readonly cpuMicros: number;
  readonly peakMb: number;
  readonly p50Micros: number | null;
  readonly p99Micros: number | null;
}

export class Peer {
  readonly facts: PeerFacts;
  readonly #file: string;
  readonly #module: PeerModule;
  #built: unknown = null;

  private constructor(file: string, module: PeerModule) {
    this.facts = module.peer;
    this.#file = file;
    this.#module = module;
  }

  /** Every peer that has a file in peers/. */
  static async all(): Promise<Peer[]> {
    const files = readdirSync(peersFolder).filter((name) => name.endsWith('.mjs'));
    return Promise.all(
      files.map(async (name) => {
        const file = join(peersFolder, name);
        return new Peer(file, (await import(pathToFileURL(file).href)) as PeerModule);
      }),
    );
  }

  get name(): string {
    return this.facts.name;
  }

  /** Makes it ready to run, once; says why where it cannot. */
  prepare(): string | null {
    if (this.#module.build === undefined) return null;
    mkdirSync(cacheFolder, { recursive: true });
    try {
      this.#built = this.#module.build(cacheFolder);
      return null;
    } catch (error) {
      return (error as Error).message.split('\n')[0]!;
    }
  }

  /** The ways in which it takes part in a workload. */
  waysIn(workload: Workload): readonly Way[] {
    const { compressions, ways, takes } = this.facts;
    if (compressions !== undefined && !compressions.includes(workload.compression)) return [];
    return workload.ways.filter((way) => {
      if (way === 'sequential' || way === 'paced') return true;
      // A program's only call is the single one, with a report for each.
      return ways.includes(way) || (way === 'each' && takes === 'file');
    });
  }

  run(options: RunOptions): Promise<Measurement> {
    const asked = { ...options, dataFile: this.facts.takes === 'file' ? dataFileOf(options.data) : '' };
    const command = this.#module.command?.(this.#built, {
      ...asked,
      way: asked.way === 'each' ? 'queue' : asked.way,
      warmup: asked.warmup * (this.facts.warmupTimes ?? 1),
    });
    return spawnFor(command ?? [process.execPath, clientProgram, this.#file, JSON.stringify(asked)]);
  }
}

/** Installs the peers' own packages on first use: the root install stays free of them. */
export function installPeers(): void {
  if (existsSync(join(peersFolder, 'node_modules'))) return;
  console.error('installing the peers, once');
  const npm = (...args: string[]) =>
    execFileSync('npm', [...args, '--no-audit', '--no-fund'], {
      cwd: peersFolder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  npm('ci', '--ignore-scripts');
  // npm judges binaries by the Node that npm runs on, which may be older than the one that runs the peers.
  const binary = `kafka-crab-js-${process.platform}-${process.arch}${process.platform === 'linux' ? '-gnu' : ''}`;
  if (!existsSync(join(peersFolder, 'node_modules', binary))) {
    npm('install', '--ignore-scripts', '--no-save', '--force', `${binary}@${crabVersion}`);
  }
}

function dataFileOf(kind: string): string {
  const file = join(cacheFolder, `records-${kind}.bin`);
  mkdirSync(cacheFolder, { recursive: true });
  if (!existsSync(file)) writeFileSync(file, recordsFile(kind));
  return file;
}

function spawnFor(command: readonly string[]): Promise<Measurement> {
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), 240_000);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      const line = out.split('\n').find((each) => each.startsWith('{"version"'));
      if (code === 0 && line !== undefined) resolve(JSON.parse(line) as Measurement);
      else reject(new Error(`exit ${code}: ${errors.trim().slice(-600)}`));
    });
  });
}
