import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';

const folder = join(import.meta.dirname, '..');
const source = join(folder, 'src');

/** Every file that an entry reaches, and everything it imports from outside. */
function reach(entry: string): { files: Set<string>; outside: Set<string> } {
  const files = new Set<string>();
  const outside = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const [, from] of readFileSync(file, 'utf8').matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)) {
      if (from!.startsWith('.')) visit(join(dirname(file), from!));
      else outside.add(from!);
    }
  };
  visit(join(source, entry));
  return { files, outside };
}

describe('the entries', () => {
  test.each(['index.ts', 'apis.ts', 'internal-topics.ts'])('%s imports nothing from outside its package', (entry) => {
    const { files, outside } = reach(entry);
    expect(files.size).toBeGreaterThan(80);
    expect([...outside]).toEqual([]);
  });

  test('name no global that only Node has', () => {
    for (const entry of ['index.ts', 'apis.ts', 'internal-topics.ts']) {
      for (const file of reach(entry).files) {
        expect(readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')).not.toMatch(
          /\b(Buffer|process|require|setImmediate|__dirname)\b[.(]/,
        );
      }
    }
  });

  test('the package depends on nothing', () => {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    expect(manifest.dependencies).toEqual({});
    expect(manifest.sideEffects).toBe(false);
  });
});

test('importing one message does not pull in the others', async () => {
  const { outputFiles } = await build({
    stdin: { contents: "export { MetadataRequest } from '@kiel/codec';", resolveDir: folder, loader: 'ts' },
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    conditions: ['@kiel/source'],
  });
  const text = outputFiles[0]!.text;
  expect(text).toContain('MetadataRequest');
  expect(text).not.toMatch(/ProduceRequest|FetchResponse|MetadataResponse|UNKNOWN_TOPIC_OR_PARTITION/);
  expect(text.length).toBeLessThan(24_000);
});
