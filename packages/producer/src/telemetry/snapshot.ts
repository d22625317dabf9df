import {
  type ClientSubject,
  clientMetrics,
  type Definition,
  type MetricKind,
  type MetricUnit,
  nodeMetrics,
  topicMetrics,
} from './catalogue.ts';

/** Values by their names, as Java's producer calls them; NaN where there was nothing to measure. */
export type MetricValues = Readonly<Record<string, number>>;

/** What a producer measures, at one moment: plain data. */
export interface MetricsSnapshot {
  readonly clientId: string;
  /** Milliseconds since 1970. */
  readonly takenAtMs: number;
  /** Of the producer as a whole, such as `record-send-rate`. */
  readonly client: MetricValues;
  /** Of each broker by its number, such as `request-latency-avg`; entries of `brokers` have -1, -2 and so on. */
  readonly nodes: Readonly<Record<string, MetricValues>>;
  /** Of each topic by its name, such as `byte-rate`. */
  readonly topics: Readonly<Record<string, MetricValues>>;
  /** Records that failed, by topic and the code of their error. */
  readonly failures: Readonly<Record<string, MetricValues>>;
}

/** The three groups of metrics, as Java names them. */
export type MetricGroup = 'producer-metrics' | 'producer-node-metrics' | 'producer-topic-metrics';

/** What a metric is: the same for every producer. */
export interface MetricDescription {
  readonly group: MetricGroup;
  readonly name: string;
  readonly kind: MetricKind;
  readonly unit: MetricUnit;
  readonly help: string;
}

/** All metrics that a snapshot has, in a fixed order. */
export function describeMetrics(): MetricDescription[] {
  return [
    ...clientMetrics.map((metric) => describe('producer-metrics', metric)),
    ...nodeMetrics.map((metric) => describe('producer-node-metrics', metric)),
    ...topicMetrics.map((metric) => describe('producer-topic-metrics', metric)),
  ];
}

function describe(group: MetricGroup, definition: Definition<never>): MetricDescription {
  const { name, kind, unit, help } = definition;
  return { group, name, kind, unit, help };
}

export function takeSnapshot(
  clientId: string,
  subject: ClientSubject,
  nowMs: number,
  takenAtMs: number,
): MetricsSnapshot {
  const nodes: Record<string, MetricValues> = Object.create(null);
  for (const [nodeId, node] of subject.meters.nodes) nodes[nodeId] = valuesOf(nodeMetrics, node, nowMs);
  // A topic may be called as it likes, `__proto__` included.
  const topics: Record<string, MetricValues> = Object.create(null);
  for (const [name, topic] of subject.meters.topics) topics[name] = valuesOf(topicMetrics, topic, nowMs);
  const failures: Record<string, MetricValues> = Object.create(null);
  for (const [name, { errorCodes }] of subject.meters.topics) {
    if (errorCodes.size > 0) failures[name] = Object.fromEntries(errorCodes);
  }
  return { clientId, takenAtMs, client: valuesOf(clientMetrics, subject, nowMs), nodes, topics, failures };
}

function valuesOf<Subject>(metrics: readonly Definition<Subject>[], subject: Subject, nowMs: number): MetricValues {
  const values: Record<string, number> = {};
  for (const metric of metrics) values[metric.name] = metric.read(subject, nowMs);
  return values;
}
