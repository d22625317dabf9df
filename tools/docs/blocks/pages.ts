import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { blocksOf } from './extract.ts';
import { type Program, programsOf } from './programs.ts';

export const root: string = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * Where this process writes its programs: inside the repository, so that they find its packages. Whoever is done with
 * them removes it.
 */
export const programsFolder: string = join(root, '.cache', 'docs-blocks', String(process.pid));

/** Every page that is written by hand: the site's, and the packages' own. */
export function pagePaths(): string[] {
  const site = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .filter((path) => !/^(?:node_modules|generated|\.vitepress|reference\/(?:api|errors))\//.test(path))
    .map((path) => `docs/${path}`);
  const packages = readdirSync(join(root, 'packages')).map((name) => `packages/${name}/README.md`);
  return ['README.md', ...packages, ...site].sort();
}

/** Writes all programs anew, a folder for each page. */
export function writePrograms(): Program[] {
  rmSync(programsFolder, { recursive: true, force: true });
  const programs = pagePaths().flatMap((page) => programsOf(blocksOf(page, readFileSync(join(root, page), 'utf8'))));
  for (const program of programs) {
    const path = pathOf(program);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, program.text);
  }
  // The folder is a program's own world: its modules are ES modules, and strict ones.
  mkdirSync(programsFolder, { recursive: true });
  writeFileSync(join(programsFolder, 'package.json'), '{ "type": "module" }\n');
  writeFileSync(join(programsFolder, 'tsconfig.json'), JSON.stringify(tsconfig(programs), null, 2));
  return programs;
}

export function pathOf({ page, fileName }: Program): string {
  return join(programsFolder, page.replace(/\.md$/, '').replaceAll('/', '-'), fileName);
}

function tsconfig(programs: readonly Program[]): object {
  return {
    extends: '../../../tsconfig.base.json',
    compilerOptions: {
      composite: false,
      declaration: false,
      declarationMap: false,
      sourceMap: false,
      noEmit: true,
      allowImportingTsExtensions: true,
      rewriteRelativeImportExtensions: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
    },
    files: [
      join(root, 'tools/docs/blocks/stubs.d.ts'),
      ...programs.filter(({ language, isChecked }) => language === 'ts' && isChecked).map(pathOf),
    ],
  };
}
