import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { brokerMachine } from '../../packages/producer/src/broker-machine.ts';
import { idempotenceMachine } from '../../packages/producer/src/idempotence-machine.ts';
import { metadataMachine } from '../../packages/producer/src/metadata-machine.ts';
import { producerMachine } from '../../packages/producer/src/producer-machine.ts';
import { transactionMachine } from '../../packages/producer/src/transaction-machine.ts';
import { chartOf } from './chart.ts';
import { drawChart } from './layout.ts';
import type { DrawnChart } from './layout-format.ts';

/**
 * Builds the page that `producer.inspector()` serves into packages/producer/page: its statecharts laid out from
 * the definitions of the machines, its script in one file, nothing from elsewhere.
 */
const packageFolder = new URL('../../packages/producer/', import.meta.url);
const pathOf = (name: string, base: URL): string => fileURLToPath(new URL(name, base));

const machines = [producerMachine, brokerMachine, metadataMachine, idempotenceMachine, transactionMachine];

export async function drawCharts(): Promise<DrawnChart[]> {
  return Promise.all(machines.map((machine) => drawChart(chartOf(machine as never))));
}

export async function buildViewer(): Promise<void> {
  const source = new URL('viewer/', packageFolder);
  const target = new URL('page/', packageFolder);
  const charts: Plugin = {
    name: 'charts',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^kiel:charts$/ }, ({ path }) => ({ path, namespace: 'charts' }));
      onLoad({ filter: /.*/, namespace: 'charts' }, async () => ({
        contents: `export const charts = ${JSON.stringify(await drawCharts())};`,
      }));
    },
  };
  const { outputFiles } = await build({
    entryPoints: [pathOf('main.ts', source), pathOf('viewer.css', source)],
    outdir: 'out',
    entryNames: '[name]',
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    target: ['es2022', 'chrome111', 'firefox113', 'safari16.4'],
    legalComments: 'none',
    plugins: [charts],
  });
  mkdirSync(target, { recursive: true });
  for (const { path, contents } of outputFiles) {
    replace(pathOf(path.endsWith('.css') ? 'viewer.css' : 'viewer.js', target), contents);
  }
  for (const name of ['index.html', 'icon.svg']) {
    replace(pathOf(name, target), readFileSync(pathOf(name, source)));
  }
}

/** Never half a file, though a server may read it just now. */
function replace(path: string, contents: Uint8Array): void {
  writeFileSync(`${path}.new`, contents);
  renameSync(`${path}.new`, path);
}

if (import.meta.main) await buildViewer();
