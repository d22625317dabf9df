import { setTimeout as sleep } from 'node:timers/promises';
import { createProducer, TransactionError } from '@kiel/producer';
import { Input, type InputRecord } from './exactly-once-input.ts';

/**
 * One life of a worker that reads, processes and writes: whole numbers from one topic into another, its group's offsets
 * with them. It goes on after what an application may go on after, and ends with exit code 3 otherwise, as when it is
 * fenced; whoever comes next goes on where the group stands.
 */
const [ports = '', input = '', inputs = '1', output = '', outputs = '1', batch = '100', rate = '1000'] =
  process.argv.slice(2);
const group = 'exactly-once';
const partitions = Number(inputs);
const reader = new Input(ports.split(',').map(Number), input, group);
const producer = createProducer({
  brokers: ports.split(',').map((port) => `127.0.0.1:${port}`),
  transactionalId: 'exactly-once',
  serializer: String,
  transactionTimeoutMs: 30_000,
  requestTimeoutMs: 5_000,
});

try {
  while (!(await isDone())) await sleep(200);
  await producer.close();
  process.exit(0);
} catch (error) {
  const { message, code } = error as Error & { code?: string };
  process.send?.({ ended: message, code });
  process.exit(3);
}

/** Works until nothing is left, or something failed after which the work may be taken up again. */
async function isDone(): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof TransactionError) || !error.retriable) throw error;
    process.send?.({ met: `${error.code}: ${error.message}` });
    if (error.outcome === 'unknown') await learn();
    return false;
  }
}

/** Asks until it is known whether the transaction was committed. */
async function learn(): Promise<void> {
  for (;;) {
    try {
      await producer.commit();
      return;
    } catch (error) {
      const { retriable, outcome } = error as TransactionError;
      if (!retriable) throw error;
      if (outcome !== 'unknown') {
        await producer.abort();
        return;
      }
    }
  }
}

async function work(): Promise<void> {
  // Fences the life before, and ends what it left open: only then the group's offsets are final
  await producer.begin();
  await producer.abort();
  const next = await reader.positions(partitions);
  const done = () => next.reduce((sum, each) => sum + each, 0);
  process.send?.({ began: done() });
  const waiting: InputRecord[][] = next.map(() => []);
  let emptyInARow = 0;
  for (let partition = 0; emptyInARow < partitions; partition = (partition + 1) % partitions) {
    const startedMs = performance.now();
    const queue = waiting[partition]!;
    if (queue.length === 0) queue.push(...(await reader.read(partition, next[partition]!)));
    const records = queue.splice(0, Number(batch));
    emptyInARow = records.length === 0 ? emptyInARow + 1 : 0;
    if (records.length === 0) continue;
    const offset = records.at(-1)!.offset + 1;
    await producer.transaction(async (tx) => {
      for (const { value } of records) tx.produce(output, value, { partition: Number(value) % Number(outputs) });
      await tx.sendOffsets([{ topic: input, partition, offset }], group);
    });
    next[partition] = offset;
    process.send?.({ reached: done() });
    await sleep(Math.max(0, (records.length * 1000) / Number(rate) - (performance.now() - startedMs)));
  }
}
