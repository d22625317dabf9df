import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MockCluster, type MockClusterOptions } from '../../packages/mock-cluster/src/index.ts';
import {
  type AnyProducerOptions,
  createProducer,
  type DeliveryError,
  type Producer,
} from '../../packages/producer/src/index.ts';
import { root } from '../../tools/docs/blocks/pages.ts';
import { optionFacts } from '../../tools/docs/data/option-facts.ts';

// biome-ignore lint/suspicious/noExplicitAny: fields of whatever message it is.
type Message = Record<string, any>;

/** What a test of an option looks at. */
interface Stage {
  readonly cluster: MockCluster;
  readonly producer: Producer;
  /** Lets virtual time pass until the promise is settled. */
  run<T>(promise: PromiseLike<T>): Promise<T>;
  sent(api: string): Message[];
}

interface Trial {
  readonly options: Partial<AnyProducerOptions>;
  readonly cluster?: Partial<MockClusterOptions>;
  see(stage: Stage): Promise<void>;
}

const headerBytes = { attributes: 21, producerId: 43 };
const batchOf = ({ cluster }: Stage): DataView => {
  const [bytes] = cluster.batches('orders', 0);
  return new DataView(bytes!.buffer, bytes!.byteOffset, bytes!.byteLength);
};
const fails = async ({ run }: Stage, delivery: PromiseLike<unknown>): Promise<DeliveryError> =>
  run(
    delivery.then(
      () => expect.fail('it should have failed'),
      (error: DeliveryError) => error,
    ),
  );
const timesOf = ({ cluster }: Stage, api: string): number[] => cluster.requests({ api }).map(({ atMs }) => atMs);

const deliveredAfter = async ({ cluster, producer, run }: Stage, fault: string): Promise<number> => {
  cluster.fault(fault);
  const from = cluster.clock.now();
  await run(producer.produce('orders', 1));
  return cluster.clock.now() - from;
};

/** Each option as the page describes it: something is given that is not the default, and seen to act. */
const trials: Partial<Record<keyof AnyProducerOptions, Trial>> = {
  clientId: {
    options: { clientId: 'me' },
    see: async ({ cluster, producer, run }) => {
      await run(producer.produce('orders', 1));
      expect(new Set(cluster.requests().map(({ client }) => client))).toEqual(new Set(['me']));
    },
  },
  serializer: {
    options: { serializer: (value, topic) => `${topic}: ${String(value)}` },
    see: async ({ cluster, producer, run }) => {
      await run(Promise.all([producer.produce('orders', 'a'), producer.produce('orders', null)]));
      expect(cluster.log('orders').map(({ value }) => value)).toEqual(['orders: a', null]);
    },
  },
  keyMaker: {
    options: { keyMaker: (value) => String((value as { id: number }).id) },
    see: async ({ cluster, producer, run }) => {
      await run(
        Promise.all([producer.produce('orders', { id: 7 }), producer.produce('orders', { id: 8 }, { key: 'k' })]),
      );
      expect(cluster.log('orders').map(({ key }) => key)).toEqual(['7', 'k']);
    },
  },
  partitioner: {
    options: { partitioner: 'roundRobin' },
    cluster: { topics: { orders: 3 } },
    see: async ({ cluster, producer, run }) => {
      await run(Promise.all([1, 2, 3].map((each) => producer.produce('orders', each, { key: 'same' }))));
      expect([0, 1, 2].map((partition) => cluster.log('orders', partition).length)).toEqual([1, 1, 1]);
    },
  },
  batchSize: {
    options: { batchSize: 3 },
    see: async ({ cluster, producer, run }) => {
      for (let i = 0; i < 2; i++) producer.produce('orders', i);
      await cluster.clock.advance(4_000);
      expect(cluster.log('orders')).toHaveLength(0);
      await run(producer.produce('orders', 2));
      expect(cluster.log('orders')).toHaveLength(3);
    },
  },
  lingerMs: {
    options: { lingerMs: 800 },
    see: async (stage) => {
      stage.producer.produce('orders', 1);
      await stage.cluster.clock.advance(700);
      expect(timesOf(stage, 'Produce')).toHaveLength(0);
      await stage.cluster.clock.advance(200);
      expect(timesOf(stage, 'Produce')).toHaveLength(1);
    },
  },
  batchBytes: {
    options: { batchBytes: 1_000, lingerMs: 50 },
    see: async ({ cluster, producer, run }) => {
      await run(Promise.all(Array.from({ length: 10 }, () => producer.produce('orders', 'x'.repeat(300)))));
      const batches = cluster.batches('orders', 0);
      expect(batches.length).toBeGreaterThanOrEqual(4);
      for (const { byteLength } of batches) expect(byteLength).toBeLessThanOrEqual(1_000);
    },
  },
  compression: {
    options: { compression: 'gzip' },
    see: async (stage) => {
      await stage.run(stage.producer.produce('orders', 'x'.repeat(500)));
      expect(batchOf(stage).getInt16(headerBytes.attributes) & 7).toBe(1);
    },
  },
  compressionLevel: {
    options: { compression: 'gzip', compressionLevel: 9 },
    see: async (stage) => {
      const text = Array.from({ length: 3_000 }, (_, i) => `${i * 7919}`.slice(0, 3)).join(' ');
      await stage.run(stage.producer.produce('orders', text));
      await using quick = createProducer({ ...stage.cluster.inMemory(), compression: 'gzip', compressionLevel: 1 });
      await stage.run(quick.produce('orders', text));
      const [best, fast] = stage.cluster.batches('orders', 0);
      expect(best!.byteLength).toBeLessThan(fast!.byteLength);
      await stage.run(quick.close());
    },
  },
  requiredAcks: {
    options: { requiredAcks: 0 },
    see: async ({ cluster, producer, run, sent }) => {
      expect((await run(producer.produce('orders', 1))).offset).toBe(-1n);
      await cluster.clock.advance(50); // it was settled when it was written
      expect(sent('Produce').map(({ acks }) => acks)).toEqual([0]);
    },
  },
  ackTimeout: {
    options: { ackTimeout: 700 },
    see: async ({ producer, run, sent }) => {
      await run(producer.produce('orders', 1));
      expect(sent('Produce').map(({ timeoutMs, acks }) => [timeoutMs, acks])).toEqual([[700, -1]]);
    },
  },
  idempotent: {
    options: { idempotent: false },
    see: async (stage) => {
      await stage.run(stage.producer.produce('orders', 1));
      expect(batchOf(stage).getBigInt64(headerBytes.producerId)).toBe(-1n);
      expect(stage.sent('InitProducerId')).toEqual([]);
    },
  },
  transactionalId: {
    options: { transactionalId: 'worker-1' },
    see: async ({ cluster, producer, run }) => {
      await run(producer.transaction((tx) => void tx.produce('orders', 1)));
      expect(cluster.transaction('worker-1')?.state).toMatch(/complete/i);
      expect(cluster.log('orders', 0, { committed: true })).toHaveLength(1);
    },
  },
  transactionTimeoutMs: {
    options: { transactionalId: 'worker-1', transactionTimeoutMs: 12_345 },
    see: async ({ producer, run, sent }) => {
      await run(producer.transaction((tx) => void tx.produce('orders', 1)));
      expect(sent('InitProducerId').map(({ transactionTimeoutMs }) => transactionTimeoutMs)).toEqual([12_345]);
    },
  },
  transactionTwoPhaseCommit: {
    options: { transactionalId: 'worker-1', transactionTwoPhaseCommit: true },
    cluster: { transactionTwoPhaseCommit: true },
    see: async ({ producer, run, sent }) => {
      await run(producer.transaction((tx) => void tx.produce('orders', 1)));
      expect(sent('InitProducerId').map(({ enable2Pc }) => enable2Pc)).toEqual([true]);
    },
  },
  maxRequestBytes: {
    options: { maxRequestBytes: 2_000, batchBytes: 2_000 },
    see: async (stage) => {
      expect(await fails(stage, stage.producer.produce('orders', 'x'.repeat(3_000)))).toMatchObject({
        code: 'MESSAGE_TOO_LARGE',
        persisted: 'no',
      });
    },
  },
  bufferBytes: {
    options: { bufferBytes: 1_200_000, maxBlockMs: 0, lingerMs: 100 },
    see: async (stage) => {
      // No time at all is none for a topic's metadata either: a first record fails, and makes it known.
      expect(await fails(stage, stage.producer.produce('orders', 1))).toMatchObject({ code: 'METADATA_TIMEOUT' });
      await stage.cluster.clock.advance(1_000);
      await stage.run(stage.producer.produce('orders', 1));
      for (let i = 0; i < 20; i++) stage.producer.produce('orders', 'x'.repeat(90_000)).catch(() => {});
      expect(stage.producer.hasRoom).toBe(false);
      expect(await fails(stage, stage.producer.produce('orders', 'x'.repeat(500_000)))).toMatchObject({
        code: 'BUFFER_FULL',
      });
    },
  },
  maxBlockMs: {
    options: { maxBlockMs: 7_000, autoCreateTopics: false },
    see: async (stage) => {
      const from = stage.cluster.clock.now();
      expect(await fails(stage, stage.producer.produce('nowhere', 1))).toMatchObject({ code: 'METADATA_TIMEOUT' });
      expect(stage.cluster.clock.now() - from).toBeGreaterThanOrEqual(7_000);
      expect(stage.cluster.clock.now() - from).toBeLessThan(8_000);
    },
  },
  maxInFlight: {
    options: { maxInFlight: 1, partitioner: 'roundRobin' },
    cluster: { topics: { orders: 4 } },
    see: async ({ cluster, producer, run }) => {
      cluster.fault('Produce: delay the reply 40 ms');
      await run(producer.produce('orders', 0));
      for (let i = 0; i < 40; i++) {
        producer.produce('orders', i);
        await cluster.clock.advance(5);
      }
      await run(producer.flush());
      const produced = cluster.requests({ api: 'Produce' });
      expect(produced.length).toBeGreaterThan(2);
      for (const [i, { atMs }] of produced.entries()) {
        if (i > 0) expect(atMs).toBeGreaterThanOrEqual(produced[i - 1]!.answeredMs);
      }
    },
  },
  deliveryTimeoutMs: {
    options: { deliveryTimeoutMs: 9_000, requestTimeoutMs: 5_000 },
    see: async (stage) => {
      stage.cluster.fault('Produce: error NOT_ENOUGH_REPLICAS');
      const from = stage.cluster.clock.now();
      expect(await fails(stage, stage.producer.produce('orders', 1))).toMatchObject({ code: 'DELIVERY_TIMEOUT' });
      expect(stage.cluster.clock.now() - from).toBeGreaterThanOrEqual(9_000);
      expect(stage.cluster.clock.now() - from).toBeLessThan(10_000);
    },
  },
  requestTimeoutMs: {
    options: { requestTimeoutMs: 3_000 },
    see: async (stage) => {
      stage.cluster.fault('Produce: once, append-then-mute');
      const from = stage.cluster.clock.now();
      await stage.run(stage.producer.produce('orders', 1));
      expect(stage.cluster.clock.now() - from).toBeGreaterThanOrEqual(3_000);
      expect(stage.cluster.clock.now() - from).toBeLessThan(6_000);
      expect(stage.cluster.log('orders')).toHaveLength(1);
    },
  },
  retryBackoffMs: {
    options: { retryBackoffMs: 400, retryBackoffMaxMs: 100_000 },
    see: async (stage) => {
      stage.cluster.fault('Produce: 3 times, error NOT_ENOUGH_REPLICAS');
      await stage.run(stage.producer.produce('orders', 1));
      const pauses = pausesOf(timesOf(stage, 'Produce'));
      expect(pauses).toHaveLength(3);
      // Doubling, give or take a fifth.
      for (const [i, pause] of pauses.entries()) {
        expect(pause).toBeGreaterThan(400 * 2 ** i * 0.79);
        expect(pause).toBeLessThan(400 * 2 ** i * 1.21 + 20);
      }
    },
  },
  retryBackoffMaxMs: {
    options: { retryBackoffMs: 400, retryBackoffMaxMs: 500 },
    see: async (stage) => {
      stage.cluster.fault('Produce: 4 times, error NOT_ENOUGH_REPLICAS');
      await stage.run(stage.producer.produce('orders', 1));
      const pauses = pausesOf(timesOf(stage, 'Produce'));
      expect(pauses).toHaveLength(4);
      for (const pause of pauses) expect(pause).toBeLessThan(500 * 1.2 + 20);
    },
  },
  reconnectBackoffMs: {
    options: { reconnectBackoffMs: 2_000, reconnectBackoffMaxMs: 60_000 },
    see: async (stage) => {
      await stage.run(stage.producer.produce('orders', 0));
      stage.cluster.fault('Produce: once, close');
      const tookMs = await deliveredAfter(stage, 'Connect: 2 times, refuse');
      expect(tookMs).toBeGreaterThan((2_000 + 4_000) * 0.79);
      expect(tookMs).toBeLessThan((2_000 + 4_000) * 1.21 + 200);
    },
  },
  reconnectBackoffMaxMs: {
    options: { reconnectBackoffMs: 1_000, reconnectBackoffMaxMs: 1_000 },
    see: async (stage) => {
      await stage.run(stage.producer.produce('orders', 0));
      stage.cluster.fault('Produce: once, close');
      const tookMs = await deliveredAfter(stage, 'Connect: 5 times, refuse');
      // Some of the five meet an entry of `brokers`, which is asked again sooner.
      expect(tookMs).toBeGreaterThan(2 * 1_000 * 0.79);
      expect(tookMs).toBeLessThan(5_000 * 1.21 + 200);
    },
  },
  connectionSetupTimeoutMs: {
    options: { connectionSetupTimeoutMs: 1_500 },
    see: async (stage) => {
      const tookMs = await deliveredAfter(stage, 'Connect: once, black-hole');
      expect(tookMs).toBeGreaterThanOrEqual(1_500);
      expect(tookMs).toBeLessThan(2_000);
    },
  },
  metadataMaxAgeMs: {
    options: { metadataMaxAgeMs: 2_000 },
    see: async (stage) => {
      await stage.run(stage.producer.produce('orders', 1));
      const before = timesOf(stage, 'Metadata').length;
      for (let i = 0; i < 10; i++) {
        await stage.cluster.clock.advance(1_000);
        stage.producer.produce('orders', i);
      }
      await stage.run(stage.producer.flush());
      expect(timesOf(stage, 'Metadata').length - before).toBeGreaterThanOrEqual(4);
    },
  },
  metadataMaxIdleMs: {
    options: { metadataMaxIdleMs: 3_000, metadataMaxAgeMs: 1_000 },
    cluster: { topics: { orders: 1, audit: 1 } },
    see: async ({ cluster, producer, run, sent }) => {
      await run(producer.produce('audit', 1));
      for (let i = 0; i < 20; i++) {
        await cluster.clock.advance(500);
        producer.produce('orders', i);
      }
      await run(producer.flush());
      const [last] = sent('Metadata').slice(-1);
      expect(last!['topics'].map(({ name }: { name: string }) => name)).toEqual(['orders']);
    },
  },
  connectionsMaxIdleMs: {
    options: { connectionsMaxIdleMs: 5_000 },
    see: async ({ cluster, producer, run }) => {
      await run(producer.produce('orders', 1));
      expect(producer.metrics().client['connection-count']).toBeGreaterThan(0);
      await cluster.clock.advance(11_000);
      expect(producer.metrics().client['connection-count']).toBe(0);
    },
  },
  autoCreateTopics: {
    options: { autoCreateTopics: false, maxBlockMs: 1_000 },
    see: async (stage) => {
      await fails(stage, stage.producer.produce('new-topic', 1));
      const asked = stage.sent('Metadata').map(({ allowAutoTopicCreation }) => allowAutoTopicCreation);
      expect(asked.length).toBeGreaterThan(0);
      expect(new Set(asked)).toEqual(new Set([false]));
      expect(stage.cluster.topics().map(({ name }) => name)).toEqual(['orders']);
    },
  },
  logger: {
    options: { logger: loggerInto([]) },
    see: async ({ cluster, run }) => {
      const lines: string[] = [];
      const producer = createProducer({ ...cluster.inMemory(), maxBlockMs: 500, logger: loggerInto(lines) });
      producer.produce('no/such/name', 1);
      await run(producer.close());
      expect(lines.length).toBeGreaterThan(0);
    },
  },
  inspect: {
    options: {},
    see: async ({ cluster, run }) => {
      const kinds = new Set<string>();
      const producer = createProducer({ ...cluster.inMemory(), inspect: ({ type }) => kinds.add(type) });
      await run(producer.produce('orders', 1));
      await run(producer.close());
      expect([...kinds]).toContain('@xstate.snapshot');
    },
  },
};

/** Options whose effect needs sockets, certificates or another machine: these have tests of their own. */
const elsewhere: Partial<Record<keyof AnyProducerOptions, string>> = {
  brokers: 'docs/start.md',
  rack: 'packages/producer/test/partitioner.test.ts',
  compressionMode: 'packages/producer/test/compression.test.ts',
  tls: 'packages/producer/test/security',
  sasl: 'packages/producer/test/security',
  resolveBroker: 'docs/guide/proxies.md',
  socketFactory: 'docs/guide/proxies.md',
  allowedBrokers: 'packages/producer/test/security/address-policy.test.ts',
  metricsPush: 'packages/producer/test/telemetry/push.test.ts',
  transport: 'tests/docs/options-do.test.ts',
  clock: 'tests/docs/options-do.test.ts',
  random: 'tests/docs/options-do.test.ts',
};

test('every option of the page is tried, here or in a test of its own', () => {
  expect([...Object.keys(trials), ...Object.keys(elsewhere)].sort()).toEqual(Object.keys(optionFacts).sort());
  for (const [name, place] of Object.entries(elsewhere)) {
    const path = join(root, place);
    const files = statSync(path).isDirectory() ? readdirSync(path).map((file) => join(path, file)) : [path];
    const isThere = files.some((file) => statSync(file).isFile() && readFileSync(file, 'utf8').includes(name));
    expect([name, isThere]).toEqual([name, true]);
  }
});

describe('options do what their page says', () => {
  for (const [name, { options, cluster: clusterOptions, see }] of Object.entries(trials)) {
    test(name, async () => {
      await using cluster = await MockCluster.start({ topics: { orders: 1 }, tcp: false, seed: 7, ...clusterOptions });
      const producer = createProducer({ ...cluster.inMemory(), ...options } as AnyProducerOptions as never) as Producer;
      const run = <T>(promise: PromiseLike<T>): Promise<T> => cluster.clock.run(promise as Promise<T>);
      const sent = (api: string) => cluster.requests({ api }).map(({ request }) => request as Message);
      await see({ cluster, producer, run, sent });
      await run(producer.close({ timeoutMs: 0 }));
    });
  }
});

function pausesOf(times: readonly number[]): number[] {
  return times.slice(1).map((each, i) => each - times[i]!);
}

function loggerInto(lines: string[]) {
  const say = (_: object, message: string): void => void lines.push(message);
  return { debug: say, info: say, warn: say, error: say };
}
