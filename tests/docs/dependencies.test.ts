import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../../tools/docs/blocks/pages.ts';
import { type Manifest, readManifest } from '../packages/manifest.ts';
import { npm } from '../packages/setup/npm.ts';

const folders = ['codec', 'producer', 'mock-cluster', 'cli'];
const manifests = folders.map((folder) => readManifest(join(root, 'packages', folder)));
const dependenciesOf = ({ dependencies = {} }: Manifest): string[] => Object.keys(dependencies).sort();
const others = [...new Set(manifests.flatMap(dependenciesOf))].filter((name) => !isOwn(name)).sort();

function isOwn(name: string): boolean {
  return name === 'kiel' || name.startsWith('@kiel/');
}

/** Names of packages, by every way in which a source comes to one: static, dynamic, and by a name that is a constant. */
function importedBy(folder: string): Set<string> {
  const found = new Set<string>();
  for (const path of readdirSync(join(root, 'packages', folder, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.ts')) continue;
    const text = readFileSync(join(root, 'packages', folder, 'src', path), 'utf8').replaceAll(/^ *\*.*$/gm, '');
    const patterns = [
      /\b(?:from|import|require)\s*\(?\s*'([@a-z][\w@/:.-]*)'/g,
      /createRequire\(import\.meta\.url\)\('([^']+)'\)/g,
      /const name: string = '([^']+)';[\s\S]{0,200}\bimport\(name\)/g,
    ];
    for (const [, specifier] of patterns.flatMap((pattern) => [...text.matchAll(pattern)])) {
      const name = /^(?:@[^/]+\/)?[^/]+/.exec(specifier!)![0];
      if (!specifier!.startsWith('node:') && !builtinModules.includes(name)) found.add(name);
    }
  }
  return found;
}

describe.each(folders)('packages/%s', (folder) => {
  const manifest = readManifest(join(root, 'packages', folder));
  const imported = importedBy(folder);

  test('imports what it depends on, and depends on what it imports', () => {
    const declared = [...dependenciesOf(manifest), ...Object.keys(manifest.peerDependencies ?? {})];
    imported.delete(manifest.name);
    expect([...imported].sort()).toEqual(declared.sort());
  });

  test('has a row on the page of dependencies for each', () => {
    const page = readFileSync(join(root, 'docs/design/dependencies.md'), 'utf8');
    for (const name of imported) {
      if (!isOwn(name)) expect(page).toContain(`| \`${name}\``);
    }
  });
});

test('the page of dependencies and the README name no package that nobody depends on', () => {
  const page = readFileSync(join(root, 'docs/design/dependencies.md'), 'utf8');
  const [table] = page.split('## Security');
  const named = [...table!.matchAll(/^\| [^|]*\| `([^`]+)`/gm)].map(([, name]) => name!).filter((name) => !isOwn(name));
  expect([...new Set(named)].sort()).toEqual(others);

  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const producer = /^\| \[`@kiel\/producer`\].*\| ([^|]*) \|$/m.exec(readme)![1]!;
  expect(producer.split(', ').sort()).toEqual(dependenciesOf(manifests[1]!).map((name) => name.replace('@kiel/', '')));
});

test('the bill of materials lists what is shipped, and nothing that only development needs', async () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const bill = JSON.parse(await npm(root, scripts['sbom']!.split(' ').slice(1))) as { packages: { name: string }[] };
  const names = bill.packages.map(({ name }) => name).filter((name) => name !== 'kiel-workspace');
  const peers = ['@opentelemetry/api'];
  expect(names.sort()).toEqual([...manifests.map(({ name }) => name), ...others, ...peers].sort());
});
