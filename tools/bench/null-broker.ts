import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from './paths.ts';

const source = fileURLToPath(new URL('null-broker/null-broker.c', import.meta.url));
const fallback = fileURLToPath(new URL('null-broker/null-broker.ts', import.meta.url));

export interface NullBrokerOptions {
  /** Each on a port of its own. 1 by default. */
  readonly brokers?: number;
  /** Of a topic that a client's question makes. 6 by default. */
  readonly partitions?: number;
  /** The one in JavaScript even where there is a C compiler. */
  readonly plain?: boolean;
}

export interface NullBrokerStats {
  readonly requests: number;
  readonly produceRequests: number;
  readonly batches: number;
  readonly records: number;
  readonly batchBytes: number;
  readonly errors: number;
  readonly crcErrors: number;
  readonly sequenceErrors: number;
  readonly cpuMicros: number;
}

/** A null broker in a process of its own. */
export class NullBroker implements AsyncDisposable {
  readonly ports: readonly number[];
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(process: ChildProcess, lines: AsyncIterator<string>, ports: readonly number[]) {
    this.#process = process;
    this.#lines = lines;
    this.ports = ports;
  }

  static async start(options: NullBrokerOptions = {}): Promise<NullBroker> {
    const program = options.plain ? null : compiled();
    const command = program === null ? [process.execPath, '--conditions=@kiel/source', fallback] : [program];
    const args = ['--brokers', String(options.brokers ?? 1), '--partitions', String(options.partitions ?? 6)];
    const child = spawn(command[0]!, [...command.slice(1), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    const first = await lines.next();
    if (first.done) throw new Error('the null broker ended before it listened');
    return new NullBroker(child, lines, (JSON.parse(first.value) as { ports: number[] }).ports);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get address(): string {
    return `127.0.0.1:${this.ports[0]}`;
  }

  stats(): Promise<NullBrokerStats> {
    return this.#order<NullBrokerStats>('stats');
  }

  async makeTopic(name: string, partitions: number): Promise<void> {
    await this.#order(`topic ${name} ${partitions}`);
  }

  async makeTopics(prefix: string, count: number, partitions: number): Promise<void> {
    await this.#order(`topics ${prefix} ${count} ${partitions}`);
  }

  async recordsIn(topic: string): Promise<number> {
    return (await this.#order<{ records: number }>(`records ${topic}`)).records;
  }

  /** Answers to Produce requests are held back so long from now on; those behind them too. */
  async delayAnswers(delayMs: number): Promise<void> {
    await this.#order(`delay ${Math.round(delayMs * 1000)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin!.end();
    if (this.#process.exitCode === null) await new Promise((resolve) => this.#process.once('exit', resolve));
  }

  async #order<Answer>(line: string): Promise<Answer> {
    this.#process.stdin!.write(`${line}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the null broker has ended');
    return JSON.parse(value as string) as Answer;
  }
}

/** The compiled one, built when its source is newer; null where no C compiler is, or it fails. */
function compiled(): string | null {
  const program = `${cacheFolder}/null-broker`;
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program;
  mkdirSync(cacheFolder, { recursive: true });
  try {
    execFileSync('cc', ['-O2', '-o', program, source], { stdio: ['ignore', 'ignore', 'pipe'] });
    return program;
  } catch (error) {
    console.error(`no compiled null broker (${(error as Error).message.split('\n')[0]}): the one in JavaScript serves`);
    return null;
  }
}
