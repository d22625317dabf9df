/**
 * What it costs to look through the options of a call for misspelt names: why only the first calls of a topic are.
 * `node --conditions=@kiel/source packages/producer/bench/call-options.bench.ts`
 */
import { bench, do_not_optimize, run, summary } from 'mitata';
import { checkProduceOptions } from '../src/call-options.ts';
import type { ProduceOptions } from '../src/index.ts';

const keys = Array.from({ length: 1024 }, (_, i) => `key-${i}`);
let turn = 0;
const make = (): ProduceOptions => ({ key: keys[turn++ & 1023]! });

/** As `produce` reads them. */
function read(options: ProduceOptions): boolean {
  const { key, partition, headers, timestampMs, signal } = options;
  return (
    key === undefined &&
    partition === undefined &&
    headers === undefined &&
    timestampMs === undefined &&
    signal === undefined
  );
}

summary(() => {
  bench('read only, as after the first calls', () => do_not_optimize(read(make()))).baseline(true);
  bench('looked through and read, as in the first calls', () => {
    const options = make();
    checkProduceOptions('orders', options);
    return do_not_optimize(read(options));
  });
});

await run();
