import { readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Jvm, type JvmOptions } from './jvm.ts';
import { askMetadata } from './wire.ts';

export interface BrokerOptions extends JvmOptions {
  readonly id: number;
  readonly host: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly logDirs: readonly string[];
  /** For a release whose Metadata names no broker until there is a topic: what its output says once it serves. */
  readonly startedLine?: string;
}

/** One real broker. It keeps its id, ports and data over stops and starts. */
export class Broker {
  readonly id: number;
  readonly host: string;
  /** The port of the plain listener. */
  readonly port: number;
  /** The port of each listener by its name. */
  readonly ports: Readonly<Record<string, number>>;
  /** Folders with its log segments. */
  readonly logDirs: readonly string[];
  readonly #options: BrokerOptions;
  #jvm: Jvm | undefined;
  #outputBefore = 0;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.id = options.id;
    this.host = options.host;
    this.ports = options.ports;
    this.port = options.ports['PLAINTEXT'] ?? 0;
    this.logDirs = options.logDirs;
  }

  get pid(): number {
    return this.#jvm?.pid ?? -1;
  }

  get isRunning(): boolean {
    return this.#jvm !== undefined && !this.#jvm.hasExited;
  }

  get log(): string {
    return this.#options.log;
  }

  /** Starts the process without waiting for it to serve. */
  launch(): void {
    if (this.isRunning) throw new Error(`broker ${this.id} runs already`);
    this.#outputBefore = statSync(this.log, { throwIfNoEntry: false })?.size ?? 0;
    this.#jvm = new Jvm(this.#options);
  }

  /** Starts it (again) and waits until it serves and knows itself to be part of the cluster. */
  async start(timeoutMs = 60_000): Promise<void> {
    this.launch();
    await this.ready(1, timeoutMs);
  }

  /** Waits until it answers Metadata with itself and at least `brokerCount` brokers in it. */
  async ready(brokerCount: number, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    let last: unknown = 'not asked yet';
    while (performance.now() < deadline) {
      if (!this.isRunning) throw new Error(`broker ${this.id} ended while starting:\n${this.#jvm?.tail() ?? ''}`);
      try {
        const { brokers } = await askMetadata(this.port);
        if (this.#options.startedLine !== undefined && this.#hasSaid(this.#options.startedLine)) return;
        if (brokers.length >= brokerCount && brokers.some((broker) => broker.id === this.id)) return;
        last = `it knows brokers ${brokers.map((broker) => broker.id).join(', ')}`;
      } catch (error) {
        last = error;
      }
      await sleep(25);
    }
    throw new Error(`broker ${this.id} is not ready after ${timeoutMs} ms: ${last}\n${this.#jvm?.tail() ?? ''}`);
  }

  /** Ends it at once (SIGKILL), as a crash does. */
  async kill(): Promise<void> {
    await this.#jvm?.kill();
  }

  /** Ends it as an operator does (SIGTERM): it hands its leaders over first. */
  async stop(timeoutMs = 20_000): Promise<void> {
    await this.#jvm?.stop(timeoutMs);
  }

  /** Freezes the process (SIGSTOP): its sockets stay open and nothing answers. */
  pause(): void {
    this.#jvm?.signal('SIGSTOP');
  }

  resume(): void {
    this.#jvm?.signal('SIGCONT');
  }

  /** Ends it for good: quickly, unless its end leaves the archive for later starts. */
  async end(): Promise<void> {
    if (this.#jvm?.makesArchive === true && !this.#jvm.hasExited) await this.stop(30_000);
    else await this.kill();
  }

  #hasSaid(text: string): boolean {
    return readFileSync(this.log).subarray(this.#outputBefore).includes(text);
  }
}
