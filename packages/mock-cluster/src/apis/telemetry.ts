import {
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
  PushTelemetryRequest,
  PushTelemetryResponse,
} from '@kiel/codec';
import { Code } from '../codes.ts';
import { NO_TOPIC_ID } from '../state/cluster-state.ts';
import { defineApi } from './api.ts';

/** What a push may have when it is decompressed. */
const MAX_DATA = 16_777_216;
const compressionNames = [null, 'gzip', 'snappy', 'lz4', 'zstd'] as const;

/** Brokers without a telemetry plugin subscribe to nothing; these do the same unless told otherwise. */
export const getTelemetrySubscriptions = defineApi(
  'GetTelemetrySubscriptions',
  71,
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
  {
    handle(ctx, request) {
      const isNew = request.clientInstanceId === NO_TOPIC_ID;
      const { telemetry } = ctx.core;
      const { metrics, pushIntervalMs, maxBytes, compressions, deltaTemporality } = telemetry.subscription;
      return {
        throttleTimeMs: ctx.faults.throttleMs,
        errorCode: Code.NONE,
        clientInstanceId: isNew ? randomUuid(() => ctx.core.random.below(256)) : request.clientInstanceId,
        subscriptionId: telemetry.id,
        acceptedCompressionTypes: [...compressions],
        pushIntervalMs,
        telemetryMaxBytes: maxBytes,
        deltaTemporality,
        requestedMetrics: [...metrics],
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
    const { telemetry, compressions } = ctx.core;
    const { clientInstanceId, compressionType, terminating } = request;
    if (clientInstanceId === NO_TOPIC_ID || telemetry.terminated.has(clientInstanceId)) {
      return { throttleTimeMs, errorCode: Code.INVALID_REQUEST };
    }
    if (request.subscriptionId !== telemetry.id) return { throttleTimeMs, errorCode: Code.UNKNOWN_SUBSCRIPTION_ID };
    const { subscription } = telemetry;
    if (compressionType !== 0 && !subscription.compressions.includes(compressionType)) {
      return { throttleTimeMs, errorCode: Code.UNSUPPORTED_COMPRESSION_TYPE };
    }
    if (request.metrics.length > subscription.maxBytes) return { throttleTimeMs, errorCode: Code.TELEMETRY_TOO_LARGE };
    const name = compressionNames[compressionType];
    if (terminating) telemetry.terminated.add(clientInstanceId);
    // Nobody looks at it where no plugin takes it.
    if (!telemetry.isListed) return { throttleTimeMs, errorCode: Code.NONE };
    let data: Uint8Array;
    try {
      // A copy: what is kept must not hold the connection's buffers.
      data = new Uint8Array(name == null ? request.metrics : compressions[name].decompress(request.metrics, MAX_DATA));
    } catch {
      return { throttleTimeMs, errorCode: Code.INVALID_RECORD };
    }
    telemetry.pushes.push({
      broker: ctx.broker.id,
      clientInstanceId,
      client: ctx.client,
      terminating,
      compression: compressionType,
      data,
      atMs: ctx.clock.now(),
    });
    return { throttleTimeMs, errorCode: Code.NONE };
  },
  fail: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode }),
});

function randomUuid(byte: () => number): string {
  return Buffer.from(Uint8Array.from({ length: 16 }, byte)).toString('base64url');
}
