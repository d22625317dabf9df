import { expect, test } from 'vitest';
import { start } from './start.ts';

test('a topic that was idle for hours goes on with its sequence numbers, and brokers are not asked about it meanwhile', async () => {
  await using t = await start({}, { metadataMaxAgeMs: 60_000, metadataMaxIdleMs: 300_000 });
  await t.warm('first');
  await t.mock.clock.advance(7_200_000);
  expect(t.count('Metadata')).toBeLessThan(8);
  await t.run(t.producer.produce('orders', 'second'));
  expect(t.mock.log('orders', 0).map(({ value, sequence }) => [value, sequence])).toEqual([
    ['first', 0],
    ['second', 1],
  ]);
});

test('P14: a topic that records wait for is never dropped from what brokers are asked about', async () => {
  await using t = await start(
    { autoCreateTopics: false },
    { maxBlockMs: 1_200_000, metadataMaxIdleMs: 60_000, deliveryTimeoutMs: 1_200_000 },
  );
  const sent = t.producer.produce('later', 'a');
  await t.mock.clock.advance(200_000);
  t.mock.createTopic('later');
  expect(await t.run(sent)).toMatchObject({ offset: 0n });
});
