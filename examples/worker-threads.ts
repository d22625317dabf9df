// Work on all cores. Each thread has a producer of its own, since a producer cannot be shared between threads; a
// customer's orders go to one thread, and so stay in order. The main thread deals out lines and adds up what came of it.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { isMainThread, parentPort, threadId, Worker } from 'node:worker_threads';
import { createProducer } from '@kiel/producer';

interface Order {
  readonly orderId: string;
  readonly customerId: string;
  readonly items: readonly { readonly quantity: number; readonly priceMinor: number }[];
}

const threads = Number(process.env['THREADS'] ?? 2);
const linesPerMessage = 500;

if (isMainThread) await deal(process.argv[2] ?? 'orders.ndjson');
else work();

async function deal(file: string): Promise<void> {
  const workers = Array.from({ length: threads }, () => new Worker(new URL(import.meta.url)));
  const delivered = workers.map(
    (worker) => new Promise<number>((resolve, reject) => worker.once('message', resolve).once('error', reject)),
  );
  const heaps: string[][] = workers.map(() => []);
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    const { customerId } = JSON.parse(line) as Order;
    const to = sumOf(customerId) % threads;
    const heap = heaps[to]!;
    heap.push(line);
    if (heap.length === linesPerMessage) workers[to]!.postMessage(heap.splice(0));
  }
  workers.forEach((worker, index) => {
    worker.postMessage(heaps[index]);
    worker.postMessage('end');
  });
  const counts = await Promise.all(delivered);
  console.log(`${counts.reduce((sum, count) => sum + count, 0)} orders delivered by ${threads} threads`);
}

function work(): void {
  const producer = createProducer<{ totals: { orderId: string; minor: number } }>({
    brokers: process.env['KIEL_BROKERS'] ?? 'localhost:9092',
    clientId: `totals-${threadId}`,
    compression: 'lz4',
    lingerMs: 5,
  });
  let delivered = 0;
  producer.on('delivered', ({ count }) => {
    delivered += count;
  });
  // One message after the other, though each may have to wait for room in the buffer.
  let turn = Promise.resolve();
  parentPort!.on('message', (message: string[] | 'end') => {
    turn = turn.then(async () => {
      if (message !== 'end') return produceAll(message);
      await producer.close();
      parentPort!.postMessage(delivered);
      parentPort!.close();
    });
  });

  async function produceAll(lines: readonly string[]): Promise<void> {
    for (const line of lines) {
      const { orderId, customerId, items } = JSON.parse(line) as Order;
      const minor = items.reduce((sum, { quantity, priceMinor }) => sum + quantity * priceMinor, 0);
      if (!producer.hasRoom) await producer.ready();
      producer.produce('totals', { orderId, minor }, { key: customerId });
    }
  }
}

function sumOf(text: string): number {
  let sum = 0;
  for (let i = 0; i < text.length; i++) sum += text.charCodeAt(i);
  return sum;
}
