/** How a peer is driven. */
export type Way = 'queue' | 'batch' | 'each' | 'sequential' | 'paced';

export interface Workload {
  readonly title: string;
  /** The size of the values in bytes, or JSON events of about 195 bytes with keys of 12. */
  readonly data: string;
  readonly compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
  readonly records: number;
  readonly warmup: number;
  readonly lingerMs: number;
  /** A peer takes part in each way that stands in both lists. */
  readonly ways: readonly Way[];
  /** How long the null broker holds answers back. */
  readonly delayMs: number;
}

const bulk = { lingerMs: 10, delayMs: 0, ways: ['queue', 'batch'] } as const;
const json = { ...bulk, data: 'json', records: 500_000, warmup: 100_000 } as const;
const small = { ...bulk, data: '100', compression: 'none', records: 2_000_000, warmup: 300_000 } as const;
const lone = { ...small, lingerMs: 0, warmup: 3_000 } as const;

export const workloads: Readonly<Record<string, Workload>> = {
  A: { ...small, title: '100 B values, no compression' },
  B: {
    ...bulk,
    title: '1 KiB values, no compression',
    data: '1024',
    compression: 'none',
    records: 300_000,
    warmup: 50_000,
  },
  C: { ...json, title: '195 B JSON with 12 B keys, lz4', compression: 'lz4' },
  D: { ...json, title: '195 B JSON with 12 B keys, zstd', compression: 'zstd' },
  'D-snappy': { ...json, title: '195 B JSON with 12 B keys, snappy', compression: 'snappy' },
  'D-gzip': {
    ...json,
    title: '195 B JSON with 12 B keys, gzip',
    compression: 'gzip',
    records: 200_000,
    warmup: 50_000,
  },
  'A-late': { ...small, title: 'A with answers 5 ms late', delayMs: 5 },
  'A-each': {
    ...small,
    title: 'A, a promise awaited for every record, 5,000 outstanding',
    ways: ['each'],
    records: 1_000_000,
  },
  E: { ...lone, title: 'one record at a time, awaited', ways: ['sequential'], records: 3_000 },
  F: { ...lone, title: '1,000 records a second by the clock', ways: ['paced'], records: 10_000 },
};

/** One record a request is slow: peers that work so get fewer records where each is awaited. */
export const recordsOfSlowPeers = { records: 50_000, warmup: 10_000 };
