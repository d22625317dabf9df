import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { askManners } from '../../../tools/kafka/facts/manners.ts';
import { MockCluster } from '../src/index.ts';

interface Facts {
  readonly apis: readonly {
    readonly key: number;
    readonly name: string | null;
    readonly min: number;
    readonly max: number;
  }[];
  readonly manners: Readonly<Record<string, unknown>>;
}

/** Where the brokers' manners are knowingly not played. */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  // waits for the bytes that the size promises not to come; nobody is served by that
  '0.10.2.2': ['frame of size 0'],
};

// Each oddity was sent to the real broker of that version, and what it did is in tools/kafka/facts.
test.concurrent.for(['0.8.2.2', '0.10.2.2', '1.1.1', '2.8.2', '3.9.2', '4.4.0'])(
  'a broker of %s answers, closes and waits as the real one does',
  { timeout: 60_000 },
  async (version, { expect: check }) => {
    const text = readFileSync(new URL(`../../../tools/kafka/facts/${version}.json`, import.meta.url), 'utf8');
    const facts = JSON.parse(text) as Facts;
    await using cluster = await MockCluster.start({ version, topics: ['facts'], autoCreateTopics: false });
    const port = Number(cluster.brokers[0]!.split(':')[1]);
    const manners: Record<string, unknown> = await askManners(
      port,
      facts.apis.map((api) => ({ ...api, name: api.name ?? '' })),
    );
    const expected: Record<string, unknown> = { ...facts.manners };
    for (const name of exceptions[version] ?? []) {
      delete expected[name];
      delete manners[name];
    }
    check(manners).toEqual(expected);
  },
);

test('what the profile lists is what the real broker listed', async () => {
  for (const version of ['1.1.1', '3.9.2', '4.4.0']) {
    const text = readFileSync(new URL(`../../../tools/kafka/facts/${version}.json`, import.meta.url), 'utf8');
    const { apis } = JSON.parse(text) as Facts;
    await using cluster = await MockCluster.start({ version, tcp: false });
    expect([...cluster.profile.listed].map(([key, { min, max }]) => ({ key, min, max }))).toEqual(
      apis.map(({ key, min, max }) => ({ key, min, max })),
    );
  }
});
