import { MockCluster, type MockClusterOptions } from '@kiel/mock-cluster';
import { expect } from 'vitest';
import { createProducer, DeliveryError, type ProducerOptions } from '../src/index.ts';

/** A cluster in memory with one topic of one partition, and a producer that lives on its clock. */
export async function start(cluster: MockClusterOptions = {}, options: Partial<ProducerOptions> = {}) {
  const mock = await MockCluster.start({ brokers: 3, tcp: false, topics: { orders: { partitions: 1 } }, ...cluster });
  const producer = createProducer({ ...mock.inMemory(), ...options });
  return {
    mock,
    producer,
    run: <T>(promise: PromiseLike<T>) => mock.clock.run(promise),
    values: (topic = 'orders', partition?: number) => mock.log(topic, partition).map(({ value }) => value),
    count: (api: string) => mock.requests({ api }).length,
    /** First contact made, sequence begun: what follows meets a producer in full swing. */
    async warm(value: unknown = 'warm') {
      await mock.clock.run(producer.produce('orders', value));
      mock.forgetRequests();
    },
    async [Symbol.asyncDispose]() {
      await mock.clock.run(producer.close({ timeoutMs: 1_000 }));
      await mock.stop();
    },
  };
}

/** The error of a delivery that has to fail. */
export async function failure(promise: PromiseLike<unknown>): Promise<DeliveryError> {
  try {
    await promise;
  } catch (error) {
    expect(error).toBeInstanceOf(DeliveryError);
    return error as DeliveryError;
  }
  throw new Error('it did not fail');
}
