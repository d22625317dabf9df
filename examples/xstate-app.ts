// A checkout as a statechart that has a producer as a child: paying stores the order, and the last state means that it
// is stored. What goes wrong leads back to the cart, and says whether it may be tried again.
import { createProducer, type DeliveryError, type DeliveryReport, type ProducerState } from '@kiel/producer';
import { assign, createActor, fromCallback, sendTo, setup, waitFor } from 'xstate';

type ToProducer = { type: 'produce'; topic: string; value: unknown; key: string };
type FromProducer =
  | { type: 'record.delivered'; report: DeliveryReport }
  | { type: 'record.failed'; error: DeliveryError }
  | { type: 'producer.changed'; state: ProducerState };

/** Owns a producer: made when the actor starts, closed when it is stopped. */
const producerActor = fromCallback<ToProducer, { brokers: string }>(({ input, receive, sendBack }) => {
  const producer = createProducer({ brokers: input.brokers, deliveryTimeoutMs: 5_000 });
  producer.on('stateChanged', ({ to }) => sendBack({ type: 'producer.changed', state: to }));
  receive(({ topic, value, key }) => {
    producer.produce(topic, value, { key }).then(
      (report) => sendBack({ type: 'record.delivered', report }),
      (error: DeliveryError) => sendBack({ type: 'record.failed', error }),
    );
  });
  return () => void producer.close();
});

interface Context {
  readonly brokers: string;
  readonly items: readonly string[];
  readonly producerStates: readonly ProducerState[];
  readonly stored: string | null;
  readonly problem: string | null;
}

const checkout = setup({
  types: {
    input: {} as { brokers: string },
    context: {} as Context,
    events: {} as FromProducer | { type: 'add'; item: string } | { type: 'pay' },
  },
  actors: { producer: producerActor },
  guards: { hasItems: ({ context }) => context.items.length > 0 },
  actions: {
    storeOrder: sendTo('producer', ({ context }) => ({
      type: 'produce',
      topic: 'orders',
      value: { items: context.items },
      key: 'customer-3',
    })),
  },
}).createMachine({
  id: 'checkout',
  context: ({ input }) => ({ ...input, items: [], producerStates: [], stored: null, problem: null }),
  invoke: { id: 'producer', src: 'producer', input: ({ context }) => ({ brokers: context.brokers }) },
  on: {
    'producer.changed': {
      actions: assign({ producerStates: ({ context, event }) => [...context.producerStates, event.state] }),
    },
  },
  initial: 'cart',
  states: {
    cart: {
      on: {
        add: { actions: assign({ items: ({ context, event }) => [...context.items, event.item] }) },
        pay: { guard: 'hasItems', target: 'storing' },
      },
    },
    storing: {
      entry: 'storeOrder',
      on: {
        'record.delivered': {
          target: 'stored',
          actions: assign({
            stored: ({ event }) => `${event.report.topic} ${event.report.partition} ${event.report.offset}`,
          }),
        },
        'record.failed': {
          target: 'cart',
          actions: assign({ problem: ({ event }) => `${event.error.code}, stored: ${event.error.persisted}` }),
        },
      },
    },
    stored: {},
  },
});

const shop = createActor(checkout, { input: { brokers: process.env['KIEL_BROKERS'] ?? 'localhost:9092' } }).start();
shop.send({ type: 'pay' }); // nothing in the cart: nothing happens
shop.send({ type: 'add', item: 'coffee' });
shop.send({ type: 'add', item: 'cups' });
shop.send({ type: 'pay' });
const { context, value } = await waitFor(
  shop,
  (snapshot) => snapshot.matches('stored') || snapshot.context.problem !== null,
);
console.log(
  JSON.stringify({ state: value, stored: context.stored, problem: context.problem, producer: context.producerStates }),
);
shop.stop(); // closes the producer, and so the process ends
