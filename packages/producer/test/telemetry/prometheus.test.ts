import { expect, test } from 'vitest';
import { describeMetrics, type MetricsSnapshot, prometheusText } from '../../src/index.ts';
import { start } from '../start.ts';
import { readExposition } from './exposition.ts';

test('every metric is a family with the name that Prometheus’ JMX exporter gives it, and its value', async () => {
  await using t = await start({}, { clientId: 'billing' });
  await t.run(t.producer.produce('orders', 1));
  const snapshot = t.producer.metrics();
  const families = readExposition(prometheusText(snapshot));
  expect(families.length).toBe(describeMetrics().length);
  const family = (name: string) => families.find((each) => each.name === name)!;
  const sent = family('kafka_producer_producer_topic_metrics_record_send_total');
  expect(sent.type).toBe('counter');
  expect(sent.series.map(({ labels, value }) => [Object.fromEntries(labels), value])).toEqual([
    [{ client_id: 'billing', topic: 'orders' }, 1],
  ]);
  const latency = family('kafka_producer_producer_node_metrics_request_latency_avg');
  expect(latency.type).toBe('gauge');
  for (const { labels, value } of latency.series) {
    const node = labels.get('node_id')!.replace('node-', '');
    expect(value).toEqual(snapshot.nodes[node]!['request-latency-avg']);
  }
  for (const { name, type, series } of families) {
    expect(name.endsWith('_total')).toBe(type === 'counter');
    expect(series.length).toBeGreaterThan(0);
  }
});

test('names with quotes, backslashes and line ends stay what they are', () => {
  const clientId = 'a "b"\\n\nc{}=,é';
  const snapshot: MetricsSnapshot = {
    clientId,
    takenAtMs: 0,
    client: Object.fromEntries(describeMetrics().map(({ name }) => [name, 1.5e-7])),
    nodes: {},
    topics: {},
    failures: {},
  };
  const [family] = readExposition(prometheusText(snapshot));
  expect(family!.series[0]!.labels.get('client_id')).toBe(clientId);
  expect(family!.series[0]!.value).toBe(1.5e-7);
});

test('producers of one name are told apart, since a series may not come twice', async () => {
  await using t = await start();
  await t.warm();
  const snapshot = t.producer.metrics();
  const named = (clientId: string) => ({ ...snapshot, clientId });
  const families = readExposition(prometheusText([named('a'), named('a'), named('a-2'), named('a')]));
  const { series } = families.find(({ name }) => name.endsWith('producer_metrics_record_send_total'))!;
  expect(series.map(({ labels }) => labels.get('client_id'))).toEqual(['a', 'a-2', 'a-2-2', 'a-3']);
});
