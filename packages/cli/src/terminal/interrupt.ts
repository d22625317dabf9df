import { exitCodes } from '../failure.ts';
import type { Terminal } from './output.ts';

/** Ctrl-C: the first one ends the work in good order, a second one ends the process. */
export class Interrupt implements Disposable {
  readonly #controller = new AbortController();
  readonly #onSignal: () => void;

  /** @param whatNow - said at the first Ctrl-C. */
  constructor({ err }: Terminal, whatNow: () => string) {
    this.#onSignal = () => {
      if (this.signal.aborted) process.exit(exitCodes.interrupted);
      err.line(`\n${whatNow()}`);
      this.#controller.abort();
    };
    process.on('SIGINT', this.#onSignal);
    process.on('SIGTERM', this.#onSignal);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get happened(): boolean {
    return this.signal.aborted;
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#onSignal);
    process.off('SIGTERM', this.#onSignal);
  }
}
