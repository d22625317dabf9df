import { zeroUuid } from '@kiel/codec/client';
import { nodeCompressions } from '@kiel/codec/node';
import {
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
  PushTelemetryRequest,
  PushTelemetryResponse,
} from '@kiel/codec/telemetry';
import { type ActorRefFrom, createActor, type InspectionEvent } from 'xstate';
import { clampDelay } from '../../backoff.ts';
import type { BrokerLink } from '../../broker-link.ts';
import { BrokerError, toError } from '../../errors.ts';
import type { SafeLogger } from '../../logger.ts';
import type { Clock, Random } from '../../ports.ts';
import { softwareVersion } from '../../version.ts';
import type { MetricsSnapshot } from '../snapshot.ts';
import { encodeMetrics } from './otlp.ts';
import { keyOf, type Point, pointsOf } from './points.ts';
import { type TelemetryMachineEvent, telemetryMachine } from './telemetry-machine.ts';

export interface MetricsPushParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: SafeLogger;
  /** What the operators of the cluster tell clients apart by, such as `client_rack`. */
  readonly labels: Readonly<Record<string, string>>;
  readonly inspect: ((event: InspectionEvent) => void) | undefined;
  /** A broker that takes metrics, the same one as long as its connection stands; null if there is none. */
  link(previous: BrokerLink | null): BrokerLink | null;
  snapshot(): MetricsSnapshot;
}

interface Subscription {
  readonly id: number;
  readonly intervalMs: number;
  readonly compressions: readonly number[];
  readonly mostBytes: number;
  readonly isDelta: boolean;
  readonly requested: readonly string[];
}

const usualIntervalMs = 300_000;
/** By the numbers that record batches have for them. */
const compressions = [null, 'gzip', 'snappy', 'lz4', 'zstd'] as const;

/** Of KIP-714's errors, those that end the subscription and nothing else. */
const subscriptionIsOver: ReadonlySet<string> = new Set(['UNKNOWN_SUBSCRIPTION_ID', 'UNSUPPORTED_COMPRESSION_TYPE']);
/** Those that pass by themselves. */
const comesTooMuch: ReadonlySet<string> = new Set(['TELEMETRY_TOO_LARGE', 'THROTTLING_QUOTA_EXCEEDED']);

/** Sends brokers the metrics that they ask for. Nothing that goes wrong here touches a record. */
export class MetricsPush {
  readonly actor: ActorRefFrom<typeof telemetryMachine>;
  readonly #parts: MetricsPushParts;
  readonly #ended: Promise<void>;
  #instanceId = zeroUuid;
  #subscription: Subscription | null = null;
  #link: BrokerLink | null = null;
  /** The next wait is the first of a subscription: clients that were subscribed together push at times of their own. */
  #isFirstWait = true;
  readonly #refusedCompressions = new Set<number>();
  /** Counters as they were when they were last told of. */
  #told = new Map<string, number>();
  readonly #startedMs: number;
  #toldMs: number;

  constructor(parts: MetricsPushParts) {
    this.#parts = parts;
    const { clock, random, inspect } = parts;
    this.#startedMs = clock.epochMs();
    this.#toldMs = this.#startedMs;
    this.actor = createActor(
      telemetryMachine.provide({
        delays: {
          interval: ({ context }) => {
            const spread = this.#isFirstWait ? 0.5 + random() : 1;
            this.#isFirstWait = false;
            return clampDelay(context.intervalMs * spread);
          },
        },
        actions: {
          askSubscription: () => void this.#attempt(() => this.#ask()),
          push: () => void this.#attempt(() => this.#push(false)),
          pushLast: () => void this.#attempt(() => this.#push(true)).then(() => this.#tell({ type: 'left' })),
        },
      }),
      {
        clock: {
          setTimeout: (callback: () => void, delayMs: number) => clock.setTimeout(callback, delayMs),
          clearTimeout: (id: unknown) => clock.clearTimeout(id),
        },
        ...(inspect === undefined ? {} : { inspect }),
      },
    );
    this.#ended = new Promise((resolve) => this.actor.subscribe({ complete: resolve, error: () => resolve() }));
    this.actor.start();
  }

  /** Tells the rest, where brokers want it, and resolves when that is done or has taken too long. */
  close(): Promise<void> {
    this.#tell({ type: 'close' });
    return this.#ended;
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      // In a turn of its own: the machine is at work just now.
      await Promise.resolve();
      await work();
    } catch (thrown) {
      this.#failed(toError(thrown));
    }
  }

  async #ask(): Promise<void> {
    const link = this.#chooseLink();
    if (link === null) {
      this.#refused(usualIntervalMs);
      return;
    }
    const { body } = await link.call(GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse, () => ({
      clientInstanceId: this.#instanceId,
    }));
    if (body.errorCode !== 0) throw new BrokerError(body.errorCode, `GetTelemetrySubscriptions at ${link.name}`);
    if (body.clientInstanceId !== zeroUuid) this.#instanceId = body.clientInstanceId;
    const intervalMs = body.pushIntervalMs > 0 ? body.pushIntervalMs : usualIntervalMs;
    const isWanted = body.requestedMetrics.length > 0;
    this.#isFirstWait = true;
    this.#subscription = {
      id: body.subscriptionId,
      intervalMs,
      compressions: body.acceptedCompressionTypes,
      mostBytes: body.telemetryMaxBytes,
      isDelta: body.deltaTemporality,
      requested: body.requestedMetrics,
    };
    this.#parts.logger.debug('brokers said which metrics they want', {
      broker: link.name,
      requested: body.requestedMetrics.join(','),
      intervalMs,
    });
    this.#tell({ type: 'subscribed', intervalMs, isWanted });
  }

  async #push(terminating: boolean): Promise<void> {
    const subscription = this.#subscription!;
    const link = this.#chooseLink();
    if (link === null) {
      this.#refused(subscription.intervalMs);
      return;
    }
    const nowMs = this.#parts.clock.epochMs();
    const points = pointsOf(this.#parts.snapshot(), subscription.requested);
    const compressionType = this.#compressionFor(subscription);
    const metrics = this.#payload(points, subscription, compressionType, nowMs);
    if (metrics === null) {
      this.#tell({ type: 'pushed' });
      return;
    }
    const { body } = await link.call(PushTelemetryRequest, PushTelemetryResponse, () => ({
      clientInstanceId: this.#instanceId,
      subscriptionId: subscription.id,
      terminating,
      compressionType,
      metrics,
    }));
    if (body.errorCode === 76) this.#refusedCompressions.add(compressionType);
    if (body.errorCode !== 0) throw new BrokerError(body.errorCode, `PushTelemetry at ${link.name}`);
    // Only now: what a broker has not taken is told once more.
    this.#told = new Map(points.filter(({ isCounter }) => isCounter).map((point) => [keyOf(point), point.value]));
    this.#toldMs = nowMs;
    this.#tell({ type: 'pushed' });
  }

  /** Where all of it is more than brokers take at once, the client's own metrics alone; null if that is too much. */
  #payload(
    points: readonly Point[],
    subscription: Subscription,
    compressionType: number,
    nowMs: number,
  ): Uint8Array | null {
    const ofClient = points.filter(({ group }) => group === 'producer-metrics');
    for (const chosen of [points, ofClient]) {
      const bytes = compress(this.#encode(chosen, subscription.isDelta, nowMs), compressionType);
      if (subscription.mostBytes <= 0 || bytes.length <= subscription.mostBytes) return bytes;
      this.#parts.logger.warn('the metrics that brokers ask for are more than they take at once', {
        bytes: bytes.length,
        mostBytes: subscription.mostBytes,
        hint: 'Subscribe to fewer metrics, or raise telemetry.max.bytes at the brokers.',
      });
    }
    return null;
  }

  #encode(points: readonly Point[], isDelta: boolean, nowMs: number): Uint8Array {
    const { labels } = this.#parts;
    const told = isDelta
      ? points.map((point) =>
          point.isCounter ? { ...point, value: point.value - (this.#told.get(keyOf(point)) ?? 0) } : point,
        )
      : points;
    const startMs = isDelta ? this.#toldMs : this.#startedMs;
    return encodeMetrics(told, { labels, isDelta, startMs, nowMs, softwareVersion });
  }

  #compressionFor(subscription: Subscription): number {
    const usable = subscription.compressions.find(
      (type) => compressions[type] !== undefined && !this.#refusedCompressions.has(type),
    );
    return usable ?? 0;
  }

  #chooseLink(): BrokerLink | null {
    this.#link = this.#parts.link(this.#link);
    return this.#link;
  }

  #failed(error: Error): void {
    const { code } = error as { code?: string };
    const intervalMs = this.#subscription?.intervalMs ?? usualIntervalMs;
    this.#parts.logger.debug('metrics were not told', { reason: error.message });
    if (!(error instanceof BrokerError)) {
      if (code === 'UNSUPPORTED_VERSION') this.#tell({ type: 'rejected' });
      else this.#refused(intervalMs);
    } else if (subscriptionIsOver.has(error.code)) this.#refused(0);
    else if (comesTooMuch.has(error.code)) this.#refused(intervalMs);
    else this.#tell({ type: 'rejected' });
  }

  #refused(restMs: number): void {
    this.#tell({ type: 'refused', restMs });
  }

  /** An answer may come when all is over. */
  #tell(event: TelemetryMachineEvent): void {
    if (this.actor.getSnapshot().status === 'active') this.actor.send(event);
  }
}

function compress(bytes: Uint8Array, type: number): Uint8Array {
  const name = compressions[type];
  return name == null ? bytes : nodeCompressions[name].compress(bytes);
}
