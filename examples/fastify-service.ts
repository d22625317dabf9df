// Orders come in by HTTP and are answered once they are stored. At SIGTERM the server takes no more requests, answers
// those it has, and then closes the producer: in this order no order is lost between the two.
import { createProducer, DeliveryError } from '@kiel/producer';
import Fastify from 'fastify';

interface Order {
  readonly customer: string;
  readonly items: readonly string[];
}

const producer = createProducer<{ orders: Order }>({
  brokers: process.env['KIEL_BROKERS'] ?? 'localhost:9092',
  clientId: 'shop',
  // A request that cannot be answered in good time had better fail.
  deliveryTimeoutMs: 5_000,
  maxBlockMs: 2_000,
});

const app = Fastify({ logger: { level: 'warn' } });

const schema = {
  body: {
    type: 'object',
    required: ['customer', 'items'],
    properties: { customer: { type: 'string' }, items: { type: 'array', items: { type: 'string' } } },
  },
};

app.post<{ Body: Order }>('/orders', { schema }, async ({ body }, reply) => {
  if (!producer.hasRoom) return reply.code(503).header('retry-after', '1').send({ error: 'busy' });
  const { partition, offset } = await producer.produce('orders', body, { key: body.customer });
  // An offset is a bigint, which JSON does not have.
  return reply.code(201).send({ partition, offset: String(offset) });
});

app.get('/health', async () => ({ producer: producer.state, unsettled: producer.unsettledCount }));

app.setErrorHandler((error, _request, reply) => {
  if (!(error instanceof DeliveryError)) return reply.send(error);
  app.log.warn({ code: error.code, persisted: error.persisted }, error.message);
  // Only what is surely not stored may be sent again without a second thought.
  return reply.code(503).send({ error: error.code, stored: error.persisted });
});

app.addHook('onClose', () => producer.close({ timeoutMs: 10_000 }));
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void app.close());

console.log(await app.listen({ host: '127.0.0.1', port: Number(process.env['PORT'] ?? 3000) }));
