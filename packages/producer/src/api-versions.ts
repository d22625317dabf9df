import type { RequestMessage } from '@kiel/codec/client';
import { ConnectionError } from './errors.ts';

/** For each API key the lowest and highest version that a broker has. */
export type ApiVersionRanges = ReadonlyMap<number, readonly [min: number, max: number]>;

export function rangesOf(
  apiKeys: readonly { apiKey: number; minVersion: number; maxVersion: number }[],
): ApiVersionRanges {
  return new Map(apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, [minVersion, maxVersion]]));
}

/** What Kafka 0.8 and 0.9 understand, which cannot say so: Produce, Metadata, in their first versions. */
export const legacyRanges: ApiVersionRanges = new Map([
  [0, [0, 0]],
  [3, [0, 0]],
]);

/**
 * The newest version that both sides have.
 *
 * @param most - not above this one, whatever the broker has.
 * @returns -1 if there is none.
 */
export function newestCommon(
  ranges: ApiVersionRanges,
  message: Pick<RequestMessage, 'apiKey' | 'minVersion' | 'maxVersion'>,
  most: number = message.maxVersion,
): number {
  const range = ranges.get(message.apiKey);
  if (range === undefined) return -1;
  const version = Math.min(range[1], message.maxVersion, most);
  return version >= Math.max(range[0], message.minVersion) ? version : -1;
}

/** One clear error instead of attempts without end (KIP-896). */
export function noCommonVersion(
  broker: string,
  ranges: ApiVersionRanges,
  message: Pick<RequestMessage, 'name' | 'apiKey' | 'minVersion' | 'maxVersion'>,
): ConnectionError {
  const range = ranges.get(message.apiKey);
  const theirs = range === undefined ? 'does not have it' : `has versions ${range[0]} to ${range[1]}`;
  return new ConnectionError(
    'UNSUPPORTED_VERSION',
    `${message.name} cannot be spoken with ${broker}: this client has versions ${message.minVersion} to ` +
      `${message.maxVersion}, and the broker ${theirs}`,
    { retriable: false },
  );
}
