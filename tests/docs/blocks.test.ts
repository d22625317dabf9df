import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { programsFolder, root, writePrograms } from '../../tools/docs/blocks/pages.ts';
import { problemWith } from '../../tools/docs/blocks/run.ts';

const programs = writePrograms();
const only = process.env['KIEL_DOCS_ONLY'];
const chosen = programs.filter(({ page }) => only === undefined || page.includes(only));

afterAll(() => rmSync(programsFolder, { recursive: true, force: true }));

test('every block of TypeScript on every page has right types', () => {
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', programsFolder],
    { encoding: 'utf8' },
  );
  expect(stdout).toBe('');
  expect(status).toBe(0);
});

test('what is not run says why', () => {
  for (const { notRun, page, line } of programs) {
    if (notRun !== null) expect([`${page}:${line}`, notRun.length > 8]).toEqual([`${page}:${line}`, true]);
  }
});

describe.concurrent('blocks do what their page says', () => {
  for (const program of chosen) {
    const { page, line, notRun, language } = program;
    if (notRun !== null) continue;
    test(`${page}:${line} (${language})`, async () => {
      const problem = await problemWith(program);
      expect(problem === null ? null : `${page}:${line}: ${problem}\nthe program:\n${program.text}`).toBeNull();
    });
  }
});
