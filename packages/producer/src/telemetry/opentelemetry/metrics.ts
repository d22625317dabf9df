import type { Attributes, BatchObservableCallback, Meter, Observable } from '@opentelemetry/api';
import type { Producer } from '../../producer.ts';
import { type RequestTrace, requestChannel, subscribeTo } from '../channels.ts';
import { describeMetrics, type MetricDescription, type MetricsSnapshot, type MetricValues } from '../snapshot.ts';
import { errorType, serverAttributes } from './attributes.ts';

const prefixes: Readonly<Record<MetricDescription['group'], string>> = {
  'producer-metrics': 'kafka.producer',
  'producer-node-metrics': 'kafka.producer.node',
  'producer-topic-metrics': 'kafka.producer.topic',
};

/** Where the conventions want the buckets of a duration, in seconds. */
const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/**
 * Java's metrics as observable instruments (`kafka.producer.record_send_rate`), read when they are collected; and those
 * of the messaging conventions: durations per request, and messages as they were counted anyway.
 */
export function observeMetrics(producer: Producer, meter: Meter): () => void {
  const observed = describeMetrics().map((metric) => ({ metric, instrument: instrumentFor(meter, metric) }));
  const sent = meter.createObservableCounter('messaging.client.sent.messages', {
    description: 'Messages that were to be sent to brokers.',
    unit: '{message}',
  });
  const collect: BatchObservableCallback = (result) => {
    const snapshot = producer.metrics();
    for (const { metric, instrument } of observed) {
      for (const [attributes, values] of subjectsOf(snapshot, metric.group)) {
        const value = values[metric.name]!;
        if (!Number.isNaN(value)) result.observe(instrument, value, attributes);
      }
    }
    for (const [attributes, count] of sentMessages(snapshot)) result.observe(sent, count, attributes);
  };
  const instruments: Observable[] = [...observed.map(({ instrument }) => instrument), sent];
  meter.addBatchObservableCallback(collect, instruments);
  const stopTiming = timeRequests(producer, meter);
  return () => {
    meter.removeBatchObservableCallback(collect, instruments);
    stopTiming();
  };
}

function instrumentFor(meter: Meter, { group, name, kind, unit, help }: MetricDescription): Observable {
  const fullName = `${prefixes[group]}.${name.replaceAll('-', '_')}`;
  const options = { description: help, unit };
  return kind === 'counter'
    ? meter.createObservableCounter(fullName, options)
    : meter.createObservableGauge(fullName, options);
}

function subjectsOf(snapshot: MetricsSnapshot, group: MetricDescription['group']): [Attributes, MetricValues][] {
  const client = { 'client-id': snapshot.clientId };
  if (group === 'producer-metrics') return [[client, snapshot.client]];
  if (group === 'producer-topic-metrics') {
    return Object.entries(snapshot.topics).map(([topic, values]) => [{ ...client, topic }, values]);
  }
  return Object.entries(snapshot.nodes).map(([node, values]) => [{ ...client, 'node-id': `node-${node}` }, values]);
}

function* sentMessages(snapshot: MetricsSnapshot): Generator<[Attributes, number]> {
  const common = {
    'messaging.system': 'kafka',
    'messaging.operation.name': 'send',
    'messaging.client.id': snapshot.clientId,
  };
  for (const [topic, values] of Object.entries(snapshot.topics)) {
    const attributes = { ...common, 'messaging.destination.name': topic };
    yield [attributes, values['record-delivered-total']!];
    for (const [code, count] of Object.entries(snapshot.failures[topic] ?? {})) {
      yield [{ ...attributes, 'error.type': code }, count];
    }
  }
}

function timeRequests(producer: Producer, meter: Meter): () => void {
  const duration = meter.createHistogram('messaging.client.operation.duration', {
    description: 'From writing a request with messages to its answer.',
    unit: 's',
    advice: { explicitBucketBoundaries: durationBuckets },
  });
  // Not weak: at some hundred requests a second the collector's work on such a map is what costs.
  const started = new Map<RequestTrace, number>();
  const handlers = {
    start(request: RequestTrace) {
      if (request.producer === producer && request.content !== undefined) started.set(request, performance.now());
    },
    end(request: RequestTrace) {
      // Nobody answers: there is no duration.
      if (!request.isAnswered) started.delete(request);
    },
    asyncStart(request: RequestTrace) {
      const startedMs = started.get(request);
      if (startedMs === undefined) return;
      started.delete(request);
      const { content, error } = request;
      duration.record((performance.now() - startedMs) / 1000, {
        'messaging.system': 'kafka',
        'messaging.operation.name': 'send',
        'messaging.operation.type': 'send',
        ...(content?.topics.length === 1 ? { 'messaging.destination.name': content.topics[0]! } : {}),
        ...serverAttributes(request),
        ...(error === undefined ? {} : { 'error.type': errorType(error) }),
      });
    },
  };
  const stop = subscribeTo(requestChannel, handlers);
  return () => {
    stop();
    started.clear();
  };
}
