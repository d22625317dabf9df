import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { NullBroker } from './null-broker.ts';
import { spreadOf } from './statistics.ts';

interface Slice {
  readonly cpuMicros: number;
  readonly recordsPerSecond: number;
}

interface Pair {
  readonly without: Slice;
  readonly on: Slice & { readonly viewerBytes: number };
}

const run = promisify(execFile);
const program = fileURLToPath(new URL('client/viewer-overhead.mjs', import.meta.url));

/** What an open viewer costs: workload A with and without one, slice by slice in one run, as ratios of neighbours. */
export async function viewer(): Promise<Record<string, unknown>[]> {
  await using broker = await NullBroker.start();
  await broker.makeTopic('viewer', 6);
  const options = { broker: broker.address, topic: 'viewer', slices: 10, records: 8_000_000, warmup: 1_000_000 };
  const { stdout } = await run(process.execPath, [program, JSON.stringify(options)], { timeout: 280_000 });
  const pairs = JSON.parse(stdout.trim().split('\n').at(-1)!) as Pair[];
  const row = (what: string, values: readonly number[]) => ({ what, ...spreadOf(values) });
  return [
    row(
      'records/s without',
      pairs.map(({ without }) => without.recordsPerSecond),
    ),
    row(
      'records/s with a viewer open',
      pairs.map(({ on }) => on.recordsPerSecond),
    ),
    row(
      'throughput lost, %',
      pairs.map(({ without, on }) => (1 - on.recordsPerSecond / without.recordsPerSecond) * 100),
    ),
    row(
      'CPU added, %',
      pairs.map(({ without, on }) => (on.cpuMicros / without.cpuMicros - 1) * 100),
    ),
    row(
      'KiB sent to the viewer, a slice',
      pairs.map(({ on }) => on.viewerBytes / 1024),
    ),
  ];
}

if (import.meta.main) console.table(await viewer());
