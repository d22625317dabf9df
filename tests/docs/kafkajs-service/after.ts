/** The service of `before.ts` on kiel, moved by docs/migrate/kafkajs.md. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { createProducer, KafkaError, type Producer, type Transaction, TransactionError } from '@kiel/producer';

export interface Order {
  readonly id: number;
  readonly customer: string;
  readonly country: string;
  readonly lines: readonly { readonly sku: string; readonly quantity: number; readonly price: number }[];
}

export interface Settings {
  readonly brokers: string[];
  readonly workerId: string;
  readonly log?: (line: string) => void;
}

interface Metrics {
  sent: number;
  failed: number;
  healings: number;
}

interface OutboxEntry {
  readonly order: Order;
  readonly at: number;
  resolve(): void;
  reject(error: unknown): void;
}

type Topics = {
  orders: Order;
  audit: { order: number; total: number };
  stock: { sku: string; left: number } | null;
};

export class OrderService {
  readonly metrics: Metrics = { sent: 0, failed: 0, healings: 0 };
  readonly #settings: Settings;
  readonly #stock: Producer<Topics>;
  readonly #clicks: Producer<{ clicks: string }>;
  readonly #transactional: Producer<Topics>;
  readonly #server: Server;
  #outbox: OutboxEntry[] = [];
  #publishing: Promise<void> | null = null;
  #isStopping = false;

  constructor(settings: Settings) {
    this.#settings = settings;
    const common = {
      clientId: 'order-service',
      brokers: settings.brokers,
      connectionSetupTimeoutMs: 3_000,
      requestTimeoutMs: 20_000,
      autoCreateTopics: false,
    };
    this.#stock = createProducer<Topics>({ ...common, metadataMaxAgeMs: 60_000 });
    // Clicks are many and cheap: gathered by the producer, and a lost one is no loss. A path is text, not JSON.
    this.#clicks = createProducer<{ clicks: string }>({
      ...common,
      requiredAcks: 1,
      compression: 'gzip',
      lingerMs: 50,
      serializer: (path) => path as string,
    });
    this.#transactional = createProducer<Topics>({
      ...common,
      compression: 'gzip',
      transactionalId: settings.workerId,
      transactionTimeoutMs: 30_000,
    });
    this.#clicks.on('delivered', ({ count }) => {
      this.metrics.sent += count;
    });
    this.#clicks.on('deliveryFailed', ({ error }) => {
      this.metrics.failed++;
      settings.log?.(`clicks: ${error.message}`);
    });
    for (const producer of [this.#stock, this.#clicks, this.#transactional]) {
      producer.on('stateChanged', ({ to }) => {
        if (to === 'healing') this.metrics.healings++;
      });
    }
    this.#server = createServer((request, response) => void this.#handle(request, response));
  }

  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await new Promise((resolve) => this.#server.close(resolve));
    await this.#publishing;
    await Promise.all([this.#stock.close(), this.#clicks.close(), this.#transactional.close()]);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (this.#isStopping) return void response.writeHead(503).end();
      switch (`${request.method} ${request.url}`) {
        case 'POST /orders':
          await this.#save((await json(request)) as Order);
          return void response.writeHead(201).end();
        case 'POST /clicks': {
          const { session, path } = (await json(request)) as { session: string; path: string };
          this.#clicks.produce('clicks', path, { key: session });
          return void response.writeHead(202).end();
        }
        case 'POST /stock': {
          const place = await this.#setStock((await json(request)) as { sku: string; left: number | null });
          return void response.writeHead(200).end(JSON.stringify(place));
        }
        case 'GET /metrics':
          return void response.writeHead(200).end(JSON.stringify(this.metrics));
        default:
          return void response.writeHead(404).end();
      }
    } catch (error) {
      this.metrics.failed++;
      this.#settings.log?.(`${request.url}: ${(error as Error).message}`);
      const mayRetry = error instanceof KafkaError && error.retriable;
      response.writeHead(mayRetry ? 503 : 500).end();
    }
  }

  /** An order and its audit trail, both or neither; orders that come meanwhile share the next transaction. */
  #save(order: Order): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#outbox.push({ order, at: Date.now(), resolve, reject });
    this.#publishing ??= this.#publish().finally(() => {
      this.#publishing = null;
    });
    return promise;
  }

  async #publish(): Promise<void> {
    while (this.#outbox.length > 0) {
      const entries = this.#outbox.splice(0, 100);
      try {
        await this.#transactional.transaction((tx) => {
          for (const entry of entries) this.#produceOrder(tx, entry);
        });
        this.metrics.sent += entries.length * 2;
        for (const { resolve } of entries) resolve();
      } catch (error) {
        const failure = await this.#failureAfter(error);
        for (const { resolve, reject } of entries) failure === null ? resolve() : reject(failure);
      }
    }
  }

  /** Null if the commit, asked for again, turns out to be done. */
  async #failureAfter(error: unknown): Promise<unknown> {
    if (!(error instanceof TransactionError) || error.code !== 'TRANSACTION_OUTCOME_UNKNOWN') return error;
    return this.#transactional.commit().then(
      () => null,
      (again) => this.#failureAfter(again),
    );
  }

  #produceOrder(tx: Transaction<Topics>, { order, at: timestampMs }: OutboxEntry): void {
    const { id, customer: key, country, lines } = order;
    const total = lines.reduce((sum, { quantity, price }) => sum + quantity * price, 0);
    tx.produce('orders', order, { key, timestampMs, headers: { country, schema: 'order-2' } });
    tx.produce('audit', { order: id, total }, { key, timestampMs });
  }

  /** The newest number for each article, in a compacted topic; null takes it out. */
  async #setStock({ sku, left }: { sku: string; left: number | null }): Promise<{ partition: number; offset: string }> {
    const value = left === null ? null : { sku, left };
    const { partition, offset } = await this.#stock.produce('stock', value, { key: sku });
    this.metrics.sent++;
    return { partition, offset: String(offset) };
  }
}
