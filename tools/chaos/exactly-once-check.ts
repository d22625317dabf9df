import { parseControlRecord, readBatches } from '@kiel/codec';
import { nodeCompressions } from '@kiel/codec/node';
import type { ReadLog } from '@kiel/mock-cluster';

export interface Committed {
  readonly values: readonly string[];
  readonly commits: number;
  readonly aborts: number;
  /** Transactions that nobody has ended. */
  readonly open: number;
}

/** What a reader of committed records sees in a partition, out of its bytes and the markers in them. */
export function committedIn({ chunks }: ReadLog): Committed {
  const open = new Map<bigint, string[]>();
  const values: string[] = [];
  let commits = 0;
  let aborts = 0;
  for (const chunk of chunks) {
    for (const batch of readBatches(chunk, { compressions: nodeCompressions })) {
      for (const record of batch) {
        if (!batch.isControl) {
          const records = open.get(batch.producerId) ?? [];
          open.set(batch.producerId, records);
          records.push(new TextDecoder().decode(record.value ?? undefined));
          continue;
        }
        const { type } = parseControlRecord(record);
        const ended = open.get(batch.producerId) ?? [];
        open.delete(batch.producerId);
        if (type === 'commit') {
          commits++;
          values.push(...ended);
        } else aborts++;
      }
    }
  }
  return { values, commits, aborts, open: open.size };
}

export interface Count {
  readonly read: number;
  readonly missing: number;
  readonly twice: number;
  readonly foreign: number;
}

/** Each whole number below `records` must be there once. */
export function countNumbers(values: readonly string[], records: number): Count {
  const seen = new Uint32Array(records);
  let foreign = 0;
  for (const value of values) {
    const n = Number(value);
    if (Number.isInteger(n) && n >= 0 && n < records) seen[n]!++;
    else foreign++;
  }
  return {
    read: values.length,
    missing: seen.filter((count) => count === 0).length,
    twice: seen.filter((count) => count > 1).length,
    foreign,
  };
}

/** Numbers that lie behind a greater one of the same input partition: they were read in rising order. */
export function outOfOrder(values: readonly string[], inputs: number): number {
  const last = new Array<number>(inputs).fill(-1);
  let wrong = 0;
  for (const value of values) {
    const n = Number(value);
    if (n <= last[n % inputs]!) wrong++;
    last[n % inputs] = n;
  }
  return wrong;
}

export function describeCount({ read, missing, twice, foreign }: Count): string {
  return `read ${read}, missing ${missing}, twice ${twice}${foreign > 0 ? `, foreign ${foreign}` : ''}`;
}
