import { expect, test } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { transitionKeys } from '../../../../tools/machines/transitions.ts';
import { drawCharts } from '../../../../tools/viewer/build.ts';
import { chartOf } from '../../../../tools/viewer/chart.ts';
import {
  brokerMachine,
  idempotenceMachine,
  metadataMachine,
  producerMachine,
  transactionMachine,
} from '../../src/index.ts';
import { transitionKey } from '../../src/inspector/transition-key.ts';

const machines = [producerMachine, brokerMachine, metadataMachine, idempotenceMachine, transactionMachine].map(
  (machine) => machine as unknown as AnyStateMachine,
);

test.each(machines)('the chart of $id has every state, and every transition that does something', (machine) => {
  const chart = chartOf(machine);
  const names = chart.states.map(({ id }) => id).filter((id) => id !== '*');
  expect(names.sort()).toEqual(Object.keys(machine.root.states).sort());
  const drawn = [
    ...chart.edges.flatMap(({ transitions }) => transitions),
    ...chart.states.flatMap(({ internal }) => internal),
  ].map(({ key }) => key);
  expect(new Set(drawn).size).toBe(drawn.length);
  const all = [...transitionKeys(machine).keys()].filter(
    ({ target, actions }) => target !== undefined || actions.length > 0,
  );
  expect(drawn.sort()).toEqual(all.map(transitionKey).sort());
});

test('in every layout states stand apart, and everything is inside', async () => {
  for (const { id, layouts } of await drawCharts()) {
    expect(layouts).toHaveLength(4);
    for (const { width, height, states, edges } of layouts) {
      for (const [index, a] of states.entries()) {
        expect(a.x >= 0 && a.y >= 0 && a.x + a.width <= width && a.y + a.height <= height, `${id}: ${a.id}`).toBe(true);
        for (const b of states.slice(index + 1)) {
          const areApart =
            a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
          expect(areApart, `${id}: ${a.id} and ${b.id}`).toBe(true);
        }
      }
      for (const { points, labels } of edges) {
        expect(points.length).toBeGreaterThan(1);
        expect(labels.length).toBeGreaterThan(0);
        for (const [x, y] of points) expect(x >= 0 && y >= 0 && x <= width && y <= height).toBe(true);
      }
    }
  }
});
