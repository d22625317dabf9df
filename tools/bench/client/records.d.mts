export interface BenchRecord {
  readonly key: Buffer | null;
  readonly value: Buffer;
}
export function makeRecords(kind: string): BenchRecord[];
export function recordsFile(kind: string): Buffer;
