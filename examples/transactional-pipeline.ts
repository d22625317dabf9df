// Read, process, write: each order becomes a total, exactly once. What a batch of orders came to and the offsets up to
// which they were read are one transaction: killed at any moment, the next run goes on where the last commit was.
// The reading is kafkajs's, since kiel has no consumer; any other that tells offsets will do.
import { createProducer, TransactionError } from '@kiel/producer';
import { Kafka, logLevel } from 'kafkajs';

const brokers = (process.env['KIEL_BROKERS'] ?? 'localhost:9092').split(',');
const groupId = 'totals';

const producer = createProducer<{ totals: { order: string; minor: number } }>({
  brokers,
  // The name of this worker: at its first transaction it ends what an earlier run left open.
  transactionalId: 'totals-1',
});

/** A commit without an answer is asked for again: whether this batch is done has to be known before the next. */
async function untilKnown(error: unknown): Promise<void> {
  if (!(error instanceof TransactionError) || error.code !== 'TRANSACTION_OUTCOME_UNKNOWN') throw error;
  await producer.commit().catch(untilKnown);
}

const kafka = new Kafka({ brokers, clientId: 'totals', logLevel: logLevel.NOTHING });
const consumer = kafka.consumer({ groupId, readUncommitted: false, sessionTimeout: 6_000, heartbeatInterval: 500 });
await consumer.connect();
await consumer.subscribe({ topic: 'orders', fromBeginning: true });
await consumer.run({
  autoCommit: false, // the transaction commits the offsets
  eachBatchAutoResolve: false,
  eachBatch: async ({ batch, resolveOffset, heartbeat }) => {
    const { topic, partition, messages } = batch;
    const next = BigInt(batch.lastOffset()) + 1n;
    const committed = producer.transaction(async (tx) => {
      for (const { key, value } of messages) {
        const { orderId, totalMinor } = JSON.parse(String(value)) as { orderId: string; totalMinor: number };
        tx.produce('totals', { order: orderId, minor: totalMinor }, { key });
      }
      await tx.sendOffsets([{ topic, partition, offset: next }], groupId);
    });
    await committed.catch(untilKnown);
    resolveOffset(batch.lastOffset());
    console.log(`committed ${messages.length} of partition ${partition}, next ${next}`);
    await heartbeat();
  },
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, async () => {
    await consumer.disconnect(); // lets the batch at hand be finished
    await producer.close();
    process.exit(0); // kafkajs leaves a timer behind
  });
}
