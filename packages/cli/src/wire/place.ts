import type { MetadataResponseTopic } from '@kiel/codec';
import { usage } from '../failure.ts';
import type { ClusterClient } from './cluster-client.ts';
import { BEGINNING, END, offsetsAt } from './topic-reader.ts';

/** A place in a partition, as people name it. */
export type Place =
  | { readonly kind: 'beginning' | 'end' }
  | { readonly kind: 'offset'; readonly offset: bigint }
  | { readonly kind: 'last'; readonly count: bigint }
  | { readonly kind: 'time'; readonly timestampMs: bigint };

/** @throws Failure */
export function parsePlace(text: string, flag: string): Place {
  if (text === 'beginning' || text === 'end') return { kind: text };
  if (/^\d{1,18}$/.test(text)) return { kind: 'offset', offset: BigInt(text) };
  if (/^-\d{1,18}$/.test(text)) return { kind: 'last', count: BigInt(text.slice(1)) };
  const timestampMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(timestampMs)) {
    throw usage(
      `${flag} ${text} is no place.`,
      'Give beginning, end, an offset, -N, or a date such as 2026-03-02T05:30:00Z.',
    );
  }
  return { kind: 'time', timestampMs: BigInt(timestampMs) };
}

/** The offset of a place in each partition. */
export async function offsetsOf(
  place: Place,
  client: ClusterClient,
  topic: MetadataResponseTopic,
  partitions: readonly number[],
  committed: boolean,
): Promise<Map<number, bigint>> {
  switch (place.kind) {
    case 'beginning':
      return offsetsAt(client, topic, partitions, BEGINNING);
    case 'end':
      return offsetsAt(client, topic, partitions, END, committed);
    case 'time':
      return offsetsAt(client, topic, partitions, place.timestampMs, committed);
    case 'offset':
      return new Map(partitions.map((partition) => [partition, place.offset]));
    case 'last': {
      const beginnings = await offsetsAt(client, topic, partitions, BEGINNING);
      const ends = await offsetsAt(client, topic, partitions, END, committed);
      return new Map(
        [...ends].map(([partition, end]) => {
          const beginning = beginnings.get(partition)!;
          const start = end - place.count;
          // biome-ignore lint/complexity/useMathMinMax: Math.max takes no bigint.
          return [partition, start < beginning ? beginning : start];
        }),
      );
    }
  }
}
