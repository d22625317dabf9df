import { inspect } from 'node:util';

const HIDDEN = '[secret]';

/** Text that prints, serialises and inspects as `[secret]`; only `reveal` gives it back. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}
