import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { describe, expect, inject, test } from 'vitest';
import { readManifest } from './manifest.ts';

const run = promisify(execFile);
const packed = inject('packed');
const consumer = inject('consumer');
const attw = join(
  dirname(createRequire(import.meta.url).resolve('@arethetypeswrong/cli/package.json')),
  'dist/index.js',
);

describe.each(packed)('$name', ({ name, tarball }) => {
  const installed = join(consumer, 'node_modules', name);

  test('publint has nothing to say', async () => {
    const { messages, pkg } = await publint({ pkgDir: installed, strict: true, pack: false });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  test('the types of every entry are those of its code, wherever they are looked up', async () => {
    const args = [attw, tarball, '--profile', 'esm-only', '--format', 'json', '--no-color'];
    const { stdout } = await run(process.execPath, args, { maxBuffer: 1 << 26 }).catch(
      (failed: { stdout: string; stderr: string }) => failed,
    );
    const { analysis } = JSON.parse(stdout) as { analysis: Analysis };
    const { exports } = readManifest(installed);
    expect(Object.keys(analysis.entrypoints).sort()).toEqual(Object.keys(exports).sort());
    // Packages of today's Node have one format; that of node10 has neither entries nor modules.
    const problems = analysis.problems.filter(
      ({ kind, resolutionKind }) => resolutionKind !== 'node10' && kind !== 'CJSResolvesToESM',
    );
    expect(problems).toEqual([]);
    expect(analysis.types).toMatchObject({ kind: 'included' });
  });
});

interface Analysis {
  readonly types: { readonly kind: string } | false;
  readonly entrypoints: Readonly<Record<string, unknown>>;
  readonly problems: readonly { readonly kind: string; readonly resolutionKind?: string }[];
}
