import { MockCluster, type MockClusterOptions } from '@kiel/mock-cluster';
import { expect } from 'vitest';
import { createProducer, type ProducerOptions, TransactionError } from '../../src/index.ts';

/** Brokers of both versions of transactions: the first, and the one of Kafka 4.0 and later. */
export const bothVersions = ['3.9', '4.4'];

/** A cluster in memory, and a producer with transactions on its clock. */
export async function startTransactional(
  version = '4.4',
  options: Partial<ProducerOptions> = {},
  cluster: MockClusterOptions = {},
) {
  const mock = await MockCluster.start({
    brokers: 3,
    tcp: false,
    version,
    topics: { orders: { partitions: 2 }, audit: { partitions: 1 } },
    ...cluster,
  });
  const make = (more: Partial<ProducerOptions> = {}) =>
    createProducer({ ...mock.inMemory(), transactionalId: 'till', ...options, ...more } as ProducerOptions);
  const producer = make();
  return {
    mock,
    producer,
    make,
    run: <T>(promise: PromiseLike<T>) => mock.clock.run(promise),
    state: () =>
      (
        producer.actor.getSnapshot().children['transaction'] as { getSnapshot(): { value: string } } | undefined
      )?.getSnapshot().value,
    /** What readers of committed records see. */
    seen: (topic = 'orders', partition?: number) =>
      mock.log(topic, partition, { committed: true }).map(({ value }) => value),
    apis: (...names: string[]) =>
      mock
        .requests({})
        .map(({ api }) => api ?? '?')
        .filter((api) => names.length === 0 || names.includes(api)),
    async [Symbol.asyncDispose]() {
      await mock.clock.run(producer.close({ timeoutMs: 1_000 }));
      await mock.stop();
    },
  };
}

export async function transactionError(promise: PromiseLike<unknown>): Promise<TransactionError> {
  try {
    await promise;
  } catch (error) {
    expect(error).toBeInstanceOf(TransactionError);
    return error as TransactionError;
  }
  throw new Error('it did not fail');
}
