import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describeApi } from './api/describe-api.ts';
import { generate } from './generate.ts';
import { checkSite } from './site/check-site.ts';

/**
 * Builds the documentation site into `docs/.vitepress/dist`: `npm run docs`, or `npm run docs -- --serve` to write
 * pages and see them change. What it is built with is installed in `docs` on first use, apart from the rest.
 */
const docs = fileURLToPath(new URL('../../docs/', import.meta.url));

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { cwd: docs, stdio: 'inherit' });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** Again only when the lock has changed. */
function install(): void {
  const stamp = `${docs}node_modules/.kiel-lock`;
  const lock = createHash('sha256')
    .update(readFileSync(`${docs}package-lock.json`))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  run('npm', ['ci', '--no-audit', '--no-fund']);
  writeFileSync(stamp, lock);
}

function vitepress(command: 'build' | 'dev'): void {
  run(process.execPath, ['node_modules/vitepress/bin/vitepress.js', command]);
}

install();
await generate();
describeApi();
if (process.argv.includes('--serve')) {
  vitepress('dev');
} else {
  vitepress('build');
  const problems = checkSite(`${docs}.vitepress/dist`);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length > 0) process.exit(1);
  process.stdout.write('links, anchors and outside requests: all well\n');
}
