import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { npm } from './npm.ts';

const root = join(import.meta.dirname, '../../..');
const folders = ['codec', 'producer', 'mock-cluster', 'cli'];
const notCopied = new Set(['dist', 'page', 'test', 'bench', 'schema', 'node_modules']);

/** A package as `npm pack` made it from a clean build. */
export interface Packed {
  readonly name: string;
  readonly tarball: string;
  /** Its own folder within the repository. */
  readonly source: string;
  readonly packedBytes: number;
  readonly unpackedBytes: number;
  readonly files: readonly string[];
}

declare module 'vitest' {
  interface ProvidedContext {
    packed: readonly Packed[];
    /** An empty project into which all of them were installed. */
    consumer: string;
  }
}

interface PackReport {
  readonly name: string;
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

/** Builds in a copy without what earlier builds left, packs, and installs: what a user gets is what is tested. */
export default async function setup(project: TestProject): Promise<() => void> {
  const work = mkdtempSync(join(tmpdir(), 'kiel-packages-'));
  const build = join(work, 'build');
  copyWorkspace(build);
  await npm(build, ['run', 'build']).catch((error) => {
    throw new Error(`the packages do not build:\n${error.stdout}`);
  });
  const packed = await Promise.all(folders.map((folder) => pack(join(build, 'packages', folder), folder, work)));
  const consumer = join(work, 'consumer');
  await installAll(consumer, packed);
  project.provide('packed', packed);
  project.provide('consumer', consumer);
  return () => rmSync(work, { recursive: true, force: true });
}

function copyWorkspace(build: string): void {
  mkdirSync(join(build, 'node_modules/@kiel'), { recursive: true });
  for (const name of ['package.json', 'tsconfig.base.json', 'tsconfig.json', 'tools/viewer']) {
    cpSync(join(root, name), join(build, name), { recursive: true });
  }
  for (const folder of folders) {
    const from = join(root, 'packages', folder);
    cpSync(from, join(build, 'packages', folder), {
      recursive: true,
      filter: (path) => dirname(path) !== from || !notCopied.has(basename(path)),
    });
    const link = folder === 'cli' ? 'kiel' : `@kiel/${folder}`;
    symlinkSync(join(build, 'packages', folder), join(build, 'node_modules', link), 'junction');
  }
  // A folder a link, since the packages under test are not to come from the repository.
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name === '@kiel' || name === 'kiel' || (name.startsWith('.') && name !== '.bin')) continue;
    symlinkSync(join(root, 'node_modules', name), join(build, 'node_modules', name), 'junction');
  }
}

async function pack(folder: string, name: string, work: string): Promise<Packed> {
  const report = JSON.parse(await npm(folder, ['pack', '--json', '--pack-destination', work])) as
    | PackReport[]
    | Record<string, PackReport>;
  const [made] = Object.values(report);
  if (made === undefined) throw new Error(`npm pack made nothing of ${name}`);
  return {
    name: made.name,
    tarball: join(work, made.filename),
    source: join(root, 'packages', name),
    packedBytes: made.size,
    unpackedBytes: made.unpackedSize,
    files: made.files.map(({ path }) => path),
  };
}

async function installAll(consumer: string, packed: readonly Packed[]): Promise<void> {
  mkdirSync(consumer);
  const dependencies = Object.fromEntries(packed.map(({ name, tarball }) => [name, `file:${tarball}`]));
  // The optional peers that an entry imports are there. Others, such as native addons, are loaded on request alone.
  const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { devDependencies: object };
  const versions = own.devDependencies as Record<string, string>;
  for (const { source } of packed) {
    const { peerDependencies = {} } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as {
      peerDependencies?: Record<string, string>;
    };
    for (const name of Object.keys(peerDependencies)) {
      if (versions[name] !== undefined) dependencies[name] = versions[name];
    }
  }
  writeFileSync(join(consumer, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }));
  await npm(consumer, ['install']);
  mkdirSync(join(consumer, 'node_modules/@types'), { recursive: true });
  symlinkSync(join(root, 'node_modules/@types/node'), join(consumer, 'node_modules/@types/node'), 'junction');
}
