import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockCluster } from '@kiel/mock-cluster';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import * as esbuild from 'esbuild';
import { rollup } from 'rollup';
import { build as viteBuild } from 'vite';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { launchChromium } from '../../tools/browser/chromium.ts';
import { copyPrograms, runProgram } from './run-program.ts';

const consumer = inject('consumer');
let programs: string;

beforeAll(() => {
  programs = copyPrograms(consumer);
});

/** One file, minified, as it would be deployed, far from any node_modules. */
type Bundle = (program: string, target: 'node' | 'browser') => Promise<string>;

const withEsbuild =
  (format: 'esm' | 'cjs'): Bundle =>
  async (program, target) => {
    const { outputFiles, warnings } = await esbuild.build({
      entryPoints: [join(programs, program)],
      bundle: true,
      minify: true,
      write: false,
      platform: target,
      format: target === 'browser' ? 'iife' : format,
      target: 'es2022',
      logLevel: 'silent',
    });
    expect(warnings.map(({ text }) => text)).toEqual([]);
    return outputFiles[0]!.text;
  };

const withRollup: Bundle = async (program, target) => {
  const bundle = await rollup({
    input: join(programs, program),
    plugins: [nodeResolve({ browser: target === 'browser', preferBuiltins: true })],
    external: target === 'node' ? [/^node:/] : [],
    onwarn: (warning) => {
      // TypeScript's help for an import whose name is known only at run time begins with `this &&`.
      if (warning.code !== 'THIS_IS_UNDEFINED') throw new Error(warning.message);
    },
  });
  const { output } = await bundle.generate({
    format: target === 'browser' ? 'iife' : 'es',
    inlineDynamicImports: true,
  });
  const { code } = await esbuild.transform(output[0].code, { minify: true, target: 'es2022' });
  return code;
};

const withVite: Bundle = async (program, target) => {
  const outDir = join(consumer, `vite-${program}-${target}`);
  await viteBuild({
    configFile: false,
    root: programs,
    logLevel: 'error',
    ...(target === 'node' ? { ssr: { noExternal: true as const } } : {}),
    build: {
      outDir,
      emptyOutDir: true,
      minify: true,
      target: 'es2022',
      ...(target === 'node' ? { ssr: join(programs, program) } : {}),
      rollupOptions: {
        input: join(programs, program),
        output: { entryFileNames: 'bundle.js', codeSplitting: false },
      },
    },
  });
  return readFileSync(join(outDir, 'bundle.js'), 'utf8');
};

const bundlers: readonly { name: string; bundle: Bundle; ending: string }[] = [
  { name: 'esbuild, ESM', bundle: withEsbuild('esm'), ending: 'mjs' },
  { name: 'esbuild, CommonJS', bundle: withEsbuild('cjs'), ending: 'cjs' },
  { name: 'rollup', bundle: withRollup, ending: 'mjs' },
  { name: 'vite', bundle: withVite, ending: 'mjs' },
];

/** Runs a program against brokers that fail once; the answer is what it printed, and what they hold. */
async function produce(file: string, cwd: string) {
  await using cluster = await MockCluster.start({ brokers: 2, topics: { orders: 1, payments: 1 } });
  cluster.on('Produce', { times: 1, then: 'append-then-drop-reply' });
  const env = { KIEL_BROKERS: cluster.brokers.join(',') };
  const { code, stdout, stderr } = await runProgram(process.execPath, [file], { cwd, env });
  const stored = ['orders', 'payments'].map((topic) =>
    cluster.log(topic, 0).map(({ key, value, headers }) => [String(key), String(value), headers?.length]),
  );
  return { code, stderr, report: stdout === '' ? stdout : JSON.parse(stdout), stored };
}

describe.each(bundlers)('a minified bundle of $name', ({ name, bundle, ending }) => {
  test('produces as the packages themselves do', async () => {
    const folder = join(tmpdir(), `kiel-bundle-${process.pid}-${name.replaceAll(/\W/g, '')}`);
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `bundle.${ending}`);
    writeFileSync(file, await bundle('produce.mjs', 'node'));
    const bundled = await produce(file, folder);
    const plain = await produce(join(programs, 'produce.mjs'), consumer);
    expect(bundled).toEqual(plain);
    expect(plain).toMatchObject({ code: 0, stderr: '' });
    expect(plain.stored.map((records) => records.length)).toEqual([100, 2]);
    expect(plain.report.errors).toMatchObject([
      { name: 'ConfigError', code: 'INVALID_CONFIG', isKind: true },
      { name: 'TypeError', isKind: true },
      { name: 'TransactionError', code: 'TRANSACTIONS_DISABLED', isKind: true },
      { name: 'DeliveryError', code: 'UNKNOWN_PARTITION', isKind: true },
    ]);
  });

  test('encodes and decodes as the packages themselves do', async () => {
    const file = join(consumer, `codec-${name.replaceAll(/\W/g, '')}.${ending}`);
    writeFileSync(file, await bundle('codec-print.mjs', 'node'));
    const bundled = await runProgram(process.execPath, [file], { cwd: consumer });
    const plain = await runProgram(process.execPath, [join(programs, 'codec-print.mjs')], { cwd: consumer });
    expect(plain.stdout.length).toBeGreaterThan(20_000);
    expect(bundled).toEqual(plain);
  });
});

const browser = await launchChromium();

describe.skipIf(browser === null)('in Chromium', () => {
  test('minified bundles of all three, WebAssembly included, encode and decode as Node does', async () => {
    const { stdout } = await runProgram(process.execPath, [join(programs, 'codec-print.mjs')], { cwd: consumer });
    const server = createServer((_, response) =>
      response.setHeader('content-type', 'text/html').end('<!doctype html>'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      for (const { name, bundle } of bundlers.filter(({ ending }) => ending === 'mjs')) {
        const page = await browser!.newPage();
        const complaints: string[] = [];
        page.on('pageerror', (error) => complaints.push(String(error)));
        await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
        await page.addScriptTag({ content: await bundle('codec-page.mjs', 'browser'), type: 'module' });
        const text = await page.evaluate('globalThis.kielReport()');
        expect(complaints, name).toEqual([]);
        expect(`${text}\n`, name).toBe(stdout);
        await page.close();
      }
    } finally {
      await browser!.close();
      server.close();
    }
  });
});
