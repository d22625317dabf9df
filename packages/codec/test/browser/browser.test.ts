import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../../../../tools/browser/chromium.ts';
import type { Finding, MessageVector, RecordVector } from './page.ts';

const golden = new URL('../golden/', import.meta.url);
const lines = (name: string): string[] =>
  gunzipSync(readFileSync(new URL(name, golden)))
    .toString()
    .trimEnd()
    .split('\n');

interface PageApi {
  checkMessages(vectors: readonly MessageVector[]): Finding;
  checkRecords(vectors: readonly RecordVector[]): Finding;
  checkBytes(): Finding;
}
declare const kielTest: PageApi;

const browser: Browser | null = await launchChromium();

describe.skipIf(browser === null)('in a real browser', () => {
  let page: Page;
  const complaints: string[] = [];
  const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html>'));

  beforeAll(async () => {
    const bundle = await build({
      entryPoints: [fileURLToPath(new URL('page.ts', import.meta.url))],
      bundle: true,
      write: false,
      format: 'iife',
      globalName: 'kielTest',
      platform: 'browser',
      conditions: ['@kiel/source'],
      minify: true,
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    page = await browser!.newPage();
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.addScriptTag({ content: bundle.outputFiles[0]!.text });
  });

  afterAll(async () => {
    await browser?.close();
    server.close();
    expect(complaints).toEqual([]);
  });

  test('every message and version that Java wrote decodes and encodes to the same bytes', async () => {
    const vectors: MessageVector[] = [];
    for (const file of readdirSync(new URL('vectors/messages/', golden))) {
      const message = file.replace('.ndjson.gz', '');
      for (const line of lines(`vectors/messages/${file}`)) {
        const { version, case: name, bytes } = JSON.parse(line) as MessageVector;
        vectors.push({ message, version, case: name, bytes });
      }
    }
    const finding = await page.evaluate((all) => kielTest.checkMessages(all), vectors);
    expect(finding.wrong).toEqual([]);
    expect(finding.checked).toBeGreaterThan(4_000);
  });

  test('batches of every magic, plain, snappy and LZ4, hold the records that Java put there', async () => {
    const vectors = lines('records.ndjson.gz')
      .map((line) => JSON.parse(line) as RecordVector)
      .filter(({ batches }) => batches.every(({ compression }) => ['none', 'snappy', 'lz4'].includes(compression)));
    const finding = await page.evaluate((all) => kielTest.checkRecords(all), vectors);
    expect(finding.wrong).toEqual([]);
    expect(finding.checked).toBeGreaterThan(50);
  });

  test('checksums, snappy and LZ4 give what they give in Node', async () => {
    const finding = await page.evaluate(() => kielTest.checkBytes());
    expect(finding.wrong).toEqual([]);
    expect(finding.checked).toBe(6);
  });
});
