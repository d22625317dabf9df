import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MockCluster } from '@kiel/mock-cluster';
import { createProducer, type Producer } from '@kiel/producer';
import { openRecorded } from '@kiel/producer/inspector';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from '../browser/chromium.ts';
import { buildViewer } from './build.ts';
import { smallPng } from './small-png.ts';

/**
 * Takes the pictures of docs/images: a producer that is idle, busy, heals after a broker was killed, and is closed.
 * `npm run screenshots`. They are pictures of a real run against the mock cluster, and so never the same twice.
 */
const folder = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const desktop = { width: 1280, height: 900 };
const phone = { width: 390, height: 844 };

class Sitting {
  readonly #browser: Browser;

  constructor(browser: Browser) {
    this.#browser = browser;
  }

  async open(url: string, colorScheme: 'light' | 'dark', viewport = desktop): Promise<Page> {
    const page = await this.#browser.newPage({
      viewport,
      colorScheme,
      deviceScaleFactor: viewport === phone ? 2 : 1,
    });
    await page.goto(url);
    return page;
  }
}

async function take(page: Page, name: string): Promise<void> {
  const png = await page.screenshot({ fullPage: page.viewportSize()!.width > 600 });
  writeFileSync(join(folder, `viewer-${name}.png`), smallPng(png));
  process.stdout.write(`viewer-${name}.png\n`);
}

function feed(producer: Producer): () => void {
  let n = 0;
  const timer = setInterval(() => {
    for (let i = 0; i < 40; i++) {
      n++;
      const order = { id: n, customerId: `c-${n % 211}`, total: (n * 37) % 9000, note: 'fragile '.repeat(n % 9) };
      producer.produce(n % 4 === 0 ? 'payments' : 'orders', order, { key: order.customerId }).catch(() => {});
    }
  }, 10);
  return () => clearInterval(timer);
}

async function run(sitting: Sitting, place: string): Promise<void> {
  const topics = { orders: { partitions: 6 }, payments: { partitions: 3 } };
  await using cluster = await MockCluster.start({ brokers: 3, topics, requestHistory: 0 });
  // As fast as a cluster in the next room.
  cluster.fault('Produce: delay 12 ms');
  const producer = createProducer({ brokers: cluster.brokers, clientId: 'shop-orders', lingerMs: 5 });
  const inspector = await producer.inspector({ allow: ['flush', 'close'], record: place });
  const [light, dark, small] = await Promise.all([
    sitting.open(inspector.url, 'light'),
    sitting.open(inspector.url, 'dark'),
    sitting.open(inspector.url, 'dark', phone),
  ]);
  const all = [light, dark, small];
  const until = (state: string) =>
    Promise.all(all.map((page) => page.locator(`#producer-chart [data-state="${state}"].on`).waitFor()));
  let stop = feed(producer);
  await light.waitForTimeout(12_000);
  await until('flushing');
  await take(light, 'flushing-light');
  await dark.locator('[role="tab"]', { hasText: 'node 2' }).click();
  // Healing takes milliseconds where the other brokers have heard of it: here they have not, until this is over.
  const stale = cluster.fault('Metadata: stale-metadata');
  cluster.killBroker(cluster.leader('orders', 0));
  await until('healing');
  await light.waitForTimeout(1_500);
  await take(light, 'healing-light');
  await take(dark, 'healing-dark');
  await take(small, 'healing-phone');
  stale.remove();
  await light.waitForTimeout(5_000);
  stop();
  await until('idle');
  await light.waitForTimeout(1_500);
  await take(light, 'idle-light');
  await small.emulateMedia({ colorScheme: 'light' });
  await small.evaluate("document.getElementById('history-title').scrollIntoView()");
  stop = feed(producer);
  await small.waitForTimeout(2_000);
  await take(small, 'history-phone');
  stop();
  await producer.close();
  await until('closed');
  await dark.waitForTimeout(500);
  await take(dark, 'closed-dark');
  await inspector.close();
}

async function replay(sitting: Sitting, place: string): Promise<void> {
  await using shown = await openRecorded(place);
  const page = await sitting.open(shown.url, 'light');
  await page.locator('#producer-chart [data-state="closed"].on').waitFor();
  const slider = page.getByRole('slider', { name: 'Time' });
  // Into the middle of the trouble.
  for (const piece of await page.locator('#track-strip [data-state="healing"]').all()) {
    const [left, width] = await piece.evaluate((each) => [each.style.left, each.style.width].map(Number.parseFloat));
    const most = Number(await slider.getAttribute('max'));
    await slider.fill(String(Math.round(((left! + width! / 2) / 100) * most)));
  }
  await page.waitForTimeout(500);
  await take(page, 'recording-light');
}

const browser = await launchChromium();
if (browser === null) process.exit(1);
mkdirSync(folder, { recursive: true });
await buildViewer();
const temporary = mkdtempSync(join(tmpdir(), 'kiel-screenshots-'));
try {
  const sitting = new Sitting(browser);
  const place = join(temporary, 'session.ndjson');
  await run(sitting, place);
  await replay(sitting, place);
} finally {
  await browser.close();
  rmSync(temporary, { recursive: true });
}
