import { spawn } from 'node:child_process';
import { jvmFlags, ownEnvironment } from './jvm.ts';

export interface RunOptions {
  /** What the program reads from its standard input; nothing if not given. */
  readonly input?: string | Uint8Array;
  /** 120 seconds if not given. */
  readonly timeoutMs?: number;
  /** Flags of the JVM. */
  readonly jvmFlags?: readonly string[];
  /** Resolve too when it ends with another code than 0. */
  readonly mayFail?: boolean;
}

export interface RunResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a Java program to its end. */
export function runJava(
  classpath: string,
  mainClass: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const flags = [...jvmFlags, '-Xmx512m', ...(options.jvmFlags ?? [])];
  const child = spawn('java', [...flags, '-cp', classpath, mainClass, ...args], { env: ownEnvironment() });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on('error', () => {}); // it may end without reading all of its input
  child.stdin.end(options.input ?? '');
  return new Promise((resolve, reject) => {
    const kill = () => child.kill('SIGKILL');
    const timer = setTimeout(kill, options.timeoutMs ?? 120_000);
    process.once('exit', kill);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      process.off('exit', kill);
      const result = {
        code,
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8'),
      };
      if (code === 0 || (options.mayFail === true && signal === null)) return resolve(result);
      const output = `${result.stderr}${result.stdout}`.trim().split('\n').slice(-25).join('\n');
      reject(new Error(`java ${mainClass} ended with ${code ?? signal}:\n${output}`));
    });
  });
}
