import type { Meters, NodeMeters, TopicMeters, TrafficMeters } from './meters.ts';
import type { Rate, Spread } from './window.ts';

/** `counter` only grows; `gauge` is what it is now, or was in the last minute or so. */
export type MetricKind = 'counter' | 'gauge';

/** In the notation of UCUM, as OpenTelemetry has it. */
export type MetricUnit = 'By' | 'By/s' | 'ms' | 'ns' | 's' | '1' | '1/s';

/** One metric: its name as users of Java's producer know it, and where its value comes from. */
export interface Definition<Subject> {
  readonly name: string;
  readonly kind: MetricKind;
  readonly unit: MetricUnit;
  readonly help: string;
  read(subject: Subject, nowMs: number): number;
}

/** What is not counted but looked up. */
export interface Gauges {
  readonly bufferBytes: number;
  readonly bufferedBytes: number;
  /** Records, and callers of `ready()`, that wait for room. */
  readonly waiting: number;
  readonly requestsInFlight: number;
  readonly connections: number;
  readonly unsettled: number;
  readonly unsent: number;
}

export interface ClientSubject {
  readonly meters: Meters;
  readonly gauges: Gauges;
}

type Read<Subject, Value> = (subject: Subject) => Value;

function gauge<Subject>(
  name: string,
  unit: MetricUnit,
  help: string,
  read: (subject: Subject, nowMs: number) => number,
): Definition<Subject> {
  return { name, kind: 'gauge', unit, help, read };
}

function counter<Subject>(
  name: string,
  unit: MetricUnit,
  help: string,
  read: (subject: Subject, nowMs: number) => number,
): Definition<Subject> {
  return { name, kind: 'counter', unit, help, read };
}

function rateAndTotal<Subject>(name: string, what: string, of: Read<Subject, Rate>): Definition<Subject>[] {
  const unit = name.endsWith('byte') ? 'By' : '1';
  return [
    gauge(`${name}-rate`, `${unit}/s`, `${what}, a second.`, (subject, nowMs) => of(subject).perSecond(nowMs)),
    counter(`${name}-total`, unit, `${what}.`, (subject) => of(subject).total),
  ];
}

function averageAndMaximum<Subject>(
  name: string,
  unit: MetricUnit,
  what: string,
  of: Read<Subject, Spread>,
): Definition<Subject>[] {
  return [
    gauge(`${name}-avg`, unit, `${what}: average.`, (subject, nowMs) => of(subject).average(nowMs)),
    gauge(`${name}-max`, unit, `${what}: maximum.`, (subject, nowMs) => of(subject).maximum(nowMs)),
  ];
}

function traffic<Subject>(of: Read<Subject, TrafficMeters>): Definition<Subject>[] {
  return [
    ...rateAndTotal<Subject>('incoming-byte', 'Bytes read from sockets', (s) => of(s).bytesIn),
    ...rateAndTotal<Subject>('outgoing-byte', 'Bytes written to sockets', (s) => of(s).bytesOut),
    ...averageAndMaximum<Subject>(
      'request-latency',
      'ms',
      'From writing a Produce request to its answer',
      (s) => of(s).latencyMs,
    ),
    ...rateAndTotal<Subject>('request', 'Requests of any kind that were sent', (s) => of(s).requests),
    ...averageAndMaximum<Subject>('request-size', 'By', 'Bytes of a request', (s) => of(s).requestBytes),
    ...rateAndTotal<Subject>('response', 'Answers that came', (s) => of(s).responses),
  ];
}

const nsOfMs = 1_000_000;

/** Of the producer as a whole: Java's group `producer-metrics`. */
export const clientMetrics: readonly Definition<ClientSubject>[] = [
  ...averageAndMaximum<ClientSubject>('batch-size', 'By', 'Bytes of a batch on the wire', (s) => s.meters.batchBytes),
  ...rateAndTotal<ClientSubject>(
    'batch-split',
    'Batches that were divided, being too large',
    (s) => s.meters.batchSplits,
  ),
  gauge('buffer-available-bytes', 'By', 'What is free of the buffer.', ({ gauges }) =>
    Math.max(0, gauges.bufferBytes - gauges.bufferedBytes),
  ),
  gauge('buffer-total-bytes', 'By', 'What the buffer holds at most.', ({ gauges }) => gauges.bufferBytes),
  ...rateAndTotal<ClientSubject>(
    'buffer-exhausted',
    'Records that failed since there was no room',
    (s) => s.meters.exhausted,
  ),
  gauge('bufferpool-wait-ratio', '1', 'The share of time in which somebody waited for room.', ({ meters }, nowMs) =>
    meters.roomWait.ratio(nowMs),
  ),
  counter(
    'bufferpool-wait-time-ns-total',
    'ns',
    'Time in which somebody waited for room.',
    ({ meters }, nowMs) => meters.roomWait.totalMs(nowMs) * nsOfMs,
  ),
  gauge('waiting-threads', '1', 'Records and callers of ready() that wait for room.', ({ gauges }) => gauges.waiting),
  gauge(
    'compression-rate-avg',
    '1',
    'Bytes of batches after compression to those before: average.',
    ({ meters }, nowMs) => meters.compression.average(nowMs),
  ),
  gauge('connection-count', '1', 'Connections that stand.', ({ gauges }) => gauges.connections),
  ...rateAndTotal<ClientSubject>('connection-creation', 'Connections made', (s) => s.meters.connectionsOpened),
  ...rateAndTotal<ClientSubject>('connection-close', 'Connections ended', (s) => s.meters.connectionsClosed),
  ...rateAndTotal<ClientSubject>(
    'successful-authentication',
    'Connections that proved who they are',
    (s) => s.meters.authentications,
  ),
  counter(
    'successful-authentication-no-reauth-total',
    '1',
    'Connections that need not prove it again.',
    ({ meters }) => meters.authenticationsForGood,
  ),
  ...rateAndTotal<ClientSubject>(
    'failed-authentication',
    'Connections that could not prove who they are',
    (s) => s.meters.failedAuthentications,
  ),
  ...rateAndTotal<ClientSubject>(
    'successful-reauthentication',
    'Sessions that were renewed',
    (s) => s.meters.reauthentications,
  ),
  ...rateAndTotal<ClientSubject>(
    'failed-reauthentication',
    'Sessions that could not be renewed',
    (s) => s.meters.failedReauthentications,
  ),
  ...averageAndMaximum<ClientSubject>(
    'reauthentication-latency',
    'ms',
    'The time it took to renew a session',
    (s) => s.meters.reauthenticationMs,
  ),
  counter(
    'flush-time-ns-total',
    'ns',
    'Time in which a flush() was waited for.',
    ({ meters }, nowMs) => meters.flush.totalMs(nowMs) * nsOfMs,
  ),
  gauge(
    'metadata-age',
    's',
    "How old the cluster's picture is.",
    ({ meters }, nowMs) => (nowMs - meters.metadataAtMs) / 1000,
  ),
  counter(
    'metadata-wait-time-ns-total',
    'ns',
    'Time in which records waited for news of their topic.',
    ({ meters }, nowMs) => meters.metadataWait.totalMs(nowMs) * nsOfMs,
  ),
  ...averageAndMaximum<ClientSubject>(
    'produce-throttle-time',
    'ms',
    'The pause that an answer to Produce asked for',
    (s) => s.meters.throttleMs,
  ),
  ...rateAndTotal<ClientSubject>('record-error', 'Records that failed', (s) => s.meters.errors),
  ...averageAndMaximum<ClientSubject>(
    'record-queue-time',
    'ms',
    'From the first record of a batch to its sending',
    (s) => s.meters.queueMs,
  ),
  ...rateAndTotal<ClientSubject>('record-retry', 'Records that had to be sent again', (s) => s.meters.retries),
  ...rateAndTotal<ClientSubject>(
    'record-send',
    'Records that were sent, again for each attempt',
    (s) => s.meters.records,
  ),
  gauge('record-size-avg', 'By', 'Bytes of a record before compression: average.', ({ meters }, nowMs) =>
    meters.recordBytes.average(nowMs),
  ),
  gauge('record-size-max', 'By', 'Bytes of a record before compression: maximum.', ({ meters }, nowMs) =>
    meters.largestRecordBytes.maximum(nowMs),
  ),
  gauge('records-per-request-avg', '1', 'Records of a Produce request: average.', ({ meters }, nowMs) =>
    meters.recordsPerRequest.average(nowMs),
  ),
  gauge('requests-in-flight', '1', 'Requests without an answer yet.', ({ gauges }) => gauges.requestsInFlight),
  gauge(
    'network-io-rate',
    '1/s',
    'Requests and answers, a second.',
    ({ meters }, nowMs) => meters.traffic.requests.perSecond(nowMs) + meters.traffic.responses.perSecond(nowMs),
  ),
  counter(
    'network-io-total',
    '1',
    'Requests and answers.',
    ({ meters }) => meters.traffic.requests.total + meters.traffic.responses.total,
  ),
  ...traffic<ClientSubject>((s) => s.meters.traffic),
  ...transactionTimes(),
  gauge('records-unsettled', '1', 'Records accepted and not settled. Not in Java.', ({ gauges }) => gauges.unsettled),
  gauge('records-unsent', '1', 'Records accepted and not on their way. Not in Java.', ({ gauges }) => gauges.unsent),
];

/** Of each node: Java's group `producer-node-metrics`. */
export const nodeMetrics: readonly Definition<NodeMeters>[] = traffic<NodeMeters>((node) => node);

/** Of each topic: Java's group `producer-topic-metrics`. */
export const topicMetrics: readonly Definition<TopicMeters>[] = [
  ...rateAndTotal<TopicMeters>('byte', 'Bytes of its batches', (topic) => topic.bytes),
  gauge('compression-rate', '1', 'Bytes of its batches after compression to those before: average.', (topic, nowMs) =>
    topic.compression.average(nowMs),
  ),
  ...rateAndTotal<TopicMeters>('record-error', 'Its records that failed', (topic) => topic.errors),
  ...rateAndTotal<TopicMeters>('record-retry', 'Its records that had to be sent again', (topic) => topic.retries),
  ...rateAndTotal<TopicMeters>(
    'record-send',
    'Its records that were sent, again for each attempt',
    (topic) => topic.records,
  ),
  counter('record-delivered-total', '1', 'Its records that were delivered. Not in Java.', (topic) => topic.delivered),
];

function transactionTimes(): Definition<ClientSubject>[] {
  const names = {
    init: 'the producer to be known to its coordinator',
    begin: 'begin()',
    sendOffsets: 'sendOffsets()',
    commit: 'commit()',
    abort: 'abort()',
  } as const;
  return (Object.keys(names) as (keyof typeof names)[]).map((step) =>
    counter(
      `txn-${step === 'sendOffsets' ? 'send-offsets' : step}-time-ns-total`,
      'ns',
      `Time of waiting for ${names[step]}.`,
      ({ meters }) => meters.transactionMs[step] * nsOfMs,
    ),
  );
}
