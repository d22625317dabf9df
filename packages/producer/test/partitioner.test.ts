import { expect, test } from 'vitest';
import type { Batch } from '../src/batch.ts';
import type { BrokerLink } from '../src/broker-link.ts';
import { Partitioner, type PartitionerOption } from '../src/partitioner.ts';
import { Topic } from '../src/topic.ts';

/** A small seeded generator, so that counts are the same in each run. */
function seeded(): () => number {
  let state = 12_345;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state / 0x8000_0000;
  };
}

function link(isFailing = false, rack: string | null = null): BrokerLink {
  return { isFailing, rack } as unknown as BrokerLink;
}

function topicOf(leaders: readonly (BrokerLink | null)[]): Topic {
  const topic = new Topic('orders');
  topic.grow(leaders.length);
  for (const [index, leader] of leaders.entries()) topic.partitions[index]!.leader = leader;
  topic.refreshAvailable();
  return topic;
}

/** How often each partition is chosen when each batch holds one record. */
function counts(topic: Topic, option: PartitionerOption, draws: number, rack: string | null = null): number[] {
  const partitioner = new Partitioner({ partitioner: option, rack, random: seeded() });
  const chosen = topic.partitions.map(() => 0);
  for (let i = 0; i < draws; i++) {
    chosen[partitioner.choose(topic, null, i).index]!++;
    topic.sticky = null;
  }
  return chosen;
}

test('without a key a partition is kept until its batch is gone, and all are chosen alike', () => {
  const topic = topicOf([link(), link(), link(), link()]);
  const partitioner = new Partitioner({ partitioner: 'default', rack: null, random: seeded() });
  const first = partitioner.choose(topic, null, 1);
  for (let i = 0; i < 20; i++) expect(partitioner.choose(topic, null, i)).toBe(first);
  topic.sticky = null;
  for (const count of counts(topic, 'default', 4_000)) {
    expect(count).toBeGreaterThan(850);
    expect(count).toBeLessThan(1_150);
  }
});

test('KIP-794: the longer a queue, the less often it is chosen', () => {
  const topic = topicOf([link(), link(), link()]);
  topic.partitions[0]!.waiting.push(...Array.from({ length: 4 }, () => ({}) as Batch));
  topic.partitions[1]!.waiting.push(...Array.from({ length: 2 }, () => ({}) as Batch));
  // Weights 1, 3 and 5.
  const [long, middle, short] = counts(topic, 'default', 9_000);
  expect(long! / 1_000).toBeCloseTo(1, 0);
  expect(middle! / 1_000).toBeCloseTo(3, 0);
  expect(short! / 1_000).toBeCloseTo(5, 0);
});

test('partitions without leader, and those whose leader cannot be reached, are left out while there are others', () => {
  expect(counts(topicOf([null, link(), link(true), link()]), 'default', 1_000).map((count) => count > 0)).toEqual([
    false,
    true,
    false,
    true,
  ]);
  expect(counts(topicOf([link(true), link(true)]), 'default', 100).every((count) => count > 0)).toBe(true);
  expect(counts(topicOf([null, null]), 'default', 100).every((count) => count > 0)).toBe(true);
});

test('a key counts all partitions, leader or not, with the sign bit cleared', () => {
  const topic = topicOf(Array.from({ length: 12 }, () => null));
  const partitioner = new Partitioner({ partitioner: 'default', rack: null, random: seeded() });
  for (const [key, index] of [
    ['a', 4],
    ['b', 8],
    ['100:48069', 9],
  ] as const) {
    expect(partitioner.choose(topic, key, 0).index).toBe(index);
    expect(partitioner.choose(topic, new TextEncoder().encode(key), 0).index).toBe(index);
  }
});

test('consistentRandom is the CRC-32 of the key, and an empty key is none', () => {
  const topic = topicOf(Array.from({ length: 10 }, () => link()));
  const partitioner = new Partitioner({ partitioner: 'consistentRandom', rack: null, random: seeded() });
  // The check value of CRC-32: 0xcbf43926.
  expect(partitioner.choose(topic, '123456789', 0).index).toBe(0xcbf43926 % 10);
  const sticky = partitioner.choose(topic, null, 0);
  expect(partitioner.choose(topic, '', 0)).toBe(sticky);
});

test('perRecord draws for each record, roundRobin goes round, whatever the key', () => {
  const topic = topicOf([link(), link(), link()]);
  const perRecord = new Partitioner({ partitioner: 'perRecord', rack: null, random: seeded() });
  const drawn = new Set(Array.from({ length: 50 }, () => perRecord.choose(topic, 'same', 0).index));
  expect(drawn).toEqual(new Set([0, 1, 2]));
  const roundRobin = new Partitioner({ partitioner: 'roundRobin', rack: null, random: () => 0 });
  expect(Array.from({ length: 6 }, () => roundRobin.choose(topic, 'same', 0).index)).toEqual([1, 2, 0, 1, 2, 0]);
});

test('KIP-1123: rackAware keeps to leaders in its rack while there are any', () => {
  const topic = topicOf([link(false, 'a'), link(false, 'b'), link(false, 'a'), link(true, 'b')]);
  expect(counts(topic, 'rackAware', 300, 'a').map((count) => count > 0)).toEqual([true, false, true, false]);
  expect(counts(topic, 'rackAware', 300, 'z').map((count) => count > 0)).toEqual([true, true, true, false]);
});

test('a function of your own may throw or choose what does not exist: its fault, by name', () => {
  const topic = topicOf([link(), link()]);
  const wrong = new Partitioner({ partitioner: () => 7, rack: null, random: seeded() });
  expect(() => wrong.choose(topic, null, 0)).toThrow('the partitioner chose 7, and the partitions are 0 to 1');
});
