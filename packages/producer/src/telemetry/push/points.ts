import { describeMetrics, type MetricGroup, type MetricsSnapshot, type MetricValues } from '../snapshot.ts';

/** One value of one metric, under the name that KIP-714 gives it. */
export interface Point {
  readonly name: string;
  readonly isCounter: boolean;
  readonly group: MetricGroup;
  readonly attributes: Readonly<Record<string, string>>;
  readonly value: number;
}

const prefixes: Readonly<Record<MetricGroup, string>> = {
  'producer-metrics': 'org.apache.kafka.producer.',
  'producer-node-metrics': 'org.apache.kafka.producer.node.',
  'producer-topic-metrics': 'org.apache.kafka.producer.topic.',
};

/**
 * What brokers have asked for.
 *
 * @param requested - beginnings of names; an empty one stands for all. None at all is nothing.
 */
export function pointsOf(snapshot: MetricsSnapshot, requested: readonly string[]): Point[] {
  const points: Point[] = [];
  for (const { group, name, kind } of describeMetrics()) {
    const fullName = prefixes[group] + name.replaceAll('-', '.');
    if (!requested.some((beginning) => beginning === '*' || fullName.startsWith(beginning))) continue;
    for (const [attributes, values] of subjectsOf(snapshot, group)) {
      const value = values[name]!;
      // Nothing was measured: there is nothing to tell.
      if (Number.isNaN(value)) continue;
      points.push({ name: fullName, isCounter: kind === 'counter', group, attributes, value });
    }
  }
  return points;
}

function subjectsOf(snapshot: MetricsSnapshot, group: MetricGroup): [Record<string, string>, MetricValues][] {
  if (group === 'producer-metrics') return [[{}, snapshot.client]];
  if (group === 'producer-topic-metrics') {
    return Object.entries(snapshot.topics).map(([topic, values]) => [{ topic }, values]);
  }
  return Object.entries(snapshot.nodes).map(([node, values]) => [{ node_id: `node-${node}` }, values]);
}

/** Identifies a point among those of other moments. */
export function keyOf(point: Point): string {
  return `${point.name}|${Object.values(point.attributes).join('|')}`;
}
