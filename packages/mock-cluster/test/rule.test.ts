import { expect, test } from 'vitest';
import { SeededRandom } from '../src/clock/random.ts';
import { actionNames, parseAction, printAction } from '../src/faults/action.ts';
import { parseFault, Rules } from '../src/faults/rule.ts';
import { FaultSyntaxError, MockCluster, type RuleOptions } from '../src/index.ts';

const occasion = (over: Partial<Parameters<Rules['take']>[0]> = {}) => ({
  api: 'Produce',
  broker: 1,
  client: 'app',
  touched: [{ topic: 'orders', partition: 0 }],
  nowMs: 0,
  ...over,
});

test('a rule prints as the sentence that makes it again', () => {
  const rules = new Rules(new SeededRandom(1));
  const sentences = [
    'Produce: 2 times, error NOT_LEADER_OR_FOLLOWER',
    'Produce, broker 1, topic orders, partition 0, client app: after 3, 1 time, with probability 0.25, from 10 ms, until 500 ms, close',
    '*: error REQUEST_TIMED_OUT saying "not today, please"',
    'Produce: append then error NOT_ENOUGH_REPLICAS_AFTER_APPEND',
    'Produce: error INVALID_RECORD for records 0 and 2',
    'Produce: error NOT_LEADER_OR_FOLLOWER with hint, throttle 500 ms',
    'Fetch: trickle 1 byte every 5 ms',
    'Fetch: split the reply at bytes 3 and 9',
    'Metadata: truncate the reply at byte 7',
    'Metadata: add 2 partitions, stale-metadata',
    ...actionNames.map((name) => `Connect: ${name}`),
  ];
  for (const sentence of sentences) {
    const { api, options } = parseFault(sentence);
    expect(String(rules.add(api, options))).toBe(sentence);
  }
});

test('every act prints as what it was parsed from', () => {
  const acts = [
    { delayMs: 5 },
    { delayReplyMs: 7 },
    { throttleMs: 100 },
    { truncateAt: 4 },
    { trickle: { bytes: 3, everyMs: 10 } },
    { splitAt: [1, 4] },
    { garbageBytes: 16 },
    { correlationId: -1 },
    { addPartitions: 3 },
    { killBroker: 2 },
  ];
  for (const act of acts) expect(parseAction(printAction(act))).toEqual(act);
});

test('a fault that cannot be read says what is wrong with it', () => {
  expect(() => parseFault('Produce close')).toThrow(/colon/);
  expect(() => parseFault('produce!: close')).toThrow(/no name of an API/);
  expect(() => parseFault('Produce: 2 times')).toThrow(/not what happens/);
  expect(() => parseFault('Produce: explode')).toThrow(/no act/);
  expect(() => parseFault('Produce: error NOT_A_CODE')).toThrow(/NOT_A_CODE/);
  expect(() => parseFault('Produce, broker one: close')).toThrow(/needs a number/);
});

test('a rule acts where and when it says, and not otherwise', () => {
  const rules = new Rules(new SeededRandom(1));
  rules.add('Produce', {
    broker: 1,
    topic: 'orders',
    partition: 0,
    after: 1,
    times: 2,
    fromMs: 100,
    untilMs: 200,
    then: 'close',
  });
  const takes = (over: Parameters<typeof occasion>[0]) => rules.take(occasion(over)).length;
  expect(takes({ nowMs: 99 })).toBe(0);
  expect(takes({ nowMs: 150, broker: 2 })).toBe(0);
  expect(takes({ nowMs: 150, touched: [{ topic: 'orders', partition: 1 }] })).toBe(0);
  expect(takes({ nowMs: 150, api: 'Fetch' })).toBe(0);
  expect([1, 2, 3, 4].map(() => takes({ nowMs: 150 }))).toEqual([0, 1, 1, 0]);
  expect(takes({ nowMs: 201 })).toBe(0);
});

test('a probability draws from the seed: the same seed, the same occasions', () => {
  const run = (seed: number) => {
    const rules = new Rules(new SeededRandom(seed));
    rules.add('*', { probability: 0.3, then: 'close' });
    return Array.from({ length: 200 }, () => rules.take(occasion()).length).join('');
  };
  expect(run(5)).toBe(run(5));
  expect(run(5)).not.toBe(run(6));
  const hits = run(5).replaceAll('0', '').length;
  expect(hits).toBeGreaterThan(30);
  expect(hits).toBeLessThan(90);
});

test('a removed rule acts no more', () => {
  const rules = new Rules(new SeededRandom(1));
  const rule = rules.add('Produce', { then: 'close' });
  expect(rules.take(occasion())).toEqual([rule]);
  rule.remove();
  rule.remove();
  expect(rules.take(occasion())).toEqual([]);
  expect(rules.isEmpty).toBe(true);
});

test.for([
  ['Prodcue: close', 'there is no API called "Prodcue"; did you mean "Produce"?'],
  ['ProduceRequest: close', 'there is no API called "ProduceRequest"'],
  ['InitProducerID: close', 'did you mean "InitProducerId"?'],
  ['Conect: refuse', 'did you mean "Connect"?'],
  ['Produce: 0 times, close', 'never acts'],
  ['Produce: with probability 2, close', 'is no probability'],
])('%s is refused', async ([sentence, why]) => {
  await using cluster = await MockCluster.start({ tcp: false });
  expect(() => cluster.fault(sentence!)).toThrow(why);
});

test('a misspelt API or option of a rule is an error that names the right one', async () => {
  await using cluster = await MockCluster.start({ tcp: false });
  expect(() => cluster.on('Metdata', { then: 'close' })).toThrow(
    new FaultSyntaxError('there is no API called "Metdata"; did you mean "Metadata"?'),
  );
  expect(() => cluster.on('Produce', { tiems: 1, then: 'close' } as object as RuleOptions)).toThrow(
    new FaultSyntaxError('a rule has no option "tiems"; did you mean "times"?'),
  );
  expect(cluster.rules).toEqual([]);
});
