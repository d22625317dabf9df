import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

const candidates = ['/usr/bin/kcat', '/usr/local/bin/kcat', '/opt/homebrew/bin/kcat'];
const missing = 'NO KCAT HERE: ITS TESTS ARE SKIPPED (install the package kcat)';

/**
 * The path of kcat, the command of librdkafka: one that is there, or with `CI=true` Debian's package. Null, with a
 * line that says so, where there is none; with `CI=true` that is an error.
 */
export function findKcat(): string | null {
  const isRequired = process.env['CI'] === 'true';
  const found = candidates.find((path) => existsSync(path)) ?? (isRequired ? installed() : undefined);
  if (found !== undefined) return found;
  if (isRequired) throw new Error(missing);
  process.stderr.write(`${missing}\n`);
  return null;
}

function installed(): string | undefined {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return undefined;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const stdio = ['ignore', 'ignore', 'inherit'] as const;
  execFileSync('apt-get', ['update', '-qq'], { env, stdio: [...stdio] });
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'kcat'], { env, stdio: [...stdio] });
  return candidates.find((path) => existsSync(path));
}

export interface KcatResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs kcat to its end; it is killed after a minute. */
export async function runKcat(path: string, args: readonly string[], input = ''): Promise<KcatResult> {
  const child = spawn(path, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const parts = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (part: Buffer) => parts[name].push(part));
  child.stdin.on('error', () => {}); // it may end without reading all of its input
  child.stdin.end(input);
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString('utf8');
    return { code, stdout: text(parts.stdout), stderr: text(parts.stderr) };
  } finally {
    clearTimeout(timer);
  }
}
