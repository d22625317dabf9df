import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { Run } from '../compare.ts';
import { tables } from '../report.ts';
import { ratiosByRound, spreadOf } from '../statistics.ts';

const template: Omit<Run, 'peer' | 'round' | 'cpuMicros' | 'recordsPerSecond'> = {
  version: '1.0',
  workload: 'A',
  way: 'queue',
  broker: 'null',
  sent: 1_000,
  landed: 1_000,
  seconds: 1,
  peakMb: 100,
  p50Micros: null,
  p99Micros: null,
  recordsPerBatch: 10,
  recordsPerRequest: 20,
  wireBytesPerRecord: 110,
  othersPercent: 0,
  calibration: 1,
};

const run = (peer: string, round: number, cpuMicros: number, recordsPerSecond: number): Run => ({
  ...template,
  ...{ peer, round, cpuMicros, recordsPerSecond },
});

test('a spread has the middle one of an odd count, and the mean of the two middle ones of an even count', () => {
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, least: 1, most: 3 });
  expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, least: 1, most: 4 });
  expect(() => spreadOf([])).toThrow('nothing was measured');
});

test('ratios are taken within a round, and rounds that one of both missed do not count', () => {
  const ours = new Map([
    [0, 1],
    [1, 6],
    [2, 5],
  ]);
  const theirs = new Map([
    [0, 2],
    [1, 3],
    [3, 1],
  ]);
  expect(ratiosByRound(ours, theirs)).toEqual([0.5, 2]);
});

test('a table sets peers in the order of their cost, each beside the better of the reference peers', () => {
  const text = tables([
    run('kiel', 0, 0.4, 2_000_000),
    run('kiel', 1, 0.6, 1_000_000),
    run('librdkafka', 0, 1, 900_000),
    run('librdkafka', 1, 1, 900_000),
    run('franz-go', 0, 0.8, 800_000),
    run('franz-go', 1, 0.8, 800_000),
  ]);
  const rows = text.split('\n').filter((line) => /^\| (kiel|librdkafka|franz-go):/.test(line));
  expect(rows.map((row) => row.split(' ')[1])).toEqual(['kiel:queue', 'franz-go:queue', 'librdkafka:queue']);
  expect(rows[0]).toContain('| 0.50 (0.40–0.60) | 0.63 (0.50–0.75) | 1,500k (1,000k–2,000k) |');
  expect(rows[1]).toContain('| 1.00 (1.00–1.00) |');
  expect(rows[2]).toContain('| 1.25 (1.25–1.25) |');
});

test('an option or workload that does not exist ends the benchmark with its name', async () => {
  const program = fileURLToPath(new URL('../bench.ts', import.meta.url));
  const bench = (...args: string[]) =>
    promisify(execFile)(process.execPath, ['--conditions=@kiel/source', program, ...args]);
  await expect(bench('--workload', 'A,Q')).rejects.toThrow('no workload is called Q');
  await expect(bench('--wrokload', 'A')).rejects.toThrow(/'--wrokload'/);
  expect((await bench('--help')).stdout).toMatch(/--rounds N +default 3/);
});
