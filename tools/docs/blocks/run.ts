import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MockCluster, type MockClusterOptions } from '@kiel/mock-cluster';
import { noteOf, notesOf } from './extract.ts';
import { pathOf, programsFolder, root } from './pages.ts';
import type { Program } from './programs.ts';

/** The address that pages write; programs get that of a cluster of their own. */
const writtenAddress = 'localhost:9092';
const timeLimitMs = 45_000;
const fixtures = join(root, 'tests/docs/fixtures');

export interface Outcome {
  readonly status: number | null;
  readonly output: string;
}

/**
 * Runs a page's program as its reader would, against a mock cluster of its own, in a folder of its own.
 *
 * @param prepare - what is done to the cluster before, faults for instance.
 * @returns what is wrong with it, in words; null if all is well.
 */
export async function problemWith(
  program: Program,
  prepare: (cluster: MockCluster) => void = () => {},
): Promise<string | null> {
  const { block } = program;
  const options = JSON.parse(noteOf(block, 'cluster') || '{}') as MockClusterOptions;
  await using cluster = await MockCluster.start({ defaultPartitions: 3, ...options });
  prepare(cluster);
  const folder = mkdtempSync(join(tmpdir(), 'kiel-docs-'));
  try {
    copyFileSync(join(root, 'packages/cli/test/captures/three-clients.pcap'), join(folder, 'capture.pcap'));
    for (const name of existsSync(fixtures) ? readdirSync(fixtures) : [])
      copyFileSync(join(fixtures, name), join(folder, name));
    const { status, output } = await start(program, cluster.brokers[0]!, folder);
    const failure = noteOf(block, 'fails');
    if (failure !== undefined) {
      if (status === 0) return `it should have failed with "${failure}", and did not:\n${output}`;
      if (!output.includes(failure)) return `it failed otherwise than with "${failure}":\n${output}`;
    } else if (status !== 0) {
      return `it ended with ${status ?? 'the time limit'}:\n${output}`;
    }
    for (const text of notesOf(block, 'prints')) {
      if (!output.includes(text)) return `it did not print "${text}" but:\n${output}`;
    }
    for (const text of notesOf(block, 'stores')) {
      const [topic = '', count = ''] = text.split(' ');
      const found = cluster.log(topic).length;
      if (found !== Number(count)) return `topic "${topic}" holds ${found} records, not ${count}:\n${output}`;
    }
    return null;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function start(program: Program, address: string, folder: string): Promise<Outcome> {
  const signal = /^(SIG\w+) after (.*)$/.exec(noteOf(program.block, 'signal') ?? '');
  const [command, args] = commandOf(program);
  const child = spawn(command, args, {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      NODE_OPTIONS: `--conditions=@kiel/source --import=${join(root, 'tools/docs/blocks/address-hook.ts')}`,
      NODE_COMPILE_CACHE: join(root, '.cache/docs-compile-cache'),
      NO_COLOR: '1',
      KIEL_DOCS_ADDRESS: address,
      KIEL_DOCS_FOLDER: programsFolder,
      PATH: `${join(root, 'tools/docs/blocks/bin')}:${join(root, 'node_modules/.bin')}:${process.env['PATH']}`,
    },
  });
  let output = '';
  let isSignalled = false;
  const listen = (chunk: Buffer): void => {
    output += chunk.toString();
    if (signal === null || isSignalled || !output.includes(signal[2]!)) return;
    isSignalled = true;
    process.kill(child.pid!, signal[1] as NodeJS.Signals);
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  const { promise, resolve } = Promise.withResolvers<number | null>();
  const limit = setTimeout(() => {
    // The whole group: a shell leaves its children behind otherwise.
    process.kill(-child.pid!, 'SIGKILL');
    resolve(null);
  }, timeLimitMs);
  child.on('error', () => resolve(null));
  child.on('close', (status) => resolve(status));
  const status = await promise;
  clearTimeout(limit);
  return { status, output };
}

function commandOf(program: Program): readonly [command: string, args: string[]] {
  const path = pathOf(program);
  if (program.language === 'sh') return ['bash', ['-euo', 'pipefail', '-c', addressed(program.text)]];
  switch (noteOf(program.block, 'runner')) {
    case 'vitest':
      return [
        process.execPath,
        [
          join(root, 'node_modules/vitest/vitest.mjs'),
          'run',
          '--root',
          dirname(path),
          '--globals',
          '--config',
          join(root, 'tools/docs/blocks/vitest.config.ts'),
          path,
        ],
      ];
    case 'node-test':
      return [process.execPath, ['--test', path]];
    default:
      return [process.execPath, [path]];
  }
}

function addressed(text: string): string {
  return text.replaceAll(writtenAddress, '$KIEL_DOCS_ADDRESS');
}
