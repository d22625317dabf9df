import { once } from 'node:events';
import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import { codeOf } from '../failure.ts';

/** Pushed data is written in pieces of about this size: a write a record would be most of the work. */
const FLUSH_AT = 65_536;

type Style = Parameters<typeof styleText>[0];

/**
 * One of the two output streams. A reader that goes away (`kiel read … | head`) is not an error: what is
 * written after that is dropped and `isClosed` tells a command that it may stop.
 */
export class Output {
  readonly #stream: NodeJS.WriteStream;
  #closed = false;
  #parts: (string | Uint8Array)[] = [];
  #size = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    stream.on('error', (error: unknown) => {
      if (codeOf(error) !== 'EPIPE' && codeOf(error) !== 'ERR_STREAM_DESTROYED') throw error;
      this.#closed = true;
      this.#parts = [];
    });
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  get columns(): number {
    return (this.#stream as WriteStream).columns ?? 100;
  }

  /** Colours only on a terminal, and never against NO_COLOR. */
  paint(style: Style, text: string): string {
    return styleText(style, text, { stream: this.#stream, validateStream: true });
  }

  /** Writes at once. For short texts; data in quantity goes through `push`. */
  line(text = ''): void {
    this.write(text + '\n');
  }

  write(text: string): void {
    if (this.#closed) return;
    this.#stream.write(this.#take(text));
  }

  /**
   * Adds a line of data. The promise, where there is one, resolves when the reader has caught up, so a slow
   * reader slows the command instead of filling its memory.
   */
  push(text: string): Promise<void> | undefined {
    return this.pushParts(text, '\n');
  }

  /** Adds texts, and bytes as they are. */
  pushParts(...parts: readonly (string | Uint8Array)[]): Promise<void> | undefined {
    if (this.#closed) return undefined;
    for (const part of parts) {
      this.#parts.push(part);
      this.#size += part.length;
    }
    return this.#size < FLUSH_AT ? undefined : this.flush();
  }

  async flush(): Promise<void> {
    if (this.#closed || this.#size === 0) return;
    if (!this.#stream.write(this.#take(''))) await this.#drained();
  }

  /** Resolves when everything has reached the operating system, or nobody reads any more. */
  async end(): Promise<void> {
    await this.flush();
    if (this.#closed) return;
    await new Promise<void>((resolve) => {
      this.#stream.write('', () => resolve());
    });
  }

  /** What was pushed, and `last`. */
  #take(last: string): string | Uint8Array {
    const parts = this.#parts;
    this.#parts = [];
    this.#size = 0;
    if (parts.every((part) => typeof part === 'string')) return parts.join('') + last;
    return Buffer.concat([
      ...parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)),
      Buffer.from(last),
    ]);
  }

  async #drained(): Promise<void> {
    const closed = new AbortController();
    const end = () => closed.abort();
    this.#stream.once('close', end).once('error', end);
    try {
      if (!this.#closed) await once(this.#stream, 'drain', { signal: closed.signal });
    } catch {
      // The reader left; `error` has noted it.
    } finally {
      this.#stream.off('close', end).off('error', end);
    }
  }
}

/** What a command sees of the world around it. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream;
  readonly out: Output;
  readonly err: Output;
  readonly env: NodeJS.ProcessEnv;
}

/** This process's own standard streams. */
export function processTerminal(): Terminal {
  return { stdin: process.stdin, out: new Output(process.stdout), err: new Output(process.stderr), env: process.env };
}
