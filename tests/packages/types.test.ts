import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { entriesOf, readManifest } from './manifest.ts';
import { runProgram } from './run-program.ts';
import { onDemand } from './setup/on-demand.ts';

const packed = inject('packed');
const consumer = inject('consumer');
const entries = packed.flatMap(({ name }) => entriesOf(readManifest(join(consumer, 'node_modules', name))));
const folder = join(consumer, 'types');

const older = await onDemand('TypeScript 5 and 6', {
  'typescript-5': 'npm:typescript@5.9.3',
  'typescript-6': 'npm:typescript@6.0.3',
});
const own = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
const compilers = [
  { version: '7', home: own },
  ...(older === null ? [] : ['6', '5'].map((version) => ({ version, home: join(older, `typescript-${version}`) }))),
];

beforeAll(() => {
  cpSync(join(import.meta.dirname, 'consumers'), folder, { recursive: true });
  const imports = entries.map((entry, i) => `import * as entry${i} from '${entry}';\nconsole.log(entry${i});\n`);
  writeFileSync(join(folder, 'entries.ts'), imports.join(''));
});

/** What the compiler says of the program and of our declarations: no other library is its concern. */
async function problems(home: string, name: string, options: object, files: readonly string[]): Promise<string[]> {
  const compilerOptions = {
    target: 'es2023',
    lib: ['es2024', 'esnext.disposable', 'esnext.collection', 'dom'],
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
    ...options,
  };
  const project = join(folder, name);
  mkdirSync(project, { recursive: true });
  const list = files.map((file) => join(folder, file));
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: list }));
  const tsc = join(home, 'bin/tsc');
  const { code, stdout, stderr } = await runProgram(process.execPath, [tsc, '-p', project, '--pretty', 'false'], {
    cwd: folder,
  });
  const lines = `${stdout}${stderr}`.split('\n').filter((line) => / error TS\d+: |^error /.test(line));
  if (code !== 0 && lines.length === 0) return [`tsc ended with ${code}: ${stdout}${stderr}`];
  return lines.filter((line) => !/node_modules\/(?!@kiel|kiel)/.test(line.replaceAll('\\', '/')));
}

test('a mistake is found where one is', async () => {
  writeFileSync(
    join(folder, 'mistake.ts'),
    `import { createProducer } from '@kiel/producer';\nconst n: number = createProducer({ brokers: 'a' }).state;\nconsole.log(n);\n`,
  );
  const options = { module: 'nodenext', moduleResolution: 'nodenext' };
  const found = await problems(own, 'mistake', options, ['mistake.ts']);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(/mistake\.ts.*TS2322/);
});

test('the page of the browser example is right, with the types of browsers alone', async () => {
  cpSync(join(import.meta.dirname, '../../examples/browser/page.ts'), join(folder, 'page.ts'));
  const options = { module: 'esnext', moduleResolution: 'bundler', lib: ['es2024', 'dom'], types: [] };
  expect(await problems(own, 'page', options, ['page.ts'])).toEqual([]);
});

describe.each(compilers)('TypeScript $version', ({ version, home }) => {
  // The older two take ten times as long, and see no difference between the first two.
  const resolutions = [
    { module: 'node16', moduleResolution: 'node16' },
    { module: 'nodenext', moduleResolution: 'nodenext' },
    { module: 'esnext', moduleResolution: 'bundler' },
  ].slice(version === '7' ? 0 : 1);

  test.each(resolutions)('resolves and checks every entry with $moduleResolution', async (options) => {
    const name = `${version}-${options.moduleResolution}`;
    expect(await problems(home, name, options, ['app.ts', 'impossible.ts', 'entries.ts'])).toEqual([]);
  });

  test('lets CommonJS require them', async () => {
    const options = { module: 'nodenext', moduleResolution: 'nodenext' };
    expect(await problems(home, `${version}-commonjs`, options, ['app.cts'])).toEqual([]);
  });
});
