import { execFile } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; one that hangs is ended after a minute. */
export function runProgram(
  command: string,
  args: readonly string[],
  options: { cwd: string; env?: Record<string, string> },
): Promise<Ended> {
  const { NODE_OPTIONS: _, NODE_V8_COVERAGE: __, ...inherited } = process.env;
  const env = { ...inherited, NO_COLOR: '1', ...options.env };
  return new Promise((resolve) => {
    execFile(
      command,
      args,
      { cwd: options.cwd, env, timeout: 60_000, maxBuffer: 1 << 26, encoding: 'utf8' },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
  });
}

/** Puts the programs where the installed packages are found by name. */
export function copyPrograms(consumer: string): string {
  const folder = join(consumer, 'programs');
  cpSync(join(import.meta.dirname, 'programs'), folder, { recursive: true });
  return folder;
}
