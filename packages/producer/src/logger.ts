/** Where the producer's messages go. Any logger with these four methods will do; details are plain JSON data. */
export interface Logger {
  debug(message: string, details?: LogDetails): void;
  info(message: string, details?: LogDetails): void;
  warn(message: string, details?: LogDetails): void;
  error(message: string, details?: LogDetails): void;
}

export type LogDetails = Readonly<Record<string, string | number | boolean | null>>;

/** The default: says nothing. What matters comes as events and errors. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

const repeatAfterMs = 30_000;
const mostRemembered = 200;

/** Passes on to the user's logger, survives its faults, and holds back repetitions of the same warning for 30 s. */
export class SafeLogger implements Logger {
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #last = new Map<string, number>();

  constructor(logger: Logger, now: () => number) {
    this.#logger = logger;
    this.#now = now;
  }

  debug(message: string, details?: LogDetails): void {
    this.#pass('debug', message, details);
  }

  info(message: string, details?: LogDetails): void {
    this.#pass('info', message, details);
  }

  warn(message: string, details?: LogDetails): void {
    if (this.#isNews(message)) this.#pass('warn', message, details);
  }

  error(message: string, details?: LogDetails): void {
    if (this.#isNews(message)) this.#pass('error', message, details);
  }

  #isNews(message: string): boolean {
    const now = this.#now();
    const last = this.#last.get(message);
    if (last !== undefined && now - last < repeatAfterMs) return false;
    if (this.#last.size >= mostRemembered) this.#last.clear();
    this.#last.set(message, now);
    return true;
  }

  #pass(level: keyof Logger, message: string, details: LogDetails | undefined): void {
    try {
      this.#logger[level](message, details);
    } catch {
      // A logger that throws must not cost a record.
    }
  }
}
