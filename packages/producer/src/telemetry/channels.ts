import { type TracingChannel, type TracingChannelSubscribers, tracingChannel } from 'node:diagnostics_channel';
import type { Batch } from '../batch.ts';
import type { PendingRequest } from '../connection.ts';
import type { DeliveryReport, RecordDelivery } from '../delivery.ts';
import type { ProduceOptions, Producer } from '../producer.ts';

/**
 * One message, from `produce()` to its settlement: what subscribers of `kiel:produce` get, the same object each time.
 * `start` and `end` enclose the call; `asyncStart` and `asyncEnd` come when the message is settled.
 */
export interface ProduceTrace {
  readonly producer: Producer;
  readonly clientId: string;
  readonly topic: string;
  readonly value: unknown;
  /** A subscriber of `start` may put others in their place: further headers, say. */
  options: ProduceOptions;
  /** Where it went; there at `asyncStart`. */
  result?: DeliveryReport;
  /** Why it was not delivered, or what the call threw. */
  error?: unknown;
}

/**
 * One request to a broker, of any kind: what subscribers of `kiel:request` get. `asyncStart` and `asyncEnd` come with
 * the answer, and never for a request that has none.
 */
export interface RequestTrace {
  /** The one that sends it. */
  readonly producer: Producer;
  readonly clientId: string;
  /** Kafka's number; null for an entry of `brokers` whose node is not known yet. */
  readonly nodeId: number | null;
  readonly host: string;
  readonly port: number;
  /** Kafka's name: `Produce`, `Metadata`. */
  readonly apiName: string;
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly requestBytes: number;
  /** An answer is expected. */
  readonly isAnswered: boolean;
  /** Of a Produce request: what it carries. */
  readonly content?: RequestContent;
  /** There at `asyncStart`. */
  responseBytes?: number;
  /** Why there is no answer: the connection's end, a timeout. Errors inside answers are not looked at. */
  error?: unknown;
}

export interface RequestContent {
  readonly topics: readonly string[];
  readonly batches: number;
  readonly records: number;
}

export const produceChannel: TracingChannel<unknown, ProduceTrace> = tracingChannel('kiel:produce');
export const requestChannel: TracingChannel<unknown, RequestTrace> = tracingChannel('kiel:request');

/**
 * Subscribes to some of a channel's events.
 *
 * @returns what ends it.
 */
export function subscribeTo<Trace extends object>(
  channel: TracingChannel<unknown, Trace>,
  handlers: Partial<TracingChannelSubscribers<Trace>>,
): () => void {
  // Node takes what is there; its types want all five.
  const all = handlers as TracingChannelSubscribers<Trace>;
  channel.subscribe(all);
  return () => void channel.unsubscribe(all);
}

/** Calls `produce` so that subscribers see it. Only where there are any. */
export function traceProduce(trace: ProduceTrace, produce: () => RecordDelivery): RecordDelivery {
  const { start, end, asyncStart, asyncEnd, error } = produceChannel;
  return start.runStores(trace, () => {
    try {
      const delivery = produce();
      delivery.whenSettled((outcome) => {
        if (outcome instanceof Error) {
          trace.error = outcome;
          error.publish(trace);
        } else {
          trace.result = outcome;
        }
        asyncStart.runStores(trace, () => asyncEnd.publish(trace));
      });
      return delivery;
    } catch (thrown) {
      trace.error = thrown;
      error.publish(trace);
      throw thrown;
    } finally {
      end.publish(trace);
    }
  }) as RecordDelivery;
}

/** Calls `write` so that subscribers see it, with a request whose outcome they see too. */
export function traceRequest(
  trace: RequestTrace,
  request: PendingRequest | null,
  write: (request: PendingRequest | null) => void,
): void {
  const { start, end, asyncStart, asyncEnd, error } = requestChannel;
  const settle = (work: () => void) => {
    asyncStart.runStores(trace, () => {
      try {
        work();
      } finally {
        asyncEnd.publish(trace);
      }
    });
  };
  start.runStores(trace, () => {
    write(
      request === null
        ? null
        : {
            apiName: request.apiName,
            answered: (frame) => {
              trace.responseBytes = frame.length + 4;
              settle(() => request.answered(frame));
            },
            failed: (failure) => {
              trace.error = failure;
              error.publish(trace);
              settle(() => request.failed(failure));
            },
          },
    );
    end.publish(trace);
  });
}

export function contentOf(batches: readonly Batch[]): RequestContent {
  const topics = new Set<string>();
  let records = 0;
  for (const batch of batches) {
    topics.add(batch.queue.topic.name);
    records += batch.count;
  }
  return { topics: [...topics], batches: batches.length, records };
}
