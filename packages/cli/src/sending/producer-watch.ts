import type { Inspector, Producer, Recording } from '@kiel/producer';
import { codeOf, Failure, usage } from '../failure.ts';
import type { Terminal } from '../terminal/output.ts';

/** Flags that let somebody look at a producer, see `addWatchOptions`. */
export interface WatchFlags {
  inspect?: boolean;
  inspectPort?: number;
  record?: string;
}

/** Checked before anything is sent. */
export function checkWatchFlags({ inspect, inspectPort }: WatchFlags): void {
  if (inspectPort !== undefined && inspect !== true) throw usage('--inspect-port needs --inspect.');
}

/** The page and the recording that were asked for, or nothing. */
export class ProducerWatch implements AsyncDisposable {
  readonly #inspector: Inspector | null;
  readonly #recording: Recording | null;

  constructor(inspector: Inspector | null, recording: Recording | null) {
    this.#inspector = inspector;
    this.#recording = recording;
  }

  /** Says where the page is, and opens what was asked for. */
  static async open(producer: Producer, flags: WatchFlags, { err }: Terminal): Promise<ProducerWatch> {
    const { inspect, inspectPort: port, record } = flags;
    try {
      if (inspect !== true) {
        return new ProducerWatch(null, record === undefined ? null : await producer.record(record));
      }
      const inspector = await producer.inspector({
        ...(port === undefined ? {} : { port }),
        ...(record === undefined ? {} : { record }),
      });
      err.line(`The producer is shown at ${inspector.url}`);
      return new ProducerWatch(inspector, null);
    } catch (error) {
      throw watchFailure(error, port);
    }
  }

  /** Resolves when somebody looks, or the signal comes; at once where there is nothing to look at. */
  async viewed(signal: AbortSignal): Promise<void> {
    if (this.#inspector === null || signal.aborted) return;
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    await Promise.race([this.#inspector.viewed(), aborted]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inspector?.close();
    await this.#recording?.close();
  }
}

/** What a user can do about a page or a recording that cannot be. */
export function watchFailure(error: unknown, port: number | undefined): unknown {
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return new Failure(`Port ${port} is taken.`, { hint: 'Choose another one, or leave it out for a free one.' });
    case 'EACCES':
      return new Failure(`Port ${port} cannot be listened on.`, { hint: 'Choose one above 1023.' });
    case 'RECORDING_FAILED':
      return usage(
        error instanceof Error ? `${error.message}.` : '',
        'Name a file in a folder that can be written to.',
      );
    default:
      return error;
  }
}
