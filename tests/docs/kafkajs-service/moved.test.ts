import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MockCluster } from '../../../packages/mock-cluster/src/index.ts';
import { OrderService as After } from './after.ts';
import { OrderService as Before, type Order } from './before.ts';

interface Service {
  start(): Promise<number>;
  stop(): Promise<void>;
  readonly metrics: { sent: number; failed: number };
}

const orders: readonly Order[] = Array.from({ length: 60 }, (_, id) => ({
  id,
  customer: `customer-${(id * 7919) % 23}`,
  country: ['DE', 'FR', 'JP'][id % 3]!,
  lines: [{ sku: `sku-${id % 5}`, quantity: 1 + (id % 4), price: 290 }],
}));

/** What a service leaves in the log, in its order: by topic and partition, each record without its time. */
async function logOf(service: Service, cluster: MockCluster): Promise<Record<string, string[]>> {
  const port = await service.start();
  const post = async (path: string, body: object): Promise<void> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers: { connection: 'close' },
      body: JSON.stringify(body),
    });
    expect([path, response.ok]).toEqual([path, true]);
    await response.text();
  };
  await Promise.all(orders.map((order) => post('/orders', order)));
  for (let i = 0; i < 40; i++) await post('/clicks', { session: `session-${i % 11}`, path: `/article/${i}` });
  for (let i = 0; i < 20; i++) await post('/stock', { sku: `sku-${i % 9}`, left: i % 5 === 4 ? null : i });
  await service.stop();
  expect(service.metrics).toMatchObject({ sent: 2 * orders.length + 40 + 20, failed: 0 });
  const found: Record<string, string[]> = {};
  for (const topic of ['orders', 'audit', 'clicks', 'stock']) {
    for (let partition = 0; partition < 6; partition++) {
      found[`${topic}-${partition}`] = cluster
        .log(topic, partition, { committed: true })
        .map(({ key, value, headers }) => JSON.stringify([key, value, headers]));
    }
  }
  return found;
}

/**
 * Concurrent requests arrive in any order, and kafkajs may have two gatherings of clicks on their way at once, of which
 * the second can be first. Only stock is awaited one by one.
 */
function whereOrderIsOpen(found: Record<string, string[]>): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(found).map(([place, records]) => [place, place.startsWith('stock') ? records : records.toSorted()]),
  );
}

const topics = { orders: 6, audit: 6, clicks: 6, stock: 6 };

test('a service moved from kafkajs by the page leaves the same records in the same partitions', async () => {
  await using before = await MockCluster.start({ topics });
  await using after = await MockCluster.start({ topics });
  const settings = { workerId: 'order-service-1' };
  const old = await logOf(new Before({ ...settings, brokers: before.brokers }), before);
  const moved = await logOf(new After({ ...settings, brokers: after.brokers }), after);
  expect(whereOrderIsOpen(moved)).toEqual(whereOrderIsOpen(old));
  // The moved service keeps the order in which clicks came, without gathering them by hand.
  for (const [place, records] of Object.entries(moved)) {
    const articles = records.map((record) => Number(/article\/(\d+)/.exec(record)?.[1]));
    if (place.startsWith('clicks')) expect(articles).toEqual(articles.toSorted((a, b) => a - b));
  }
  expect(Object.values(old).flat()).toHaveLength(2 * orders.length + 40 + 20);
});

test('what kafkajs would have lost is there: answers that are lost make no copies', async () => {
  await using cluster = await MockCluster.start({ topics });
  cluster.fault('Produce: 3 times, append-then-drop-reply');
  const found = await logOf(new After({ workerId: 'order-service-1', brokers: cluster.brokers }), cluster);
  const ids = Object.entries(found)
    .filter(([place]) => place.startsWith('orders-'))
    .flatMap(([, records]) => records.map((record) => (JSON.parse(record) as [string, Order])[1].id));
  expect(ids.sort((a, b) => a - b)).toEqual(orders.map(({ id }) => id));
});

test('the page says how long both are', () => {
  const linesOf = (name: string): number =>
    readFileSync(join(import.meta.dirname, name), 'utf8')
      .trimEnd()
      .split('\n').length;
  const page = readFileSync(join(import.meta.dirname, '../../../docs/migrate/kafkajs.md'), 'utf8');
  expect(page).toContain(`${linesOf('before.ts')} lines became ${linesOf('after.ts')}`);
});
