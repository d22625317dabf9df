// What cannot be must not compile: each line below a `@ts-expect-error` is a mistake that somebody made. And what can
// be has to compile, however the options come together.
import {
  type CloseOptions,
  createProducer,
  type Delivery,
  type ProduceOptions,
  Producer,
  type ProducerOptions,
  type Transaction,
} from '@kiel/producer';

interface Order {
  readonly id: number;
}
interface Click {
  readonly page: string;
}
interface Topics {
  orders: Order;
  clicks: Click;
}
const brokers = 'localhost:9092';

// ---- acknowledgements, idempotence, transactions
createProducer({ brokers, requiredAcks: 0 });
createProducer({ brokers, requiredAcks: 1, idempotent: false });
createProducer({ brokers, requiredAcks: -1, idempotent: true, transactionalId: 'a', transactionTimeoutMs: 5_000 });
// @ts-expect-error: brokers answer nothing, so nothing can be sent again
createProducer({ brokers, requiredAcks: 0, idempotent: true });
// @ts-expect-error: a leader that dies takes with it what it knew of a producer's batches
createProducer({ brokers, requiredAcks: 1, idempotent: true });
// @ts-expect-error: transactions need the acknowledgement of all
createProducer({ brokers, requiredAcks: 1, transactionalId: 'a' });
// @ts-expect-error: transactions need idempotence
createProducer({ brokers, idempotent: false, transactionalId: 'a' });
// @ts-expect-error: there are no transactions to time out
createProducer({ brokers, idempotent: false, transactionTimeoutMs: 5_000 });
// @ts-expect-error: the same through the constructor
new Producer({ brokers, requiredAcks: 0, idempotent: true });
// @ts-expect-error: the same for typed topics
createProducer<Topics>({ brokers, requiredAcks: 0, idempotent: true });

// ---- options as a whole
// @ts-expect-error: without brokers
createProducer({ requiredAcks: -1 });
// @ts-expect-error: a misspelt option
createProducer({ brokers, lingrMs: 5 });
// @ts-expect-error: no compression has this name
createProducer({ brokers, compression: 'brotli' });
// @ts-expect-error: two replicas are no choice
createProducer({ brokers, requiredAcks: 2 });
// @ts-expect-error: no partitioner has this name
createProducer({ brokers, partitioner: 'murmur' });
// @ts-expect-error: a serializer makes bytes, text or null
createProducer({ brokers, serializer: (value: unknown) => ({ value }) });
// @ts-expect-error: a key maker makes bytes, text or null
createProducer({ brokers, keyMaker: () => 7 });
// @ts-expect-error: PLAIN needs a password
createProducer({ brokers, sasl: { mechanism: 'plain', username: 'a' } });

// ---- options that come together at run time
declare const flag: boolean;
declare const acks: -1 | 0 | 1;
declare const name: string | undefined;
createProducer({ brokers, idempotent: flag });
createProducer({ brokers, requiredAcks: acks });
createProducer({ brokers, ...(name === undefined ? {} : { transactionalId: name }) });
export const within = (options: ProducerOptions): Producer<Topics> =>
  createProducer({ ...options, clientId: 'within' });
export const over = (more: Partial<ProducerOptions>): Producer => createProducer({ brokers, ...more });
// @ts-expect-error: they may be what contradicts them
export const contradicting = (options: ProducerOptions) => createProducer({ ...options, requiredAcks: 0 });

// ---- topics by a map
const producer = createProducer<Topics>({ brokers });
const delivery: Delivery = producer.produce('orders', { id: 7 }, { key: 'a', partition: 1, timestampMs: new Date() });
producer.produce('clicks', { page: '/' }, { headers: [['a', null]], signal: AbortSignal.timeout(5) });
// @ts-expect-error: an order is no click
producer.produce('clicks', { id: 7 });
// @ts-expect-error: an order has an id
producer.produce('orders', {});
// @ts-expect-error: there is no such topic
producer.produce('order', { id: 7 });
// @ts-expect-error: undefined is no value
producer.produce('orders', undefined);
// @ts-expect-error: a misspelt option
producer.produce('orders', { id: 7 }, { kye: 'a' });
// @ts-expect-error: a key is text or bytes: nothing makes bytes of a number
producer.produce('orders', { id: 7 }, { key: 7 });
// @ts-expect-error: a header's value is text or bytes
producer.produce('orders', { id: 7 }, { headers: { attempt: 1 } });
// @ts-expect-error: a partition is a number
producer.produce('orders', { id: 7 }, { partition: '1' });
const stream: WritableStream<Order> = producer.writable('orders', ({ id }) => ({ key: `${id}` }));
// @ts-expect-error: what goes into a stream of orders is an order
stream.getWriter().write({ page: '/' });
await producer.transaction(async (tx: Transaction<Topics>) => {
  tx.produce('orders', { id: 7 });
  // @ts-expect-error: within a transaction too
  tx.produce('orders', { page: '/' });
});
producer.on('deliveryFailed', ({ error }) => console.error(error.persisted satisfies 'no' | 'possibly' | 'yes'));
// @ts-expect-error: there is no such event
producer.on('delivery-failed', () => {});
// @ts-expect-error: offsets are bigints
const offset: number = (await delivery).offset;
const close: CloseOptions = { timeoutMs: 5_000 };
const options: ProduceOptions = { key: new Uint8Array(4) };
console.log(offset, close, options);

const asType = createProducer<{ orders: Order }>({ brokers });
asType.produce('orders', { id: 7 });

// ---- topics without a map take anything
const any = createProducer({ brokers });
any.produce('whatever', { a: 1 });
any.produce('whatever', null);
