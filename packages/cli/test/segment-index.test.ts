import { expect, test } from 'vitest';
import {
  type BatchPlace,
  OffsetIndexCheck,
  readOffsetIndex,
  readTimeIndex,
  TimeIndexCheck,
} from '../src/segment/index-file.ts';

const int32 = (...values: number[]) => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeInt32BE(value, index * 4);
  return bytes;
};

const timeEntry = (timestampMs: bigint, relative: number) => {
  const bytes = Buffer.alloc(12);
  bytes.writeBigInt64BE(timestampMs);
  bytes.writeInt32BE(relative, 8);
  return bytes;
};

const batches: BatchPlace[] = [
  { position: 0, baseOffset: 100n, lastOffset: 104n, maxTimestampMs: 50n },
  { position: 300, baseOffset: 105n, lastOffset: 105n, maxTimestampMs: 40n },
  { position: 400, baseOffset: 110n, lastOffset: 119n, maxTimestampMs: 70n },
];

function offsetFaults(...entries: number[]): string[] {
  const check = new OffsetIndexCheck(readOffsetIndex(int32(...entries), 100n));
  for (const batch of batches) check.see(batch);
  return check.end(900).map((fault) => `${fault.at}: ${fault.problem}`);
}

function timeFaults(...entries: [bigint, number][]): string[] {
  const bytes = Buffer.concat(entries.map(([timestampMs, relative]) => timeEntry(timestampMs, relative)));
  const check = new TimeIndexCheck(readTimeIndex(bytes, 100n));
  for (const batch of batches) check.see(batch);
  return check.end().map((fault) => `${fault.at}: ${fault.problem}`);
}

test('a true offset index has no fault, and its zeros at the end are no entries', () => {
  expect(readOffsetIndex(int32(5, 300, 19, 400, 0, 0, 0, 0), 100n)).toEqual([
    { offset: 105n, position: 300 },
    { offset: 119n, position: 400 },
  ]);
  expect(readOffsetIndex(int32(0, 0, 0, 0), 100n)).toEqual([]);
  expect(readOffsetIndex(int32(0, 0, 5, 300), 100n)).toHaveLength(2);
  expect(offsetFaults(5, 300, 19, 400, 0, 0)).toEqual([]);
});

test('each way an offset index can be wrong is named with its byte', () => {
  expect(offsetFaults(5, 301, 19, 400)).toEqual([
    '0: entry 0 (offset 105, position 301) points into the middle of a batch',
  ]);
  expect(offsetFaults(6, 300)).toEqual([
    '0: entry 0 (offset 106, position 300) points at the batch of offsets 105 to 105',
  ]);
  expect(offsetFaults(5, 300, 19, 400, 21, 5000)).toEqual(['16: entry 2 points at byte 5000; the log ends at 900']);
  expect(offsetFaults(19, 400, 5, 300)).toContain(
    '8: entry 1 (offset 105, position 300) does not come after the one before it',
  );
});

test('a true time index has no fault', () => {
  expect(timeFaults([50n, 4], [70n, 19])).toEqual([]);
  expect(timeFaults([50n, 5], [70n, 19], [0n, 0])).toEqual([]);
});

test('each way a time index can be wrong is named with its byte', () => {
  expect(timeFaults([49n, 4])).toEqual(['0: entry 0 says 49 for offset 104; the youngest record up to it is of 50']);
  expect(timeFaults([50n, 4], [50n, 19])).toEqual([
    '12: entry 1 (50, offset 119) does not come after the one before it',
    '12: entry 1 says 50 for offset 119; the youngest record up to it is of 70',
  ]);
  expect(timeFaults([50n, 4], [70n, 30])).toEqual(['12: entry 1 names offset 130, behind the end of the log']);
});
