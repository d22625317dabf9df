import { nodeCompressions } from '@kiel/codec/node';
import { expect, test } from 'vitest';
import { HistoryRecorder, type ReadLog, verifyLogs } from '../src/index.ts';
import { batch } from './client.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const compressions = nodeCompressions;

/** Batches as a broker stores them: one behind the other. */
function stored(...batches: string[][]): Uint8Array[] {
  let next = 0n;
  return batches.map((values) => {
    const chunk = batch(values);
    new DataView(chunk.buffer, chunk.byteOffset).setBigInt64(0, next);
    next += BigInt(values.length);
    return chunk;
  });
}

function history(...values: string[]): HistoryRecorder {
  const recorder = new HistoryRecorder({ clock: { now: () => 0 } });
  for (const [i, value] of values.entries()) {
    const id = recorder.offer({ topic: 'orders', key: null, value: bytes(value) });
    recorder.acked(id, { partition: 0, offset: BigInt(i) });
  }
  return recorder;
}

test('a log that was read back is judged as the embedded cluster judges its own', () => {
  const log = (...batches: string[][]): ReadLog[] => [{ topic: 'orders', partition: 0, chunks: stored(...batches) }];
  const kinds = (recorder: HistoryRecorder, logs: ReadLog[]) =>
    verifyLogs(recorder, logs, { compressions }).violations.map(({ kind }) => kind);

  expect(kinds(history('a', 'b', 'c'), log(['a', 'b'], ['c']))).toEqual([]);
  expect(kinds(history('a', 'b', 'c'), log(['a', 'b']))).toEqual(['lost']);
  expect(kinds(history('a', 'b'), log(['a', 'b'], ['b']))).toEqual(['duplicated']);
  expect(kinds(history('a', 'b'), log(['b'], ['a']))).toEqual(['out-of-order', 'misplaced', 'misplaced']);
  expect(kinds(history('a'), log(['a'], ['x']))).toEqual(['foreign']);
});

test('what lay below the start of a log that was read back, or in a topic that was deleted, is not called lost', () => {
  const recorder = history('a', 'b');
  const logs = [{ topic: 'orders', partition: 0, startOffset: 2, chunks: [] }];
  expect(verifyLogs(recorder, logs, { compressions }).ok).toBe(true);
  const empty = [{ topic: 'orders', partition: 0, chunks: [] }];
  expect(verifyLogs(recorder, empty, { compressions }).violations).toHaveLength(2);
  expect(verifyLogs(recorder, empty, { compressions, purgedTopics: new Set(['orders']) }).ok).toBe(true);
});
