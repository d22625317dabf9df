import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync } from 'node:fs';
import type { Keeper } from './keeper.ts';

// A broker lives for seconds: a cheap compiler and collector, and no files in the system's temporary folder.
const flags = [
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:-UsePerfData',
  '-Xshare:auto',
  '-Djava.awt.headless=true',
  '-Djava.net.preferIPv4Stack=true',
];

export interface JvmOptions {
  readonly classpath: string;
  readonly mainClass: string;
  readonly args: readonly string[];
  /** Further flags of the JVM; the later of two wins. */
  readonly flags?: readonly string[];
  readonly log: string;
  readonly keeper: Keeper;
  /** A class data archive: it halves the start, and is left out where the file is missing. */
  readonly archive: string;
  /** Makes the archive, if it is missing, when this process ends well. */
  readonly mayMakeArchive?: boolean;
}

export const jvmFlags: readonly string[] = flags;

/** One running JVM of ours, in a process group of its own, with its output in a file. */
export class Jvm {
  readonly #child: ChildProcess;
  readonly #options: JvmOptions;
  readonly #makesArchive: boolean;
  readonly exited: Promise<void>;
  hasExited = false;

  constructor(options: JvmOptions) {
    this.#options = options;
    const { archive } = options;
    const hasArchive = existsSync(archive);
    this.#makesArchive = !hasArchive && options.mayMakeArchive === true;
    const sharing: string[] = [];
    if (hasArchive) sharing.push(`-XX:SharedArchiveFile=${archive}`);
    if (this.#makesArchive)
      sharing.push(`-XX:ArchiveClassesAtExit=${this.#unfinished}`, '-Xlog:cds=off', '-Xlog:cds+dynamic=off');
    const out = openSync(options.log, 'a');
    this.#child = spawn(
      'java',
      [...flags, ...sharing, ...(options.flags ?? []), '-cp', options.classpath, options.mainClass, ...options.args],
      { stdio: ['ignore', out, out], detached: true, env: ownEnvironment() },
    );
    closeSync(out);
    if (this.#child.pid !== undefined) options.keeper.watch(this.#child.pid);
    this.exited = new Promise((resolve) => {
      const end = () => {
        this.hasExited = true;
        if (this.#child.pid !== undefined) options.keeper.forget(this.#child.pid);
        resolve();
      };
      this.#child.once('exit', end);
      this.#child.once('error', end);
    });
    this.#child.unref();
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** Whether ending this process gently leaves something for later starts. */
  get makesArchive(): boolean {
    return this.#makesArchive;
  }

  signal(name: NodeJS.Signals): void {
    if (!this.hasExited) this.#child.kill(name);
  }

  async kill(): Promise<void> {
    this.#child.ref();
    this.signal('SIGKILL');
    await this.exited;
  }

  /** Asks it to end, and kills it where that takes longer than `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.#child.ref();
    this.signal('SIGCONT');
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), timeoutMs);
    await this.exited;
    clearTimeout(timer);
    const { archive } = this.#options;
    // 143: ended by SIGTERM after its shutdown hooks, the archive's dump among them.
    const endedWell = this.#child.exitCode === 143 || this.#child.exitCode === 0;
    if (this.#makesArchive && endedWell && existsSync(this.#unfinished)) {
      renameSync(this.#unfinished, archive);
    }
  }

  /** The last lines of its output, for an error. */
  tail(lines = 25): string {
    return readFileSync(this.#options.log, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }

  get #unfinished(): string {
    return `${this.#options.archive}.${process.pid}`;
  }
}

/**
 * The environment without variables that would change a broker behind the test's back; text is UTF-8 whatever the
 * machine's locale is, or arguments and output would come as question marks where there is none.
 */
export function ownEnvironment(): NodeJS.ProcessEnv {
  const { KAFKA_OPTS, KAFKA_HEAP_OPTS, JAVA_TOOL_OPTIONS, CLASSPATH, ...rest } = process.env;
  void [KAFKA_OPTS, KAFKA_HEAP_OPTS, JAVA_TOOL_OPTIONS, CLASSPATH];
  return { ...rest, LC_ALL: 'C.UTF-8' };
}
