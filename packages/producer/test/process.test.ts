import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MockCluster } from '@kiel/mock-cluster';
import { expect, test } from 'vitest';

const index = new URL('../src/index.ts', import.meta.url).href;

interface Ending {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a script in a process of its own, where warnings and rejections that nobody caught are fatal. */
function run(script: string, brokers: readonly string[]): Promise<Ending> {
  return start(script, brokers).ended;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(10);
}

function start(script: string, brokers: readonly string[]): { process: ChildProcess; ended: Promise<Ending> } {
  const source = `
    import { createProducer } from ${JSON.stringify(index)};
    const brokers = ${JSON.stringify(brokers)};
    process.on('warning', (warning) => { console.log('WARNING', warning.message); process.exitCode = 9; });
    ${script}`;
  const child = spawn(
    process.execPath,
    ['--conditions=@kiel/source', '--unhandled-rejections=strict', '--expose-gc', '--input-type=module', '-e', source],
    { cwd: fileURLToPath(new URL('..', import.meta.url)), stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    output += String(chunk);
  });
  return { process: child, ended: new Promise((resolve) => child.on('close', (code) => resolve({ code, output }))) };
}

test('a script that produces and does not close ends by itself once everything is delivered', async () => {
  await using cluster = await MockCluster.start({ brokers: 1, topics: ['orders'] });
  const { code, output } = await run(
    `const producer = createProducer({ brokers });
     for (let i = 0; i < 100; i++) producer.produce('orders', i);`,
    cluster.brokers,
  );
  expect([code, output]).toEqual([0, '']);
  expect(cluster.log('orders', 0).length).toBe(100);
}, 30_000);

test('P28: with no broker there and no listener nothing ends the process but its own end', async () => {
  const { code, output } = await run(
    `const producer = createProducer({ brokers: ['127.0.0.1:1', 'localhost:1'], maxBlockMs: 700, logger: {
       debug() { throw new Error('d'); }, info() {}, warn() { throw new Error('w'); }, error() {},
     } });
     producer.on('stateChanged', () => { throw new Error('from a listener'); });
     for (let i = 0; i < 10; i++) producer.produce('orders', i);
     try { await producer.produce('orders', 'x'); } catch (error) { console.log(error.code, error.persisted); }
     await producer.close();
     console.log(producer.state);`,
    [],
  );
  expect([code, output]).toEqual([0, 'METADATA_TIMEOUT no\nclosed\n']);
}, 30_000);

test('P28: brokers that go away under it are no reason to end either', async () => {
  await using cluster = await MockCluster.start({ brokers: 1, topics: ['orders'] });
  const running = run(
    `const producer = createProducer({ brokers, deliveryTimeoutMs: 1_500 });
     await producer.produce('orders', 'first');
     console.log('first');
     const end = Date.now() + 2_500;
     while (Date.now() < end) {
       producer.produce('orders', 'x');
       await new Promise((resolve) => setTimeout(resolve, 20));
     }
     await producer.close({ timeoutMs: 500 });
     console.log(producer.state, producer.unsettledCount);`,
    cluster.brokers,
  );
  for (;;) {
    if (cluster.log('orders', 0).length > 5) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  cluster.killBroker(1);
  expect(await running).toEqual({ code: 0, output: 'first\nclosed 0\n' });
}, 30_000);

test.each([false, true])(
  'P17: a process frozen for longer than all its limits takes the answers that came meanwhile (peer closed: %s)',
  async (closes) => {
    await using cluster = await MockCluster.start({ brokers: 1, topics: ['orders'] });
    const script = `
      const limits = { requestTimeoutMs: 1_000, lingerMs: 0, deliveryTimeoutMs: 1_500 };
      const producer = createProducer({ brokers, ...limits });
      await producer.produce('orders', 'warm');
      console.log('warm');
      const frozen = await producer.produce('orders', 'frozen');
      console.log('frozen', Number(frozen.offset));
      const thawed = await producer.produce('orders', 'thawed');
      console.log('thawed', Number(thawed.offset));
      await producer.close();`;
    // The answer is on its way when the process is frozen, and lies in the socket when it is thawed.
    cluster.on('Produce', { times: 1, after: 1, then: { delayReplyMs: 400 } });
    const child = start(script, cluster.brokers);
    await until(() => cluster.log('orders', 0).length === 2);
    child.process.kill('SIGSTOP');
    try {
      // Real time, since it is the operating system that freezes.
      await sleep(closes ? 1_000 : 3_000);
      if (closes) {
        cluster.killBroker(1);
        await cluster.startBroker(1);
        await sleep(2_000);
      }
    } finally {
      child.process.kill('SIGCONT');
    }
    expect(await child.ended).toEqual({ code: 0, output: 'warm\nfrozen 1\nthawed 2\n' });
    expect(cluster.log('orders', 0).map(({ value }) => value)).toEqual(['warm', 'frozen', 'thawed']);
  },
  30_000,
);

test('P29: a thousand lives of a producer leave heap, handles and listeners flat', async () => {
  await using cluster = await MockCluster.start({ brokers: 1, topics: ['orders'], requestHistory: 0 });
  const { code, output } = await run(
    `const live = async (n) => {
       for (let i = 0; i < n; i++) {
         const producer = createProducer({ brokers });
         await producer.produce('orders', i);
         await producer.close();
       }
       await new Promise((resolve) => setTimeout(resolve, 50));
       gc(); gc();
       return process.memoryUsage().heapUsed;
     };
     await live(150);
     const handles = process.getActiveResourcesInfo().length;
     const before = await live(50);
     const after = await live(800);
     console.log(process.getActiveResourcesInfo().length - handles, after - before < 4_000_000 || after - before);`,
    cluster.brokers,
  );
  expect([code, output]).toEqual([0, '0 true\n']);
}, 60_000);
