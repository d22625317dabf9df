import { apis } from '../../../packages/codec/src/apis.ts';
import { facts } from '../../../packages/mock-cluster/src/profiles/facts.ts';
import { table } from '../markdown.ts';

/** Every API: the versions the codec has, and those that brokers of each release answered ApiVersions with. */
export function versionsTable(): string {
  const releases = Object.keys(facts);
  const ranges = new Map(releases.map((release) => [release, rangesOf(facts[release]!.apis)]));
  const rows = apis.map(({ name, apiKey, minVersion, maxVersion, latestVersionUnstable, listeners }) => [
    String(apiKey),
    name,
    `**${range(minVersion, maxVersion)}**${latestVersionUnstable ? ' *' : ''}`,
    ...releases.map((release) => {
      const found = ranges.get(release)!.get(apiKey);
      return found === undefined ? (listeners.includes('broker') ? '' : '†') : range(...found);
    }),
  ]);
  return table(['key', 'API', '@kiel/codec', ...releases], rows);
}

export function countOfApis(): { apis: number; versions: number } {
  return { apis: apis.length, versions: apis.reduce((sum, api) => sum + api.maxVersion - api.minVersion + 1, 0) };
}

function rangesOf(text: string): Map<number, readonly [number, number]> {
  return new Map(
    [...text.matchAll(/(\d+):(\d+)-(\d+)/g)].map(([, key, min, max]) => [
      Number(key),
      [Number(min), Number(max)] as const,
    ]),
  );
}

function range(min: number, max: number): string {
  return min === max ? String(min) : `${min}–${max}`;
}
