import type { Api } from './messages/api.ts';
import { apis } from './messages/generated/api-table.ts';

/** Facts of an API by its key, or undefined for a key that Kafka 0.8 to 4.4 do not have. Imports no message. */
export function apiFor(apiKey: number): Api | undefined {
  const api = apis[apiKey];
  // Keys are dense today; a gap would move what follows.
  return api?.apiKey === apiKey ? api : apis.find((each) => each.apiKey === apiKey);
}

/**
 * Which version of RequestHeader goes with a request. Versions that nobody knows yet count as flexible when the
 * API is. An unknown key is taken for an API of a later release, which all are flexible.
 */
export function requestHeaderVersion(apiKey: number, apiVersion: number): number {
  // ControlledShutdown v0 came before client ids.
  if (apiKey === 7 && apiVersion === 0) return 0;
  const api = apiFor(apiKey);
  return api === undefined || apiVersion >= api.firstFlexible ? 2 : 1;
}

/** Which version of ResponseHeader goes with an answer. */
export function responseHeaderVersion(apiKey: number, apiVersion: number): number {
  // ApiVersions: a client must be able to read the refusal of a version that the broker does not know (KIP-511).
  if (apiKey === 18) return 0;
  const api = apiFor(apiKey);
  return api === undefined || apiVersion >= api.firstFlexible ? 1 : 0;
}
