import { expect, test } from 'vitest';
import { play } from '../../tools/sim/play.ts';
import { printScenario, type Scenario } from '../../tools/sim/scenario.ts';

/** Histories in which the simulation once found a fault, as small as it could make them. */
const found: Readonly<Record<string, Scenario>> = {
  'a connection that is ended for being idle, while it is wanted again, leaves no other one behind': {
    seed: 63,
    profile: 'quick',
    version: '3.9',
    brokers: 3,
    latencyMs: [5, 80],
    topics: {
      orders: { partitions: 6, replicationFactor: 1, minInsyncReplicas: 1 },
      clicks: { partitions: 1, replicationFactor: 2, minInsyncReplicas: 1 },
      audit: { partitions: 3, replicationFactor: 1, minInsyncReplicas: 1 },
    },
    producer: { connectionsMaxIdleMs: 4836 },
    workload: [
      {
        atMs: 0,
        count: 2,
        everyMs: 0,
        topic: 'orders',
        keys: 1000,
        partition: null,
        valueBytes: 10,
        cancelAfterMs: 500,
      },
    ],
    flushesAtMs: [],
    faults: [{ atMs: 1, forMs: 31_112, what: 'rule InitProducerId: error COORDINATOR_LOAD_IN_PROGRESS' }],
    healAtMs: 37_905,
    ending: 'abrupt',
  },
  'a topic that was made anew gets one batch first, as a new leader does': {
    seed: 700_537,
    profile: 'hard',
    version: '4.4',
    brokers: 1,
    latencyMs: [5, 80],
    topics: { orders: { partitions: 6, replicationFactor: 1, minInsyncReplicas: 1 } },
    producer: {},
    workload: [
      { atMs: 0, count: 130, everyMs: 1, topic: 'orders', keys: 5, partition: 5, valueBytes: 80 },
      { atMs: 331_258, count: 22, everyMs: 1, topic: 'orders', keys: 1000, partition: null, valueBytes: 655 },
    ],
    flushesAtMs: [],
    faults: [{ atMs: 259_635, forMs: null, what: 'recreate orders' }],
    healAtMs: 783_850,
    ending: 'calm',
  },
  'a topic that was idle for longer than metadataMaxIdleMs keeps its sequence numbers': {
    seed: 40,
    profile: 'hard',
    version: '3.9',
    brokers: 1,
    latencyMs: [0.2, 2],
    topics: {
      orders: { partitions: 1, replicationFactor: 1, minInsyncReplicas: 1 },
      clicks: { partitions: 1, replicationFactor: 1, minInsyncReplicas: 1 },
    },
    producer: {},
    workload: [
      { atMs: 765_408, count: 1, everyMs: 0, topic: 'clicks', keys: 0, partition: null, valueBytes: 124 },
      { atMs: 395_991, count: 3, everyMs: 10, topic: 'orders', keys: 0, partition: null, valueBytes: 14 },
      { atMs: 1_635_057, count: 2, everyMs: 52_390, topic: 'orders', keys: 0, partition: null, valueBytes: 80 },
    ],
    flushesAtMs: [],
    faults: [],
    healAtMs: 2_106_570,
    ending: 'calm',
  },
  'records that wait for room take their places one at a time, though the first of them wakes the machine': {
    seed: 178,
    profile: 'hard',
    version: '3.9',
    brokers: 2,
    latencyMs: [5, 80],
    topics: {
      orders: { partitions: 3, replicationFactor: 2, minInsyncReplicas: 1 },
      clicks: { partitions: 2, replicationFactor: 2, minInsyncReplicas: 1, maxMessageBytes: 1586 },
    },
    producer: { bufferBytes: 50_316, compression: 'zstd' },
    workload: [
      { atMs: 0, count: 263, everyMs: 0, topic: 'clicks', keys: 0, partition: 0, valueBytes: 355 },
      { atMs: 541, count: 1, everyMs: 0, topic: 'orders', keys: 1, partition: 2, valueBytes: 1204 },
    ],
    flushesAtMs: [5547, 7883, 6790],
    faults: [],
    healAtMs: 10_209,
    ending: 'calm',
  },
  'a broker that closed its first connections is not taken for an old one for good': {
    seed: 141,
    profile: 'hard',
    version: '4.4',
    brokers: 1,
    latencyMs: [0.2, 2],
    topics: { orders: { partitions: 3, replicationFactor: 1, minInsyncReplicas: 1 } },
    producer: {},
    workload: [{ atMs: 0, count: 1, everyMs: 11_701, topic: 'orders', keys: 1, partition: 1, valueBytes: 280 }],
    flushesAtMs: [176_682, 42_450, 80_105],
    faults: [{ atMs: 1, forMs: 30_967, what: 'rule *: close' }],
    healAtMs: 234_031,
    ending: 'calm',
  },
};

test.each(Object.entries(found))('%s', async (_, scenario) => {
  const { violations } = await play(scenario);
  expect(violations, printScenario(scenario)).toEqual([]);
});
