// What a user's program says of each package: under every compiler and resolution it has to mean the same.
import { type KafkaRecord, MetadataRequest, type ProduceRequestInput, readRecords } from '@kiel/codec';
import { apis, messageByName } from '@kiel/codec/apis';
import { nodeCompressions } from '@kiel/codec/node';
import { MockCluster, type Rule } from '@kiel/mock-cluster';
import {
  createProducer,
  type Delivery,
  DeliveryError,
  type Persisted,
  type Producer,
  producerMachine,
} from '@kiel/producer';

interface Order {
  readonly id: number;
}

const cluster = await MockCluster.start({ brokers: 1, topics: ['orders'] });
const rule: Rule = cluster.on('Produce', { times: 1, then: 'close' });
const producer: Producer<{ orders: Order }> = createProducer<{ orders: Order }>({ brokers: cluster.brokers });
const delivery: Delivery = producer.produce('orders', { id: 1 }, { key: 'a', headers: { trace: 'x' } });
const report = await delivery;
const offset: bigint = report.offset;
const partition: number = report.partition;
// @ts-expect-error: an order has an id
producer.produce('orders', { name: 'no id' });
// @ts-expect-error: there is no such topic
producer.produce('clicks', { id: 1 });
try {
  await producer.transaction((tx) => tx.produce('orders', { id: 2 }));
} catch (error) {
  if (error instanceof DeliveryError) {
    const persisted: Persisted = error.persisted;
    console.log(persisted, error.code, error.retriable);
  }
}
const initial: unknown = producerMachine.config.initial;
await producer.close();

const input: ProduceRequestInput = { acks: -1, timeoutMs: 500, topicData: [] };
const bytes: Uint8Array = MetadataRequest.encode({ topics: [{ name: 'orders' }] }, 12);
const decoded: MetadataRequest = MetadataRequest.decode(bytes, 12);
const names: string[] = decoded.topics?.map(({ name }) => name ?? '') ?? [];
const records: KafkaRecord[] = [...readRecords(bytes, { compressions: nodeCompressions })];
console.log(
  offset,
  partition,
  initial,
  input,
  names,
  records,
  rule.acted,
  apis.length,
  messageByName('FetchRequest').name,
);
