import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { exampleOrders } from '../src/sending/example-orders.ts';

test('the demo of an installed command sends the orders that lie in examples/', () => {
  const file = readFileSync(new URL('../../../examples/orders.ndjson', import.meta.url), 'utf8');
  const orders = [...exampleOrders(), ''].join('\n');
  expect(orders.length).toBeGreaterThan(1_000_000);
  expect(orders).toBe(file);
});
