import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { type RequestEntry, RequestLog } from '../src/requests.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function entry(id: number, bytes: number): RequestEntry {
  const fate = { outcome: 'answered', reason: null, faults: [], touched: [], answeredMs: 0 } as const;
  const place = { atMs: 0, broker: 1, remote: '', api: 'Produce', version: 11, correlationId: id, client: null };
  return { id, ...place, bytes, request: new Uint8Array(bytes), response: null, ...fate };
}

const idsOf = (log: RequestLog) => log.find({}).map(({ id }) => id);

test('the newest requests are kept, bounded in number and in bytes', () => {
  const byNumber = new RequestLog(3, 1_000_000);
  for (let id = 0; id < 20; id++) byNumber.add(entry(id, 100));
  expect(idsOf(byNumber)).toEqual([17, 18, 19]);
  const byBytes = new RequestLog(10_000, 250);
  for (let id = 0; id < 20; id++) byBytes.add(entry(id, 100));
  expect(idsOf(byBytes)).toEqual([18, 19]);
});

test('a request that is forgotten keeps no memory, long before the bound in number is reached', async () => {
  const log = new RequestLog(10_000, 250);
  const seen = Array.from({ length: 50 }, (_, id) => {
    const one = entry(id, 100);
    log.add(one);
    return new WeakRef(one);
  });
  // A WeakRef holds on to what it was made of until the present turn ends.
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  const ids = seen.flatMap((reference) => reference.deref()?.id ?? []);
  expect(ids).toEqual([48, 49]);
});
