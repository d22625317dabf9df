import {
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
  PushTelemetryRequest,
  PushTelemetryResponse,
} from '@kiel/codec';
import { Code } from '../codes.ts';
import type { Core } from '../core.ts';
import { NO_TOPIC_ID } from '../state/cluster-state.ts';
import { defineApi } from './api.ts';

const SUBSCRIPTION_ID = 1;
const MAX_BYTES = 1_048_576;
const LAST_CODEC = 4;
const PUSH_INTERVAL_MS = 300_000;

/** Clients that have pushed their last, by cluster. */
const terminated = new WeakMap<Core, Set<string>>();

/** Brokers without a telemetry plugin subscribe to nothing; these do the same, and take what is pushed. */
export const getTelemetrySubscriptions = defineApi(
  'GetTelemetrySubscriptions',
  71,
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
  {
    handle(ctx, request) {
      const isNew = request.clientInstanceId === NO_TOPIC_ID;
      return {
        throttleTimeMs: ctx.faults.throttleMs,
        errorCode: Code.NONE,
        clientInstanceId: isNew ? randomUuid(() => ctx.core.random.below(256)) : request.clientInstanceId,
        subscriptionId: SUBSCRIPTION_ID,
        acceptedCompressionTypes: [4, 3, 1, 2],
        pushIntervalMs: PUSH_INTERVAL_MS,
        telemetryMaxBytes: MAX_BYTES,
        deltaTemporality: true,
        requestedMetrics: [],
      };
    },
    fail: (request, errorCode) => ({
      throttleTimeMs: 0,
      errorCode,
      clientInstanceId: request.clientInstanceId,
      subscriptionId: 0,
      acceptedCompressionTypes: [],
      pushIntervalMs: 0,
      telemetryMaxBytes: 0,
      deltaTemporality: false,
      requestedMetrics: [],
    }),
  },
);

export const pushTelemetry = defineApi('PushTelemetry', 72, PushTelemetryRequest, PushTelemetryResponse, {
  handle(ctx, request) {
    const throttleTimeMs = ctx.faults.throttleMs;
    const gone = terminated.get(ctx.core) ?? new Set();
    if (request.clientInstanceId === NO_TOPIC_ID || gone.has(request.clientInstanceId)) {
      return { throttleTimeMs, errorCode: Code.INVALID_REQUEST };
    }
    if (request.subscriptionId !== SUBSCRIPTION_ID) return { throttleTimeMs, errorCode: Code.UNKNOWN_SUBSCRIPTION_ID };
    if (request.compressionType > LAST_CODEC || request.compressionType < 0) {
      return { throttleTimeMs, errorCode: Code.UNSUPPORTED_COMPRESSION_TYPE };
    }
    if (request.metrics.length > MAX_BYTES) return { throttleTimeMs, errorCode: Code.TELEMETRY_TOO_LARGE };
    if (request.terminating) terminated.set(ctx.core, gone.add(request.clientInstanceId));
    return { throttleTimeMs, errorCode: Code.NONE };
  },
  fail: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode }),
});

function randomUuid(byte: () => number): string {
  return Buffer.from(Uint8Array.from({ length: 16 }, byte)).toString('base64url');
}
