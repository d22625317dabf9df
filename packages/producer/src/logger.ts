/**
 * Where the producer's messages go: pino and whatever is shaped like it. Details are plain data, without secrets and
 * without contents of records.
 */
export interface Logger {
  trace?(details: LogDetails, message: string): void;
  debug(details: LogDetails, message: string): void;
  info(details: LogDetails, message: string): void;
  warn(details: LogDetails, message: string): void;
  error(details: LogDetails, message: string): void;
  /** If it is there, everything is said by a child that knows the producer's `clientId`. */
  child?(bindings: { clientId: string }): Logger;
}

export type LogDetails = Readonly<Record<string, string | number | boolean | null>>;

/** The default: says nothing. What matters comes as events and errors. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

type Level = 'debug' | 'info' | 'warn' | 'error';

const repeatAfterMs = 30_000;
const mostRemembered = 500;

interface Repeated {
  readonly level: Level;
  readonly message: string;
  details: LogDetails;
  saidAtMs: number;
  suppressed: number;
}

/**
 * The producer's own access to the user's logger. It survives its faults. Of lines that say the same of the same
 * broker, topic and partition, it lets one through in 30 s, which says how many were held back before it; `end` tells
 * of those that were held back last.
 */
export class SafeLogger {
  /** Nobody listens: lines need not be made. */
  readonly isSilent: boolean;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #repeated = new Map<string, Repeated>();

  constructor(logger: Logger, clientId: string, now: () => number) {
    this.isSilent = logger === silentLogger;
    this.#logger = childOf(logger, clientId);
    this.#now = now;
  }

  debug(message: string, details: LogDetails = {}): void {
    this.#pass('debug', message, details);
  }

  info(message: string, details: LogDetails = {}): void {
    this.#say('info', message, details);
  }

  warn(message: string, details: LogDetails = {}): void {
    this.#say('warn', message, details);
  }

  error(message: string, details: LogDetails = {}): void {
    this.#say('error', message, details);
  }

  /** Nothing more will be said: what was held back is told as a number. */
  end(): void {
    for (const each of this.#repeated.values()) this.#tellSuppressed(each);
    this.#repeated.clear();
  }

  #say(level: Level, message: string, details: LogDetails): void {
    if (this.isSilent) return;
    const nowMs = this.#now();
    const key = `${level} ${message} ${details['broker'] ?? ''} ${details['topic'] ?? ''} ${details['partition'] ?? ''}`;
    const last = this.#repeated.get(key);
    if (last === undefined) {
      if (this.#repeated.size >= mostRemembered) this.#forgetOldest();
      this.#repeated.set(key, { level, message, details, saidAtMs: nowMs, suppressed: 0 });
      this.#pass(level, message, details);
      return;
    }
    last.details = details;
    if (nowMs - last.saidAtMs < repeatAfterMs) {
      last.suppressed++;
      return;
    }
    const { suppressed } = last;
    last.saidAtMs = nowMs;
    last.suppressed = 0;
    this.#pass(level, message, suppressed === 0 ? details : { ...details, suppressed });
  }

  #forgetOldest(): void {
    const [key, oldest] = this.#repeated.entries().next().value!;
    this.#tellSuppressed(oldest);
    this.#repeated.delete(key);
  }

  #tellSuppressed({ level, message, details, suppressed }: Repeated): void {
    if (suppressed > 0) this.#pass(level, message, { ...details, suppressed });
  }

  #pass(level: Level, message: string, details: LogDetails): void {
    try {
      this.#logger[level](details, message);
    } catch {
      // A logger that throws must not cost a record.
    }
  }
}

function childOf(logger: Logger, clientId: string): Logger {
  try {
    return logger.child?.({ clientId }) ?? logger;
  } catch {
    return logger;
  }
}
