import type { TracingChannel, TracingChannelSubscribers } from 'node:diagnostics_channel';
import {
  type Attributes,
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { Producer } from '../../producer.ts';
import type { HeadersInput } from '../../record-input.ts';
import { type ProduceTrace, produceChannel, type RequestTrace, requestChannel, subscribeTo } from '../channels.ts';
import { errorType, requestAttributes, serverAttributes } from './attributes.ts';

export interface MessageSpanOptions {
  readonly injectContext: boolean;
  readonly messageKeys: boolean;
}

/** Spans that have begun. They are ended by what they are of, also when nobody wants new ones any more. */
class OpenSpans<Trace extends object> {
  /** No more are begun. */
  isOver = false;
  readonly #channel: TracingChannel<unknown, Trace>;
  // Not weak: the collector's work on such a map is what would cost.
  readonly #spans = new Map<Trace, Span>();
  #unsubscribe: () => void = () => {};

  constructor(channel: TracingChannel<unknown, Trace>) {
    this.#channel = channel;
  }

  add(trace: Trace, span: Span): void {
    this.#spans.set(trace, span);
  }

  /** The span of `trace`, which is ended now. */
  take(trace: Trace): Span | undefined {
    const span = this.#spans.get(trace);
    if (span === undefined) return undefined;
    this.#spans.delete(trace);
    this.#leave();
    return span;
  }

  /** @returns what ends it, once the last span is. */
  watch(handlers: Partial<TracingChannelSubscribers<Trace>>): () => void {
    this.#unsubscribe = subscribeTo(this.#channel, handlers);
    return () => {
      this.isOver = true;
      this.#leave();
    };
  }

  #leave(): void {
    if (this.isOver && this.#spans.size === 0) this.#unsubscribe();
  }
}

/** A span for each message, `send TOPIC`; a child of what was active when `produce()` was called. */
export function messageSpans(producer: Producer, tracer: Tracer, options: MessageSpanOptions): () => void {
  const open = new OpenSpans<ProduceTrace>(produceChannel);
  const handlers = {
    start(message: ProduceTrace) {
      if (message.producer !== producer || open.isOver) return;
      const span = tracer.startSpan(`send ${message.topic}`, {
        kind: SpanKind.PRODUCER,
        attributes: messageAttributes(message, options.messageKeys),
      });
      open.add(message, span);
      if (!options.injectContext) return;
      const carrier: Record<string, string> = {};
      propagation.inject(trace.setSpan(context.active(), span), carrier);
      message.options = { ...message.options, headers: withCarrier(message.options.headers, carrier) };
    },
    end(message: ProduceTrace) {
      // A call that threw has no settlement.
      if (message.error !== undefined) finish(message);
    },
    asyncEnd(message: ProduceTrace) {
      finish(message);
    },
  };
  const finish = (message: ProduceTrace) => {
    const span = open.take(message);
    if (span === undefined) return;
    const { result, error } = message;
    if (result !== undefined) {
      span.setAttribute('messaging.destination.partition.id', String(result.partition));
      if (result.offset >= 0n) span.setAttribute('messaging.kafka.offset', Number(result.offset));
    }
    if (error !== undefined) fail(span, error);
    span.end();
  };
  return open.watch(handlers);
}

/** A span for each request to a broker, `Produce HOST:PORT`. */
export function requestSpans(producer: Producer, tracer: Tracer): () => void {
  const open = new OpenSpans<RequestTrace>(requestChannel);
  const finish = (request: RequestTrace) => {
    const span = open.take(request);
    if (span === undefined) return;
    if (request.error !== undefined) fail(span, request.error);
    span.end();
  };
  const handlers = {
    start(request: RequestTrace) {
      if (request.producer !== producer || open.isOver) return;
      const { apiName, host, port } = request;
      const attributes = { ...requestAttributes(request), ...serverAttributes(request) };
      open.add(request, tracer.startSpan(`${apiName} ${host}:${port}`, { kind: SpanKind.CLIENT, attributes }));
    },
    end(request: RequestTrace) {
      // Nobody answers: it is over when it is written.
      if (!request.isAnswered) finish(request);
    },
    asyncEnd(request: RequestTrace) {
      finish(request);
    },
  };
  return open.watch(handlers);
}

function messageAttributes(message: ProduceTrace, withKey: boolean): Attributes {
  const { key } = message.options;
  return {
    'messaging.system': 'kafka',
    'messaging.operation.name': 'send',
    'messaging.operation.type': 'send',
    'messaging.destination.name': message.topic,
    'messaging.client.id': message.clientId,
    ...(withKey && typeof key === 'string' ? { 'messaging.kafka.message.key': key } : {}),
    ...(message.value === null ? { 'messaging.kafka.message.tombstone': true } : {}),
  };
}

function fail(span: Span, error: unknown): void {
  const { message } = error as { message?: unknown };
  span.setAttribute('error.type', errorType(error));
  span.setStatus({ code: SpanStatusCode.ERROR, message: typeof message === 'string' ? message : String(error) });
}

/** The message's own headers, and the carrier's in place of those of the same name. */
function withCarrier(headers: HeadersInput | undefined, carrier: Record<string, string>): HeadersInput {
  const own = headers === undefined ? [] : Array.isArray(headers) ? headers : Object.entries(headers);
  const kept = own.filter(([name]) => !Object.hasOwn(carrier, name));
  return [...kept, ...Object.entries(carrier)] as HeadersInput;
}
