import { ApiVersionsRequest, ApiVersionsResponse } from '@kiel/codec';
import { Code } from '../codes.ts';
import type { Core } from '../core.ts';
import { defineApi } from './api.ts';

/** Names of client software that brokers take (KIP-511). */
const SOFTWARE_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?$/;

export const apiVersions = defineApi('ApiVersions', 18, ApiVersionsRequest, ApiVersionsResponse, {
  handle(ctx, request) {
    const { state } = ctx.core;
    const { profile } = state;
    if (ctx.version >= 3) {
      const isNamed =
        SOFTWARE_NAME.test(request.clientSoftwareName) && SOFTWARE_NAME.test(request.clientSoftwareVersion);
      if (!isNamed) return { errorCode: Code.INVALID_REQUEST, apiKeys: [] };
    }
    // A client that meant another cluster or another broker is told to begin anew (KIP-1242).
    if ((request.clusterId === null) !== (request.nodeId === -1))
      return { errorCode: Code.INVALID_REQUEST, apiKeys: [] };
    const isExpected =
      request.clusterId === null || (request.clusterId === state.clusterId && request.nodeId === ctx.broker.id);
    if (!isExpected) return { errorCode: Code.REBOOTSTRAP_REQUIRED, apiKeys: [] };
    // Version 3 could not say that a feature begins at 0, so those are left out.
    const supported = profile.features.filter((feature) => ctx.version >= 4 || feature.min > 0);
    const finalized = profile.features.filter((feature) => feature.finalized > 0);
    return {
      errorCode: Code.NONE,
      apiKeys: listedApis(ctx.core),
      throttleTimeMs: ctx.faults.throttleMs,
      supportedFeatures: supported.map(({ name, min, max }) => ({ name, minVersion: min, maxVersion: max })),
      finalizedFeaturesEpoch: profile.features.length > 0 ? 1n : -1n,
      finalizedFeatures: finalized.map(({ name, finalized: level }) => ({
        name,
        maxVersionLevel: level,
        minVersionLevel: level,
      })),
    };
  },
  fail: (_request, errorCode) => ({ errorCode, apiKeys: [] }),
});

/** Telemetry is listed where somebody takes the metrics. */
function listedApis({ state, telemetry }: Core): { apiKey: number; minVersion: number; maxVersion: number }[] {
  const { listed, accepted } = state.profile;
  const ranges = new Map(listed);
  if (telemetry.isListed) {
    for (const key of [71, 72]) {
      const range = accepted.get(key);
      if (range !== undefined) ranges.set(key, range);
    }
  }
  return [...ranges].map(([apiKey, { min, max }]) => ({ apiKey, minVersion: min, maxVersion: max }));
}
