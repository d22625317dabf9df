import { type MeterProvider, metrics, type TracerProvider, trace } from '@opentelemetry/api';
import type { Producer, TopicMap } from '../producer.ts';
import { softwareVersion } from '../version.ts';
import { observeMetrics } from './opentelemetry/metrics.ts';
import { messageSpans, requestSpans } from './opentelemetry/spans.ts';

export interface InstrumentationOptions {
  /** Default: the global one of `@opentelemetry/api`. */
  tracerProvider?: TracerProvider;
  /** Default: the global one of `@opentelemetry/api`. */
  meterProvider?: MeterProvider;
  /** A span for each message, from `produce()` to its settlement. Default: true. */
  messageSpans?: boolean;
  /** A span for each request to a broker. Default: false. */
  requestSpans?: boolean;
  /**
   * Writes the span's context into the message's headers (`traceparent`), so that consumers go on with the trace.
   * Default: false. Brokers before 0.11 take no headers.
   */
  injectContext?: boolean;
  /** Whether spans tell the message's key, if it is text. Default: true. */
  messageKeys?: boolean;
  /** All that `producer.metrics()` has, and the metrics of the messaging conventions. Default: true. */
  metrics?: boolean;
}

/** Ends it: nothing is told of that producer any more. Spans that are open still are ended by their messages. */
export type StopInstrumentation = () => void;

/**
 * Tells OpenTelemetry what this producer does, by its conventions for messaging. What is not asked for costs nothing;
 * a span for each message costs more than the message itself, so a busy producer takes a sampler, or metrics alone.
 */
export function instrumentProducer<Topics extends TopicMap>(
  producer: Producer<Topics>,
  options: InstrumentationOptions = {},
): StopInstrumentation {
  const subject = producer as unknown as Producer;
  const stops: StopInstrumentation[] = [];
  const tracer = (options.tracerProvider ?? trace).getTracer('@kiel/producer', softwareVersion);
  const { injectContext = false, messageKeys = true } = options;
  if (options.messageSpans ?? true) stops.push(messageSpans(subject, tracer, { injectContext, messageKeys }));
  if (options.requestSpans ?? false) stops.push(requestSpans(subject, tracer));
  if (options.metrics ?? true) {
    stops.push(observeMetrics(subject, (options.meterProvider ?? metrics).getMeter('@kiel/producer', softwareVersion)));
  }
  return () => {
    for (const stop of stops.splice(0)) stop();
  };
}
