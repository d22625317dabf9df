import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** Lays sources out as the rest of the repository is, whose own runs of the formatter leave generated files alone. */
export function formatTypeScript(files: ReadonlyMap<string, string>): Map<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'kiel-generate-'));
  try {
    const { formatter, javascript } = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'));
    const off = { enabled: false };
    writeFileSync(
      join(folder, 'biome.json'),
      JSON.stringify({ root: true, formatter, javascript, linter: off, assist: off }),
    );
    for (const [name, text] of files) writeFileSync(join(folder, name), text);
    execFileSync(join(root, 'node_modules/.bin/biome'), ['format', '--write', '--log-level=none', '.'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return new Map([...files.keys()].map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
