import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MockCluster } from '@kiel/mock-cluster';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../../../../tools/browser/chromium.ts';

const browser: Browser | null = await launchChromium();

/**
 * Stands where Stately's own page would be, which is on the internet: it takes the events as that one does, by the
 * package's receiver, and keeps the definitions and states that it would draw.
 */
const receiver = `
import { createBrowserReceiver } from '@statelyai/inspect';
window.seen = { machines: [], states: [] };
createBrowserReceiver().subscribe((event) => {
  if (event.type === '@xstate.actor' && event.definition !== undefined) {
    const { id, states } = JSON.parse(event.definition);
    window.seen.machines.push({ id, states: Object.keys(states ?? {}) });
  }
  if (event.type === '@xstate.snapshot') window.seen.states.push(String(event.snapshot?.value));
});`;

/** A program as the guide has it, in a process of its own; it begins when it is told where the brokers are. */
const recipe = `
import { once } from 'node:events';
import { createWebSocketInspector } from '@statelyai/inspect';
import { createInspectorServer } from '@statelyai/inspect/server';
import { createProducer } from '@kiel/producer';
const [port, url] = process.argv.slice(1);
const server = createInspectorServer({ port: Number(port), url, autoOpen: false });
const stately = createWebSocketInspector({ url: 'ws://localhost:' + port });
console.log('ready');
const [brokers] = await once(process.stdin, 'data');
const producer = createProducer({ brokers: String(brokers).trim().split(','), inspect: stately.inspect });
await producer.produce('orders', 'seen');
await producer.close();
// Its events go out in turns of their own.
await new Promise((resolve) => setTimeout(resolve, 1000));
stately.stop();
server.stop();
process.exit(0);`;

interface Seen {
  readonly machines: readonly { readonly id: string; readonly states: readonly string[] }[];
  readonly states: readonly string[];
}

async function listening(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, resolve));
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe.skipIf(browser === null)("Stately's inspector in a real browser", () => {
  afterAll(() => browser?.close());

  test('the recipe of the guide: a page behind its server gets definitions and states of all machines', async () => {
    const bundle = await build({
      stdin: { contents: receiver, resolveDir: import.meta.dirname },
      bundle: true,
      write: false,
      format: 'iife',
      platform: 'browser',
    });
    const html = `<!doctype html><script>${bundle.outputFiles[0]!.text.replaceAll('</script', '<\\/script')}</script>`;
    const own = createServer((_, response) => response.setHeader('content-type', 'text/html').end(html));
    const [ownPort, port] = [await listening(own), await freePort()];
    await using cluster = await MockCluster.start({ brokers: 2, topics: { orders: { partitions: 1 } } });
    const application = spawn(
      process.execPath,
      ['--conditions=@kiel/source', '--input-type=module', '-e', recipe, String(port), `http://localhost:${ownPort}/`],
      { cwd: import.meta.dirname, stdio: ['pipe', 'pipe', 'inherit'] },
    );
    const ended = once(application, 'close');
    await once(application.stdout, 'data');
    const page = await browser!.newPage();
    await page.goto(`http://localhost:${port}/`);
    const frame = page.frames().find((each) => each.url().includes(String(ownPort)))!;
    application.stdin.write(`${cluster.brokers.join(',')}\n`);
    const seen = () => frame.evaluate(() => (globalThis as unknown as { seen: Seen }).seen);
    await expect.poll(async () => (await seen()).states).toContain('closed');
    const { machines, states } = await seen();
    expect(states).toContain('healing');
    expect(states).toContain('fresh');
    // The sender is told of too, by its name alone: it is no machine.
    const charts = machines.filter((each) => each.states.length > 0);
    expect(new Set(charts.map(({ id }) => id))).toEqual(
      new Set(['producer', 'metadata', 'idempotence', 'transaction', 'broker']),
    );
    expect(machines.find(({ id }) => id === 'producer')!.states).toContain('healing');
    expect(await ended).toEqual([0, null]);
    own.close();
    await page.close();
  });
});
