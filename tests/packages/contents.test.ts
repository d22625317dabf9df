import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { readManifest } from './manifest.ts';
import { npm } from './setup/npm.ts';

const packed = inject('packed');
const consumer = inject('consumer');
const root = join(import.meta.dirname, '../..');

/** A bound on what a download weighs; sources and maps are three quarters of it; the producer's has the viewer. */
const limitKilobytes: Readonly<Record<string, number>> = {
  '@kiel/codec': 800,
  '@kiel/producer': 550,
  '@kiel/mock-cluster': 350,
  kiel: 400,
};

test('every package of the workspace is packed', () => {
  const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { workspaces: string[] };
  const names = workspaces
    .map((folder) => JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')))
    .filter((manifest: { private?: boolean }) => manifest.private !== true)
    .map(({ name }) => name as string);
  expect(packed.map(({ name }) => name).sort()).toEqual(names.sort());
});

describe.each(packed)('$name', ({ name, tarball, files, packedBytes, source }) => {
  const installed = join(consumer, 'node_modules', name);
  const read = (file: string): string => readFileSync(join(installed, file), 'utf8');
  const manifest = readManifest(installed);

  test('is small', () => {
    expect(packedBytes / 1000).toBeLessThan(limitKilobytes[name] ?? 100);
  });

  test('holds its licence, its page and no file that users have no use for', () => {
    expect(read('LICENSE')).toBe(readFileSync(join(root, 'LICENSE'), 'utf8'));
    expect(files).toContain('README.md');
    expect(
      files.filter((file) => /(^|\/)(test|bench|schema)\/|\.test\.|tsbuildinfo|tsconfig|\.npmrc/.test(file)),
    ).toEqual([]);
    expect(files.every((file) => /^(dist|src|bin|[^/]*$)/.test(file) || isListed(manifest, file))).toBe(true);
  });

  test('holds each source with what was made of it, and nothing that was made of none', () => {
    const sources = files.filter((file) => /^src\/.*\.ts$/.test(file)).map((file) => file.slice(4, -3));
    const made = files.filter((file) => /^dist\/.*\.js$/.test(file)).map((file) => file.slice(5, -3));
    expect(sources.length).toBeGreaterThan(10);
    expect(made.sort()).toEqual(sources.sort());
    for (const each of sources) {
      for (const ending of ['.js.map', '.d.ts', '.d.ts.map']) expect(files).toContain(`dist/${each}${ending}`);
    }
  });

  test('has maps that lead to its own sources', () => {
    const maps = files.filter((file) => file.endsWith('.map'));
    for (const file of maps) {
      const { sources } = JSON.parse(read(file)) as { sources: string[] };
      expect(sources).toHaveLength(1);
      const target = join(dirname(join(installed, file)), sources[0]!);
      expect(target.startsWith(join(installed, 'src')) && existsSync(target), `${file} leads to ${sources[0]}`).toBe(
        true,
      );
    }
    const made = files.filter((file) => file.endsWith('.js') && file.startsWith('dist/'));
    for (const file of made) expect(read(file)).toContain(`//# sourceMappingURL=`);
  });

  test('has no export that is not there', () => {
    const targets = Object.values(manifest.exports).flatMap((target) =>
      typeof target === 'string' ? [target] : Object.values(target),
    );
    for (const target of [...targets, ...Object.values(manifest.bin ?? {})]) {
      expect(existsSync(join(installed, target)), target).toBe(true);
    }
  });

  test('takes its siblings in this very version', () => {
    for (const [dependency, range] of Object.entries(manifest.dependencies ?? {})) {
      const sibling = packed.find((each) => each.name === dependency);
      if (sibling !== undefined) expect(range).toBe(readManifest(sibling.source).version);
    }
    expect(readManifest(source).version).toBe(manifest.version);
  });

  test('installs alone in an empty project', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kiel-alone-'));
    try {
      const tarballs = withSiblings(name);
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: tarballs }));
      await npm(folder, ['install']);
      expect(tarball).toBe(tarballs[name]!.slice('file:'.length));
      const scripts = packagesIn(join(folder, 'node_modules')).filter((each) => hasInstallScript(each));
      expect(scripts, 'packages that run something when they are installed').toEqual([]);
      const own = Object.keys(manifest.dependencies ?? {});
      for (const dependency of own) expect(existsSync(join(folder, 'node_modules', dependency))).toBe(true);
      if (own.length === 0) expect(packagesIn(join(folder, 'node_modules'))).toHaveLength(1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

test('brokers are told the version that was published', () => {
  const { version } = readManifest(join(consumer, 'node_modules/@kiel/producer'));
  const source = readFileSync(join(consumer, 'node_modules/@kiel/producer/src/version.ts'), 'utf8');
  expect(source).toContain(`softwareVersion = '${version}'`);
});

/** The tarballs of a package and of those it depends on. */
function withSiblings(name: string, found: Record<string, string> = {}): Record<string, string> {
  const own = packed.find((each) => each.name === name);
  if (own === undefined || found[name] !== undefined) return found;
  found[name] = `file:${own.tarball}`;
  for (const each of Object.keys(readManifest(own.source).dependencies ?? {})) withSiblings(each, found);
  return found;
}

function packagesIn(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (name.startsWith('.') || !statSync(path).isDirectory()) return [];
    return name.startsWith('@') ? packagesIn(path) : [path];
  });
}

function hasInstallScript(folder: string): boolean {
  const { scripts = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    scripts?: Record<string, string>;
  };
  return ['preinstall', 'install', 'postinstall'].some((script) => scripts[script] !== undefined);
}

/** A folder of its own that the manifest names, such as a page that was built. */
function isListed(manifest: object, file: string): boolean {
  const { files = [] } = manifest as { files?: string[] };
  return files.some((each) => file.startsWith(`${each}/`));
}
