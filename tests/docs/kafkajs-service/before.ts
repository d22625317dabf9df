/** A service on kafkajs, as such services are: what docs/migrate/kafkajs.md has to move. See `after.ts`. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import {
  CompressionTypes,
  Kafka,
  KafkaJSError,
  KafkaJSNumberOfRetriesExceeded,
  logLevel,
  type Message,
  type Producer,
  type RecordMetadata,
} from 'kafkajs';

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
  retriesExceeded: number;
  connects: number;
}

interface OutboxEntry {
  readonly order: Order;
  readonly at: number;
  resolve(): void;
  reject(error: unknown): void;
}

const topics = { orders: 'orders', audit: 'audit', stock: 'stock', clicks: 'clicks' };

export class OrderService {
  readonly metrics: Metrics = { sent: 0, failed: 0, retriesExceeded: 0, connects: 0 };
  readonly #settings: Settings;
  readonly #plain: Producer;
  readonly #transactional: Producer;
  readonly #server: Server;
  #outbox: OutboxEntry[] = [];
  #publishing: Promise<void> | null = null;
  #clicks: Message[] = [];
  #clickTimer: NodeJS.Timeout | null = null;
  #isStopping = false;

  constructor(settings: Settings) {
    this.#settings = settings;
    const kafka = new Kafka({
      clientId: 'order-service',
      brokers: settings.brokers,
      connectionTimeout: 3_000,
      requestTimeout: 20_000,
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 100, retries: 8 },
    });
    this.#plain = kafka.producer({ allowAutoTopicCreation: false, metadataMaxAge: 60_000 });
    this.#transactional = kafka.producer({
      allowAutoTopicCreation: false,
      idempotent: true,
      maxInFlightRequests: 1,
      transactionalId: settings.workerId,
      transactionTimeout: 30_000,
    });
    for (const producer of [this.#plain, this.#transactional]) {
      producer.on(producer.events.CONNECT, () => {
        this.metrics.connects++;
      });
    }
    this.#server = createServer((request, response) => void this.#handle(request, response));
  }

  async start(): Promise<number> {
    await this.#plain.connect();
    await this.#transactional.connect();
    this.#clickTimer = setInterval(() => void this.#flushClicks(), 50);
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await new Promise((resolve) => this.#server.close(resolve));
    if (this.#clickTimer !== null) clearInterval(this.#clickTimer);
    await this.#publishing;
    await this.#flushClicks();
    await this.#plain.disconnect();
    await this.#transactional.disconnect();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (this.#isStopping) return void response.writeHead(503).end();
      switch (`${request.method} ${request.url}`) {
        case 'POST /orders':
          await this.#save((await json(request)) as Order);
          return void response.writeHead(201).end();
        case 'POST /clicks':
          this.#click((await json(request)) as { session: string; path: string });
          return void response.writeHead(202).end();
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
      if (error instanceof KafkaJSNumberOfRetriesExceeded) this.metrics.retriesExceeded++;
      this.#settings.log?.(`${request.url}: ${(error as Error).message}`);
      const mayRetry = error instanceof KafkaJSError && error.retriable;
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
      const transaction = await this.#transactional.transaction();
      try {
        await transaction.sendBatch({
          acks: -1,
          compression: CompressionTypes.GZIP,
          topicMessages: [
            { topic: topics.orders, messages: entries.map(({ order, at }) => this.#orderMessage(order, at)) },
            { topic: topics.audit, messages: entries.map(({ order, at }) => this.#auditMessage(order, at)) },
          ],
        });
        await transaction.commit();
        this.metrics.sent += entries.length * 2;
        for (const { resolve } of entries) resolve();
      } catch (error) {
        await transaction.abort();
        for (const { reject } of entries) reject(error);
      }
    }
  }

  #orderMessage(order: Order, at: number): Message {
    return {
      key: order.customer,
      value: JSON.stringify(order),
      timestamp: String(at),
      headers: { country: order.country, schema: 'order-2' },
    };
  }

  #auditMessage({ id, customer, lines }: Order, at: number): Message {
    const total = lines.reduce((sum, { quantity, price }) => sum + quantity * price, 0);
    return { key: customer, value: JSON.stringify({ order: id, total }), timestamp: String(at) };
  }

  /** Clicks are many and cheap: gathered here, and a lost one is no loss. */
  #click({ session, path }: { session: string; path: string }): void {
    this.#clicks.push({ key: session, value: path });
    if (this.#clicks.length >= 500) void this.#flushClicks();
  }

  async #flushClicks(): Promise<void> {
    const messages = this.#clicks;
    if (messages.length === 0) return;
    this.#clicks = [];
    try {
      await this.#plain.send({ topic: topics.clicks, messages, acks: 1, compression: CompressionTypes.GZIP });
      this.metrics.sent += messages.length;
    } catch (error) {
      this.metrics.failed += messages.length;
      this.#settings.log?.(`clicks: ${(error as Error).message}`);
    }
  }

  /** The newest number for each article, in a compacted topic; null takes it out. */
  async #setStock({ sku, left }: { sku: string; left: number | null }): Promise<{ partition: number; offset: string }> {
    const value = left === null ? null : JSON.stringify({ sku, left });
    const sent: RecordMetadata[] = await this.#plain.send({ topic: topics.stock, messages: [{ key: sku, value }] });
    this.metrics.sent++;
    return { partition: sent[0]!.partition, offset: sent[0]!.baseOffset! };
  }
}
