import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { brokerErrors } from '../../packages/codec/src/index.ts';
import type { ConfigError } from '../../packages/producer/src/index.ts';
import { readOptions } from '../../packages/producer/src/options.ts';
import { root } from '../../tools/docs/blocks/pages.ts';
import { kips } from '../../tools/docs/data/kips.ts';
import { optionFacts } from '../../tools/docs/data/option-facts.ts';
import { ownErrors } from '../../tools/docs/data/own-errors.ts';
import { errorPages } from '../../tools/docs/pages/errors.ts';
import { declaredOptions, optionsPage } from '../../tools/docs/pages/options.ts';

function sources(folder: string): string {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.includes('generated'))
    .map((path) => readFileSync(join(root, folder, path), 'utf8'))
    .join('\n');
}

test('every option is on the page of options, in the words of its type, with what other clients call it', () => {
  const declared = declaredOptions();
  expect(Object.keys(optionFacts).sort()).toEqual(declared.map(({ name }) => name).sort());
  for (const { name, text } of declared) expect([name, text.length > 10]).toEqual([name, true]);
  const page = optionsPage();
  for (const { name } of declared) expect(page).toContain(`### ${name}\n`);
});

test('defaults that depend on other options are as the page says', () => {
  const page = optionsPage();
  const settings = (given: object) => readOptions({ brokers: 'localhost', ...given });
  expect(page).toContain('| [`lingerMs`](#lingerms) | `0`; with a `batchSize` above 1, 5 000 |');
  expect(settings({ batchSize: 50 }).lingerMs).toBe(5_000);
  expect(page).toContain(
    '| [`batchSize`](#batchsize) | `1`; go as soon as possible; unlimited if only `lingerMs` is given |',
  );
  expect(settings({ lingerMs: 5 }).batchSize).toBe(Number.POSITIVE_INFINITY);
  expect(page).toContain('| [`serializer`](#serializer) | JSON |');
  expect(page).toContain('| [`logger`](#logger) | silent |');
});

test('what the page calls an option is one: none is refused as unknown', () => {
  for (const name of Object.keys(optionFacts)) {
    try {
      readOptions({ brokers: 'localhost', [name]: Symbol(name) as never });
    } catch (error) {
      expect((error as ConfigError).message).not.toContain('does not exist');
    }
  }
});

test("every code that the packages' errors can have has a page", () => {
  const text = `${sources('packages/producer/src')}\n${sources('packages/codec/src')}`;
  const thrown = [
    ...text.matchAll(
      /new (?:Delivery|Transaction|Connection|Codec|Records|Authentication|Tls|Kafka)Error\(\s*'([A-Z_]+)'/g,
    ),
    // Unions of codes, and the small functions that make errors of one class.
    ...text.matchAll(/^ {2}\| '([A-Z]+_[A-Z_]+)'/gm),
    ...text.matchAll(/\b(?:make|fault|configError|this\.#fail|fail)\(\s*'([A-Z]+_[A-Z_]+)'/g),
  ].map(([, code]) => code!);
  const known = new Set([...ownErrors.map(({ code }) => code), ...brokerErrors.map(({ name }) => name)]);
  // Names of SASL mechanisms stand in unions too.
  const mechanisms = new Set(['AWS_MSK_IAM']);
  expect(thrown.length).toBeGreaterThan(40);
  expect([...new Set(thrown)].filter((code) => !known.has(code) && !mechanisms.has(code))).toEqual([]);
});

test('no page is about a code that nothing has', () => {
  const text = `${sources('packages/producer/src')}\n${sources('packages/codec/src')}`;
  for (const { code } of ownErrors) expect([code, text.includes(`'${code}'`)]).toEqual([code, true]);
});

test('error pages have a meaning, what was done, and what to do, and one name is one page', () => {
  const pages = errorPages();
  expect(new Set(pages.map(({ path }) => path)).size).toBe(pages.length);
  expect(pages.length).toBeGreaterThan(brokerErrors.length);
  for (const { path, text } of pages) {
    if (path === 'index.md') continue;
    for (const heading of ['What it means', 'What the client did', 'What you do']) {
      expect([path, new RegExp(`## ${heading}\n\n\\S.{6}`).test(text)]).toEqual([path, true]);
    }
  }
});

test('whatever a coordinator of transactions can answer has advice of its own', () => {
  for (const { text } of errorPages()) {
    if (text.includes('From a coordinator of transactions')) expect(text).not.toContain('A producer sends no request');
  }
});

test('the place in the code that a KIP names is still there', () => {
  expect(new Set(kips.map(({ number }) => number)).size).toBe(kips.length);
  for (const { number, status, evidence } of kips) {
    if (status === 'no') continue;
    const [file, text] = evidence!;
    expect([number, readFileSync(join(root, file), 'utf8').includes(text)]).toEqual([number, true]);
  }
});

test('what is said of speed beside other clients is what was measured', () => {
  const measured = readFileSync(join(root, 'docs/performance/index.md'), 'utf8');
  const ratioOf = (workload: string): number => {
    const [, section = ''] = new RegExp(`### ${workload}: ([\\s\\S]*?)(?:\\n## |\\n### |$)`).exec(measured) ?? [];
    const cpuOf = (client: string) => {
      const cells = new RegExp(`^\\| ${client}:\\w+ \\|.*$`, 'm').exec(section)?.[0].split('|') ?? [];
      return Number.parseFloat(cells[/p50/.test(section) ? 6 : 4] ?? '');
    };
    return cpuOf('kiel') / cpuOf('librdkafka');
  };
  const page = readFileSync(join(root, 'docs/guide/comparison.md'), 'utf8').replaceAll('\n', ' ');
  expect(page).toContain('small records that are produced in numbers, also with LZ4, snappy, zstd or gzip: less');
  for (const workload of ['A', 'C', 'D', 'D-snappy', 'D-gzip'])
    expect([workload, ratioOf(workload) < 1]).toEqual([workload, true]);
  expect(page).toContain(
    'records of 1 KiB that are not compressed: a little more; records that are awaited one by one: two to three times',
  );
  expect(ratioOf('B')).toBeGreaterThan(1);
  expect(ratioOf('B')).toBeLessThan(1.2);
  expect(ratioOf('E')).toBeGreaterThan(2);
  expect(ratioOf('E')).toBeLessThan(3);
});
