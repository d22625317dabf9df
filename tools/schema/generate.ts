/** Writes the codec's generated sources out of `packages/codec/schema/`. Needs nothing else, and repeats exactly. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Definition } from './definition.ts';
import { emitApiTable, emitIndex, emitRegistry } from './emit-index.ts';
import { emitMessage } from './emit-message.ts';
import { formatTypeScript } from './format-code.ts';
import { kebabCase, type Model, makeModel } from './model.ts';
import { newestRelease, olderRelease } from './releases.ts';

const codec = join(import.meta.dirname, '../../packages/codec');

const messages = readModels(join(codec, 'schema'));
const generated = join(codec, 'src/messages/generated');
writeFolder(
  generated,
  new Map([
    ...messages.map(
      (model) =>
        [
          `${kebabCase(model.name)}.ts`,
          emitMessage(model, { source: '../..', releases: `${olderRelease} and ${newestRelease}` }),
        ] as const,
    ),
    ['index.ts', emitIndex(messages)],
    ['registry.ts', emitRegistry(messages)],
    ['api-table.ts', emitApiTable(messages)],
  ]),
);

const internal = readModels(join(codec, 'schema/internal-topics'));
writeFolder(
  join(codec, 'src/internal-topics/generated'),
  new Map([
    ...internal.map(
      (model) =>
        [`${kebabCase(model.name)}.ts`, emitMessage(model, { source: '../..', releases: newestRelease })] as const,
    ),
    ['index.ts', emitIndex(internal)],
  ]),
);

function readModels(folder: string): Model[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => makeModel(JSON.parse(readFileSync(join(folder, name), 'utf8')) as Definition));
}

function writeFolder(folder: string, files: ReadonlyMap<string, string>): void {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) if (!files.has(name)) rmSync(join(folder, name));
  for (const [name, text] of formatTypeScript(files)) writeFileSync(join(folder, name), text);
  console.log(`${files.size} files in ${folder}`);
}
