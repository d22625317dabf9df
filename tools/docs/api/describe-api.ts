import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const docs = fileURLToPath(new URL('../../../docs/', import.meta.url));
const out = `${docs}reference/api/`;

/** Machines' types fill pages; what they hold is shown by the pictures. */
const longestType = 40;
const long = 'long type, which an editor shows in full';

/** What the folders are, in the order of the reference. */
const modules: readonly (readonly [folder: string, name: string])[] = [
  ['producer', '@kiel/producer'],
  ['producer-opentelemetry', '@kiel/producer/opentelemetry'],
  ['producer-inspector', '@kiel/producer/inspector'],
  ['mock-cluster', '@kiel/mock-cluster'],
  ['codec', '@kiel/codec'],
  ['codec-apis', '@kiel/codec/apis'],
  ['codec-internal-topics', '@kiel/codec/internal-topics'],
  ['codec-node', '@kiel/codec/node'],
  ['codec-wasm', '@kiel/codec/wasm'],
  ['command', 'kiel'],
];

/** Writes the reference of the packages' exports into `docs/reference/api`, with the docs' own TypeScript 6. */
export function describeApi(): void {
  rmSync(out, { recursive: true, force: true });
  const result = spawnSync(process.execPath, ['node_modules/typedoc/bin/typedoc', '--options', 'typedoc.json'], {
    cwd: docs,
    encoding: 'utf8',
  });
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout}${result.stderr}`);
    process.exit(result.status ?? 1);
  }
  process.stderr.write(result.stderr);
  const names = new Map(modules);
  for (const path of readdirSync(out, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.md')) continue;
    const text = readFileSync(out + path, 'utf8');
    const module = names.get(path.replace(/\/index\.md$/, ''));
    writeFileSync(out + path, tidied(module === undefined ? text : text.replace(/^# .*$/m, `# ${module}`)));
  }
  writeFileSync(
    `${out}index.md`,
    `# API\n\n${modules.map(([folder, name]) => `- [${name}](./${folder}/index.md)`).join('\n')}\n`,
  );
  const sidebar = modules.map(([folder, text]) => ({ text, link: `/reference/api/${folder}/` }));
  writeFileSync(`${out}typedoc-sidebar.json`, JSON.stringify(sidebar));
}

function tidied(text: string): string {
  return text
    .replace(/```ts\n([\s\S]*?)\n```/g, (block, body: string) => {
      const lines = body.split('\n');
      if (lines.length <= longestType) return block;
      return ['```ts', ...lines.slice(0, 1), `// … a ${long}`, '```'].join('\n');
    })
    .replace(
      /(#+ (?:Returns|Type Declaration)\n\n)(`[\s\S]*?)(?=\n\n(?:#|\*\*\*|Default|Example)|$)/g,
      (section, head: string, body: string) => (body.split('\n').length <= longestType ? section : `${head}A ${long}.`),
    );
}
