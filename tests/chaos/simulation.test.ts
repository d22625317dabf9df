import { expect, test } from 'vitest';
import { draw } from '../../tools/sim/draw.ts';
import { play } from '../../tools/sim/play.ts';
import { printScenario } from '../../tools/sim/scenario.ts';

const SEEDS = 100;

test(`${SEEDS} quick histories of faults: nothing lost, nothing twice, order kept`, async () => {
  let records = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const scenario = draw(seed, 'quick');
    const { violations, records: offered } = await play(scenario);
    expect(violations, printScenario(scenario)).toEqual([]);
    records += offered;
  }
  expect(records).toBeGreaterThan(SEEDS * 20);
});

test('a seed plays out the same each time', async () => {
  const scenario = draw(7, 'quick');
  const first = await play(scenario, { trace: true });
  const second = await play(scenario, { trace: true });
  expect(first.trace.length).toBeGreaterThan(20);
  expect(second.trace).toEqual(first.trace);
});
