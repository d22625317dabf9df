import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockCluster } from '@kiel/mock-cluster';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { launchChromium } from '../../../../tools/browser/chromium.ts';
import { buildViewer } from '../../../../tools/viewer/build.ts';
import { createProducer, type Inspector, type InspectorOptions, type Producer } from '../../src/index.ts';
import { openRecorded } from '../../src/inspector/index.ts';

const browser: Browser | null = await launchChromium();

describe.skipIf(browser === null)('the viewer in a real browser', () => {
  let cluster: MockCluster;
  let producer: Producer;
  let feeding: NodeJS.Timeout | undefined;
  const complaints: string[] = [];

  beforeAll(buildViewer);
  afterAll(() => browser?.close());

  beforeEach(async () => {
    const topics = { orders: { partitions: 6 } };
    cluster = await MockCluster.start({ brokers: 3, topics });
    producer = createProducer({ brokers: cluster.brokers, clientId: 'orders-api', lingerMs: 20, retryBackoffMs: 200 });
    complaints.length = 0;
  });

  afterEach(async () => {
    clearInterval(feeding);
    for (const context of browser!.contexts()) await context.close();
    await producer.close({ timeoutMs: 2000 });
    await cluster.stop();
    expect(complaints).toEqual([]);
  });

  /** A page on an inspector; whatever it complains of, or asks of others, fails the test. */
  async function look(url: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await browser!.newPage({ viewport: { width: 1280, height: 900 }, ...options });
    page.on('console', (message) => {
      // A stream that ends is told there as well, whatever a page does.
      if (
        message.type() === 'error' &&
        !/ERR_(INCOMPLETE_CHUNKED|CONNECTION_REFUSED|EMPTY_RESPONSE|CONNECTION_RESET)/.test(message.text())
      ) {
        complaints.push(message.text());
      }
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== new URL(url).origin) complaints.push(`asked ${request.url()}`);
    });
    await page.goto(url);
    return page;
  }

  async function inspect(
    options: InspectorOptions = {},
    context: BrowserContextOptions = {},
  ): Promise<{ inspector: Inspector; page: Page }> {
    const inspector = await producer.inspector(options);
    return { inspector, page: await look(inspector.url, context) };
  }

  function feed(): void {
    let n = 0;
    feeding = setInterval(() => {
      for (let i = 0; i < 20; i++)
        producer.produce('orders', { id: ++n }, { key: `customer-${n % 50}` }).catch(() => {});
    }, 10);
  }

  const stateOf = (page: Page) => page.locator('#state-name').textContent();

  test('draws every machine from its definition and lights the state that it is in', async () => {
    const { page } = await inspect();
    await page.locator('#producer-chart [data-state="idle"].on').waitFor();
    const states = await page
      .locator('#producer-chart .node')
      .evaluateAll((nodes) => nodes.map((node) => node.getAttribute('data-state')));
    expect(states.sort()).toEqual(['*', 'batching', 'closed', 'closing', 'flushing', 'healing', 'idle']);
    feed();
    await page.locator('#producer-chart .edge.lit').first().waitFor();
    await page.locator('#log li', { hasText: 'metadata.fresh' }).waitFor();
    // Its children: the idempotence machine has got an id, and a broker's can be chosen.
    await page.locator('[role="tab"][data-tone="good"]', { hasText: 'idempotence' }).click();
    await page.locator('#child-chart [data-state="identified"].on').waitFor();
    expect(await page.locator('#child-context').textContent()).toContain('producerId');
    await page.locator('[role="tab"]', { hasText: 'node 2' }).click();
    await page.locator('#child-chart [data-state="ready"].on').waitFor();
    await producer.close();
    await page.locator('#producer-chart [data-state="closed"].on').waitFor();
    expect(await stateOf(page)).toBe('closed');
  });

  test('shows that the producer heals when a broker is killed, and that all goes on', async () => {
    const { page } = await inspect();
    feed();
    await page.locator('#brokers .row[data-key]').nth(2).waitFor();
    await page.locator('#log li', { hasText: 'metadata.fresh' }).waitFor();
    const before = await page.locator('#timeline rect[data-state="healing"]').count();
    cluster.killBroker(cluster.leader('orders', 0));
    await expect.poll(() => page.locator('#timeline rect[data-state="healing"]').count()).toBeGreaterThan(before);
    await page.locator('#log li[data-tone="warn"]', { hasText: '→ healing' }).first().waitFor();
    await expect
      .poll(() => page.locator('#live-region').textContent())
      .toMatch(/^The producer (is healing|has healed)$/);
    await expect.poll(() => page.locator('#brokers .row[data-key]').count()).toBe(2);
    const delivered = () => page.locator('.tile', { hasText: 'Delivered' }).locator('dd').textContent();
    await expect.poll(async () => Number.parseFloat((await delivered())!.replace(',', ''))).toBeGreaterThan(100);
    expect(await page.locator('.tile', { hasText: 'Failed' }).locator('dd').textContent()).toBe('0');
  });

  test('a partition without a leader and what waits for it are seen', async () => {
    const { page } = await inspect();
    feed();
    await page.locator('#brokers .row[data-key]').nth(2).waitFor();
    for (const broker of [1, 2, 3]) cluster.killBroker(broker);
    await page.locator('#producer-chart [data-state="healing"].on').waitFor();
    await page.locator('#state[data-tone="warn"]').waitFor();
    await page.locator('#partitions [data-column="age"][data-tone="warn"]').first().waitFor({ timeout: 15_000 });
    clearInterval(feeding);
    for (const broker of [1, 2, 3]) await cluster.startBroker(broker);
    await page.locator('#producer-chart [data-state="idle"].on').waitFor({ timeout: 30_000 });
    await page.getByText('Nothing waits and nothing is on its way.').waitFor();
  });

  test('the log is filtered by text and machine, and held still on demand', async () => {
    const { page } = await inspect();
    await producer.produce('orders', 1);
    await page.locator('#log li', { hasText: 'metadata.fresh' }).waitFor();
    expect(await page.locator('#log li', { hasText: 'batch.ready' }).count()).toBe(0);
    await page.getByLabel('routine too').check();
    await page.locator('#log li', { hasText: 'sender.quiet' }).first().waitFor();
    await page.getByLabel('Filter the log').fill('SOCKET.opened');
    await expect.poll(() => page.locator('#log li').count()).toBeGreaterThan(0);
    for (const text of await page.locator('#log li').allTextContents()) expect(text).toContain('socket.opened');
    await page.getByLabel('Filter the log').fill('');
    await page.locator('#kind').selectOption('idempotence');
    for (const text of await page.locator('#log li').allTextContents()) expect(text).toContain('idempotence');
    await page.locator('#kind').selectOption('');
    await page.getByRole('button', { name: 'Pause' }).click();
    const held = await page.locator('#log li').count();
    await producer.produce('orders', 2);
    await page.getByRole('button', { name: /Go on \([1-9]\d* new\)/ }).waitFor();
    expect(await page.locator('#log li').count()).toBe(held);
    await page.getByRole('button', { name: /Go on/ }).click();
    await expect.poll(() => page.locator('#log li').count()).toBeGreaterThan(held);
  });

  test('there are buttons only if they were allowed, and closing is asked about', async () => {
    const { page: without } = await inspect();
    await without.locator('#producer-chart .node.on').waitFor();
    expect(await without.getByRole('button', { name: /Flush|Close/ }).count()).toBe(0);
    const { page } = await inspect({ allow: ['flush', 'close'] });
    await page.getByRole('button', { name: 'Flush' }).click();
    await page.locator('#log li', { hasText: 'flush is done' }).waitFor();
    await page.getByRole('button', { name: 'Close…' }).click();
    await page.getByRole('button', { name: 'Leave it open' }).click();
    expect(producer.state).toBe('idle');
    await page.getByRole('button', { name: 'Close…' }).click();
    await page.getByRole('button', { name: 'Close it' }).click();
    await page.locator('#producer-chart [data-state="closed"].on').waitFor();
    // Nothing goes any more, and nothing can be asked for.
    expect(await page.locator('.tile', { hasText: 'Delivered' }).locator('dd').textContent()).toBe('0/s');
    for (const name of ['Flush', 'Close…']) expect(await page.getByRole('button', { name }).isDisabled()).toBe(true);
    await without.locator('#producer-chart [data-state="closed"].on').waitFor();
  });

  test('a page that is opened late shows what was before', async () => {
    const inspector = await producer.inspector();
    await producer.produce('orders', 1);
    cluster.killBroker(cluster.leader('orders', 0));
    await producer.produce('orders', 2);
    const page = await look(inspector.url);
    await page.locator('#log li', { hasText: '→ healing' }).first().waitFor();
    await page.locator('#timeline rect[data-state="healing"]').first().waitFor();
  });

  test('a stream that ends is told, and what was there stays readable', async () => {
    const { page, inspector } = await inspect();
    await producer.produce('orders', 1);
    await page.locator('#log li', { hasText: 'metadata.fresh' }).waitFor();
    await inspector.close();
    await page.getByRole('alert').filter({ hasText: 'cannot be heard' }).waitFor();
    expect(await page.locator('#log li').count()).toBeGreaterThan(3);
    await page.locator('#producer-chart .node.on').waitFor();
  });

  test('everything is reached by key, in order, and the focus is seen', async () => {
    const { page } = await inspect({ allow: ['flush', 'close'] });
    await producer.produce('orders', 1);
    await page.locator('[role="tab"]').nth(3).waitFor();
    const reached: string[] = [];
    for (let n = 0; n < 40; n++) {
      await page.keyboard.press('Tab');
      const found = await page.evaluate<{ name: string; isSeen: boolean } | null>(`(() => {
        const { activeElement: element } = document;
        if (element === null || element === document.body) return null;
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        const name = element.id || element.getAttribute('data-actor') || element.textContent || element.className;
        return { name, isSeen: outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2 };
      })()`);
      if (found === null) break;
      expect(found).toMatchObject({ isSeen: true });
      reached.push(found.name);
    }
    for (const id of ['flush', 'close', 'theme', 'metadata', 'pause', 'filter', 'kind', 'routine', 'log'])
      expect(reached).toContain(id);
    await page.locator('[role="tab"][aria-selected="true"]').focus();
    await page.keyboard.press('ArrowRight');
    expect(await page.locator('[role="tab"][aria-selected="true"]').getAttribute('data-actor')).toBe('idempotence');
    await page.locator('#child-chart [data-state="identified"].on').waitFor();
    await page.getByRole('button', { name: 'Close…' }).press('Enter');
    await page.keyboard.press('Escape');
    expect(producer.state).toBe('idle');
    // Every control has a name.
    const nameless = await page.evaluate<number>(`
      [...document.querySelectorAll('button, input, select, [role="img"], [role="table"]')].filter((each) => {
        const { ariaLabel, labels, textContent } = each;
        const label = ariaLabel ?? each.getAttribute('aria-labelledby') ?? labels?.[0]?.textContent ?? textContent;
        return (label ?? '').trim() === '';
      }).length`);
    expect(nameless).toBe(0);
  });

  test.each([
    [390, 'dark'],
    [390, 'light'],
    [320, 'light'],
    [768, 'dark'],
    [1280, 'dark'],
  ] as const)('at %i pixels nothing has to be pushed sideways (%s)', async (width, colorScheme) => {
    const { page } = await inspect({ allow: ['flush', 'close'] }, { viewport: { width, height: 844 }, colorScheme });
    feed();
    await page.locator('#partitions .row[data-key]').first().waitFor();
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(width);
    // What is written can be told from what it is written on.
    const [ink, paper] = await page.evaluate<string[]>(
      '[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]',
    );
    expect(contrast(ink!, paper!)).toBeGreaterThan(7);
    const small = await page
      .locator('#producer-chart .name')
      .first()
      .evaluate((text) => text.getBoundingClientRect().height);
    expect(small).toBeGreaterThanOrEqual(10);
  });

  test('the switch wins over what the system wants, and is remembered', async () => {
    const { page } = await inspect({}, { colorScheme: 'dark' });
    const paper = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    const dark = await paper();
    await page.getByRole('button', { name: 'Colours: auto' }).click();
    expect(await paper()).not.toBe(dark);
    await page.reload();
    await page.getByRole('button', { name: 'Colours: light' }).click();
    expect(await paper()).toBe(dark);
  });

  test('nothing moves for whoever wants it so', async () => {
    const { page } = await inspect({}, { reducedMotion: 'reduce' });
    feed();
    await page.locator('#producer-chart .edge.lit').first().waitFor();
    const moving = await page.evaluate<number>('document.getAnimations().length');
    expect(moving).toBe(0);
  });

  test('a recording is gone through with the slider, and played', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kiel-viewer-'));
    const path = join(folder, 'session.ndjson');
    const recording = await producer.record(path);
    feed();
    await new Promise<void>((resolve) => {
      producer.on('delivered', () => resolve());
    });
    cluster.killBroker(cluster.leader('orders', 0));
    await producer.flush();
    clearInterval(feeding);
    await producer.close();
    await recording.close();
    await using shown = await openRecorded(path);
    const page = await look(shown.url);
    await page.locator('#producer-chart [data-state="closed"].on').waitFor();
    expect(await page.locator('#track-strip [data-state="healing"]').count()).toBeGreaterThan(0);
    expect(await page.locator('#time-text').textContent()).toMatch(/ of /);
    const end = await page.locator('#log li').count();
    await page.getByRole('slider', { name: 'Time' }).focus();
    await page.keyboard.press('Home');
    expect(await stateOf(page)).toBe('idle');
    expect(await page.locator('#log li').count()).toBeLessThan(end);
    await page.keyboard.press('ArrowRight');
    await page.getByLabel('Speed').selectOption('16');
    await page.getByRole('button', { name: 'Play' }).click();
    await page.locator('#producer-chart [data-state="closed"].on').waitFor();
    await page.getByRole('button', { name: 'Play' }).waitFor();
    expect(await page.locator('#flush').isVisible()).toBe(false);
    rmSync(folder, { recursive: true });
  });
});

/** WCAG's contrast of two colours in `rgb(…)` form. */
function contrast(one: string, other: string): number {
  const luminance = (colour: string) => {
    const [r = 0, g = 0, b = 0] = (colour.match(/\d+/g) ?? []).map((part) => {
      const value = Number(part) / 255;
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [a, b] = [luminance(one), luminance(other)].sort((x, y) => y - x) as [number, number];
  return (a + 0.05) / (b + 0.05);
}
