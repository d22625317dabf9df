import { type ChildProcess, spawn } from 'node:child_process';
import { PassThrough, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { run } from '../src/run.ts';
import { Output } from '../src/terminal/output.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly nodeArgs?: readonly string[];
}

/** The real command in a process of its own, run from its sources. */
export function startKiel(args: readonly string[], options: RunOptions = {}): ChildProcess {
  const { KIEL_BROKERS: _, KIEL_TOPIC: __, KIEL_CONFIG: ___, ...env } = process.env;
  return spawn(process.execPath, ['--conditions=@kiel/source', ...(options.nodeArgs ?? []), main, ...args], {
    env: { ...env, NO_COLOR: '1', ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
}

/** In a process of its own: slow to start, so only for what shows there alone. */
export async function spawnKiel(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = startKiel(args, options);
  // The command may end before it has read everything.
  child.stdin!.on('error', () => {});
  child.stdin!.end(options.input ?? '');
  return ended(child);
}

export async function ended(child: ChildProcess): Promise<Ended> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout!.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr!.on('data', (chunk: Buffer) => err.push(chunk));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
}

/** Resolves when the output holds `text`. */
export function untilOutput(child: ChildProcess, stream: 'stdout' | 'stderr', text: string | RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = '';
    const look = (chunk: Buffer) => {
      seen += chunk.toString();
      if (typeof text === 'string' ? seen.includes(text) : text.test(seen)) resolve(seen);
    };
    child[stream]!.on('data', look);
    child.on('close', () => reject(new Error(`ended without ${text}; it said: ${seen}`)));
  });
}

/** The command in this process, with streams of its own. */
export async function runKiel(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const collect = () => {
    const parts: Buffer[] = [];
    const stream = new PassThrough();
    stream.on('data', (part: Buffer) => parts.push(part));
    return { output: new Output(stream as unknown as NodeJS.WriteStream), text: () => Buffer.concat(parts).toString() };
  };
  const out = collect();
  const err = collect();
  const { input = '' } = options;
  const stdin = Readable.from(input.length === 0 ? [] : [Buffer.from(input as string)]);
  const env = { NO_COLOR: '1', ...options.env };
  const code = await run(args, { stdin, out: out.output, err: err.output, env });
  return { code, stdout: out.text(), stderr: err.text() };
}
