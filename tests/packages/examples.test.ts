import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { encodeRequest, ProduceRequest, RecordBatchBuilder } from '@kiel/codec';
import { MockCluster } from '@kiel/mock-cluster';
import { beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { launchChromium } from '../../tools/browser/chromium.ts';

const consumer = inject('consumer');
const root = join(import.meta.dirname, '../..');
const examples = join(consumer, 'examples');
const orders = readFileSync(join(root, 'examples/orders.ndjson'), 'utf8').trimEnd().split('\n');
const isWindows = process.platform === 'win32';

interface Order {
  readonly orderId: string;
  readonly customerId: string;
  readonly country: string;
  readonly totalMinor: number;
}

beforeAll(() => {
  cpSync(join(root, 'examples'), examples, { recursive: true });
  // What the examples take beside kiel.
  for (const name of ['fastify', 'kafkajs', 'esbuild']) {
    const link = join(consumer, 'node_modules', name);
    if (!existsSync(link)) symlinkSync(join(root, 'node_modules', name), link, 'junction');
  }
});

/** A program of its own, as its reader starts it, with the installed packages; it is gone when its test ends. */
class Program {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #output = '';
  #news: () => void = () => {};

  constructor(command: string, args: readonly string[], env: Record<string, string>, input?: string) {
    const { NODE_OPTIONS: _, ...inherited } = process.env;
    this.#child = spawn(command, args, { cwd: examples, env: { ...inherited, NO_COLOR: '1', ...env } });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
        this.#news();
      });
    }
    this.#ended = once(this.#child, 'close').then(([code]) => {
      this.#news();
      return code as number | null;
    });
    if (input !== undefined) this.#child.stdin!.end(input);
    onTestFinished(() => void this.#child.kill('SIGKILL'));
  }

  get output(): string {
    return this.#output;
  }

  /** Resolves with the match as soon as the output has it. */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#output);
      if (match !== null) return match;
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`it ended without printing ${pattern}:\n${this.#output}`);
      }
      await new Promise<void>((resolve) => {
        this.#news = resolve;
      });
    }
  }

  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#child.kill(signal);
  }

  async end(): Promise<number | null> {
    return this.#ended;
  }
}

function run(example: string, cluster: MockCluster, more: { args?: string[]; env?: Record<string, string> } = {}) {
  return new Program(process.execPath, [example, ...(more.args ?? [])], {
    KIEL_BROKERS: cluster.brokers.join(','),
    ...more.env,
  });
}

const all = (cluster: MockCluster, topic: string, partitions: number, options = {}) =>
  Array.from({ length: partitions }, (_, partition) => cluster.log(topic, partition, options)).flat();

test.skipIf(isWindows)('the service delivers what it produced before SIGTERM, and ends', async () => {
  await using cluster = await MockCluster.start({ brokers: 2, topics: { readings: 2 } });
  const program = run('service.ts', cluster);
  await program.prints(/flushing/);
  program.kill('SIGTERM');
  expect([await program.end(), program.output]).toEqual([0, expect.stringContaining('produced')]);
  const [, produced] = await program.prints(/produced (\d+)/);
  const readings = all(cluster, 'readings', 2);
  expect(readings.length).toBeGreaterThan(0);
  expect(readings).toHaveLength(Number(produced));
  for (const { key, value } of readings) expect(value).toMatchObject({ sensor: String(key) });
});

test.skipIf(isWindows)(
  'the Fastify service answers with the place of the order, and at SIGTERM ends requests before its producer',
  async () => {
    await using cluster = await MockCluster.start({ brokers: 1, topics: { orders: 1 } });
    const program = run('fastify-service.ts', cluster, { env: { PORT: '0' } });
    const [address] = await program.prints(/http:\/\/127\.0\.0\.1:\d+/);
    const post = (body: unknown) =>
      fetch(`${address}/orders`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', connection: 'close' },
        body: JSON.stringify(body),
      });

    const first = await post({ customer: 'c-1', items: ['coffee'] });
    expect([first.status, await first.json()]).toEqual([201, { partition: 0, offset: '0' }]);
    expect((await post({ customer: 'c-1' })).status).toBe(400);

    cluster.on('Produce', { times: 1, then: 'error MESSAGE_TOO_LARGE' });
    cluster.on('Produce', { times: 1, then: 'error TOPIC_AUTHORIZATION_FAILED' });
    const refused = await post({ customer: 'c-2', items: [] });
    expect([refused.status, await refused.json()]).toEqual([503, { error: 'MESSAGE_TOO_LARGE', stored: 'no' }]);
    cluster.clearRules();

    // The answer to this one comes after the signal.
    cluster.on('Produce', { times: 1, then: { delayReplyMs: 300 } });
    const last = post({ customer: 'c-3', items: ['cups'] });
    await expect.poll(() => cluster.log('orders', 0).length).toBe(2);
    program.kill('SIGTERM');
    expect([(await last).status, await program.end()]).toEqual([201, 0]);
    expect(cluster.log('orders', 0).map(({ key }) => String(key))).toEqual(['c-1', 'c-3']);
  },
);

test('the xstate app ends in the state that says that its order is stored', async () => {
  await using cluster = await MockCluster.start({ brokers: 1, topics: { orders: 1 } });
  const program = run('xstate-app.ts', cluster);
  expect([await program.end(), JSON.parse(program.output)]).toEqual([
    0,
    { state: 'stored', stored: 'orders 0 0', problem: null, producer: expect.arrayContaining(['flushing']) },
  ]);
  expect(cluster.log('orders', 0).map(({ value }) => value)).toEqual([{ items: ['coffee', 'cups'] }]);
});

test('the xstate app is back in its cart when the order was not stored, and says why', async () => {
  await using cluster = await MockCluster.start({ brokers: 1, topics: { orders: 1 } });
  cluster.on('Produce', { then: 'error TOPIC_AUTHORIZATION_FAILED' });
  const program = run('xstate-app.ts', cluster);
  expect([await program.end(), JSON.parse(program.output)]).toMatchObject([
    0,
    { state: 'cart', stored: null, problem: 'TOPIC_AUTHORIZATION_FAILED, stored: no' },
  ]);
});

test('worker threads deliver each order once, and those of a customer in order', async () => {
  await using cluster = await MockCluster.start({ brokers: 2, topics: { totals: 4 } });
  const program = run('worker-threads.ts', cluster, { args: ['orders.ndjson'] });
  expect([await program.end(), program.output]).toEqual([0, '5000 orders delivered by 2 threads\n']);
  const totals = all(cluster, 'totals', 4);
  const wanted = orders.map((line) => JSON.parse(line) as Order);
  const placesOf = (list: readonly { customer: string; order: string }[]) =>
    [...Map.groupBy(list, ({ customer }) => customer)]
      .map(([customer, of]) => [customer, of.map(({ order }) => order)])
      .sort();
  expect(
    placesOf(totals.map(({ key, value }) => ({ customer: String(key), order: (value as Order).orderId }))),
  ).toEqual(placesOf(wanted.map(({ customerId, orderId }) => ({ customer: customerId, order: orderId }))));
});

test.skipIf(isWindows)('the pipeline makes one total of each order, though it is killed on the way', async () => {
  await using cluster = await MockCluster.start({ brokers: 1, topics: { orders: 1, totals: 2 } });
  const { createProducer } = await import('@kiel/producer');
  const some = orders.slice(0, 600);
  const feed = async (lines: readonly string[]) => {
    await using producer = createProducer({ brokers: cluster.brokers });
    for (const line of lines) {
      const order = JSON.parse(line) as Order;
      producer.produce('orders', order, { key: order.customerId });
    }
  };
  await feed(some.slice(0, 300));
  const first = run('transactional-pipeline.ts', cluster);
  await first.prints(/committed \d+ of partition/);
  // The next transaction stays open: its records are in the log, its end is not.
  cluster.on('EndTxn', { times: 1, then: 'mute' });
  await feed(some.slice(300));
  await expect.poll(() => all(cluster, 'totals', 2).length, { timeout: 30_000 }).toBeGreaterThan(300);
  first.kill('SIGKILL');
  await first.end();
  cluster.clearRules();

  const second = run('transactional-pipeline.ts', cluster);
  await expect.poll(() => all(cluster, 'totals', 2, { committed: true }).length, { timeout: 60_000 }).toBe(600);
  second.kill('SIGTERM');
  expect(await second.end()).toBe(0);
  const made = all(cluster, 'totals', 2, { committed: true }).map(({ value }) => value as { order: string });
  expect(made.map(({ order }) => order).sort()).toEqual(some.map((line) => (JSON.parse(line) as Order).orderId).sort());
  expect(cluster.committed('totals', 'orders', 0)).toBe(600n);
});

test.skipIf(isWindows)('the pipe sends what grep lets through, and reads it back', async () => {
  await using cluster = await MockCluster.start({ brokers: 1, topics: { orders: 3 } });
  const kiel = join(consumer, 'node_modules/.bin/kiel');
  const path = `${join(process.execPath, '..')}:${process.env['PATH']}`;
  const env = { KIEL_BROKERS: cluster.brokers.join(','), KIEL: kiel, PATH: path };
  const program = new Program('sh', ['pipe.sh'], env, `${orders.slice(0, 500).join('\n')}\n`);
  expect([await program.end(), program.output]).toEqual([0, expect.any(String)]);
  const wanted = orders.slice(0, 500).filter((line) => (JSON.parse(line) as Order).country === 'TR');
  expect(wanted.length).toBeGreaterThan(5);
  expect(
    all(cluster, 'orders', 3)
      .map(({ value }) => (value as Order).orderId)
      .sort(),
  ).toEqual(wanted.map((line) => (JSON.parse(line) as Order).orderId).sort());
  expect(program.output.match(/^\{"partition":\d,"offset":/gm)).toHaveLength(3);
});

const browser = await launchChromium();

test.skipIf(browser === null)(
  'the page says what a pasted request holds, and where a broken one is broken',
  async () => {
    const program = new Program(process.execPath, ['browser/serve.ts'], { PORT: '0' });
    const [address] = await program.prints(/http:\/\/127\.0\.0\.1:\d+\//);
    const page = await browser!.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(address);

    const builder = new RecordBatchBuilder({ limitBytes: 1_000 });
    builder.tryAppend(1_700_000_000_000, 'customer-3', 'two coffees');
    const body = {
      acks: -1,
      timeoutMs: 500,
      topicData: [{ name: 'orders', partitionData: [{ index: 0, records: builder.seal({}) }] }],
    };
    const frame = encodeRequest({ message: ProduceRequest, version: 9, correlationId: 7, clientId: 'shop', body });
    const hex = Buffer.from(frame).toString('hex');
    const shown = async (text: string) => {
      await page.fill('textarea', text);
      return page.textContent('pre');
    };
    for (const text of [hex, hex.slice(8), hex.replaceAll(/(..)/g, '$1 ')]) {
      expect(await shown(text)).toMatch(/^ProduceRequest v9 of shop\n.*"name": "orders".*"value": "two coffees"/s);
    }
    expect(await shown(hex.slice(8, 90))).toMatch(/ProduceRequest v9.* byte \d+/s);
    expect(await shown('xyz')).toBe('These are no pairs of hex digits.');
    expect(complaints).toEqual([]);
    await browser!.close();
  },
);
