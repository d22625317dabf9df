import type { Clock } from '../ports.ts';
import { AuthenticationError } from './authentication-error.ts';
import { Secret } from './secret.ts';

/** A bearer token. */
export interface OAuthToken {
  /** The bearer token. */
  value: string;
  /** Milliseconds since 1970. Absent, the `exp` claim counts if the token is a JWT; else the token serves once. */
  expiresAtMs?: number;
  /** SASL extensions (KIP-342), e.g. `logicalCluster`; `auth` is reserved. */
  extensions?: Readonly<Record<string, string>>;
}

/**
 * Gives a token, never mind how. Heed `signal`: it aborts when nobody waits any more.
 *
 * Throw an AuthenticationError with `retriable: false` when trying again is pointless; anything else is tried
 * again. The message of what is thrown is never shown, because it may quote the token: `code` and `name` are.
 */
export type TokenProvider = (context: { signal: AbortSignal }) => OAuthToken | Promise<OAuthToken>;

/** How tokens are asked for and renewed. */
export interface TokenSourceOptions {
  /** For one call of the provider: 10 s. */
  providerTimeoutMs?: number;
  /** For one authentication to get its token, retries included: 30 s. */
  tokenTimeoutMs?: number;
  /** The part of a token's life after which a new one is sought: 0.8. */
  refreshAfter?: number;
  clock?: TokenClock;
}

export type TokenClock = Pick<Clock, 'epochMs' | 'setTimeout' | 'clearTimeout'>;

export interface Token {
  readonly value: Secret;
  readonly extensions: Readonly<Record<string, string>>;
}

interface HeldToken extends Token {
  readonly refreshAtMs: number;
  readonly expiresAtMs: number;
}

const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 10_000;
/** How long a connection waits for a new token while the old one is still good. */
const PATIENCE_MS = 1000;
/** A token that ends within this is not worth presenting. */
const LEAST_LIFE_MS = 1000;
const LONGEST_TOKEN = 1_048_576;

const systemClock: TokenClock = {
  epochMs: () => Date.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (id) => clearTimeout(id as NodeJS.Timeout),
};

/**
 * One token for all connections. There is no timer that could die: whoever needs a token late in its life
 * starts the search for the next, all others share that one call, and until it succeeds the old token serves
 * to its very end.
 */
export class TokenSource {
  readonly #provider: TokenProvider;
  readonly #providerTimeoutMs: number;
  readonly #tokenTimeoutMs: number;
  readonly #refreshAfter: number;
  readonly #clock: TokenClock;
  #held: HeldToken | null = null;
  #call: Promise<HeldToken> | null = null;
  #failures = 0;
  #nextCallAtMs = 0;

  constructor(provider: TokenProvider, options: TokenSourceOptions = {}) {
    this.#provider = provider;
    this.#providerTimeoutMs = options.providerTimeoutMs ?? 10_000;
    this.#tokenTimeoutMs = options.tokenTimeoutMs ?? 30_000;
    this.#refreshAfter = options.refreshAfter ?? 0.8;
    this.#clock = options.clock ?? systemClock;
  }

  /** @throws AuthenticationError: `SASL_TOKEN_UNAVAILABLE` when time is up, or what the provider called final. */
  async get(signal: AbortSignal): Promise<Token> {
    const startedMs = this.#clock.epochMs();
    const held = this.#usable(startedMs);
    if (held === null) return await this.#insist(startedMs, signal);
    if (startedMs < held.refreshAtMs || (this.#call === null && startedMs < this.#nextCallAtMs)) return held;
    const patienceMs = Math.min(PATIENCE_MS, (held.expiresAtMs - startedMs) / 2);
    const fresh = await this.#within(patienceMs, signal, this.#shared()).catch(() => null);
    return fresh ?? this.#usable(this.#clock.epochMs()) ?? held;
  }

  /** The broker does not want this token: the next connection asks for another. */
  reject(token: Token): void {
    if (this.#held === token) this.#held = null;
  }

  #usable(nowMs: number): HeldToken | null {
    return this.#held !== null && nowMs < this.#held.expiresAtMs - LEAST_LIFE_MS ? this.#held : null;
  }

  /** There is no token at all: call, back off, call again until the time is up. */
  async #insist(startedMs: number, signal: AbortSignal): Promise<HeldToken> {
    const deadlineMs = startedMs + this.#tokenTimeoutMs;
    let last: AuthenticationError | undefined;
    for (;;) {
      const nowMs = this.#clock.epochMs();
      const held = this.#usable(nowMs);
      if (held !== null) return held;
      if (nowMs >= deadlineMs) throw last ?? unavailable(`no usable token within ${this.#tokenTimeoutMs} ms`);
      const waitMs = this.#call === null ? this.#nextCallAtMs - nowMs : 0;
      if (waitMs > 0) {
        await this.#within(Math.min(waitMs, deadlineMs - nowMs), signal, null);
        continue;
      }
      try {
        const fresh = await this.#within(deadlineMs - nowMs, signal, this.#shared());
        if (fresh !== null) return fresh;
      } catch (error) {
        last = error as AuthenticationError;
        if (signal.aborted || !last.retriable || this.#nextCallAtMs >= deadlineMs) throw last;
      }
    }
  }

  #shared(): Promise<HeldToken> {
    if (this.#call === null) {
      const call = this.#askProvider();
      this.#call = call;
      const over = () => {
        if (this.#call === call) this.#call = null;
      };
      call.then(over, over);
    }
    return this.#call;
  }

  async #askProvider(): Promise<HeldToken> {
    const abort = new AbortController();
    const answer = (async () => this.#adopt(await this.#provider({ signal: abort.signal })))();
    // An answer after the time limit is still a token: #adopt keeps it, if it is good.
    answer.catch(() => {});
    try {
      const token = await this.#within(this.#providerTimeoutMs, null, answer);
      if (token === null) throw unavailable(`the token provider gave nothing within ${this.#providerTimeoutMs} ms`);
      return token;
    } catch (error) {
      const backoffMs = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(this.#failures, 16));
      this.#failures++;
      this.#nextCallAtMs = this.#clock.epochMs() + backoffMs;
      throw error instanceof AuthenticationError ? error : unavailable(`the token provider failed: ${nameOf(error)}`);
    } finally {
      abort.abort();
    }
  }

  /** Checks the provider's answer and keeps it, unless a longer-lived one has come meanwhile. */
  #adopt(answer: OAuthToken): HeldToken {
    const nowMs = this.#clock.epochMs();
    const { value, extensions, expiresAtMs } = checkToken(answer);
    if (expiresAtMs !== null && expiresAtMs - LEAST_LIFE_MS <= nowMs) {
      throw unusable('a token that has ended, or does within a second');
    }
    const refreshAtMs = expiresAtMs === null ? 0 : nowMs + (expiresAtMs - nowMs) * this.#refreshAfter;
    const token = { value: new Secret(value), extensions, refreshAtMs, expiresAtMs: expiresAtMs ?? 0 };
    if (this.#held === null || token.expiresAtMs >= this.#held.expiresAtMs) this.#held = token;
    this.#failures = 0;
    this.#nextCallAtMs = 0;
    return token;
  }

  /** Resolves with the work's result, or null when the time is up; rejects when the signal aborts. */
  #within<T>(limitMs: number, signal: AbortSignal | null, work: Promise<T> | null): Promise<T | null> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimeout(() => settle(() => resolve(null)), Math.min(limitMs, 2 ** 31 - 1));
      const aborted = () => settle(() => reject(cancelled()));
      const settle = (outcome: () => void) => {
        this.#clock.clearTimeout(timer);
        signal?.removeEventListener('abort', aborted);
        outcome();
      };
      if (signal?.aborted) return aborted();
      signal?.addEventListener('abort', aborted);
      work?.then(
        (value) => settle(() => resolve(value)),
        (error) => settle(() => reject(error)),
      );
    });
  }
}

function checkToken(answer: OAuthToken): {
  value: string;
  extensions: Readonly<Record<string, string>>;
  expiresAtMs: number | null;
} {
  const value = answer?.value;
  if (typeof value !== 'string' || value === '') throw unusable('no "value"');
  // RFC 6750 section 2.1. Anything else could not be told from the frame around it.
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(value)) throw unusable('a "value" that is no bearer token');
  if (value.length > LONGEST_TOKEN) throw unusable(`a "value" of ${value.length} characters`);
  const extensions = answer.extensions ?? {};
  for (const [key, text] of Object.entries(extensions)) {
    if (!/^[A-Za-z]+$/.test(key) || key === 'auth')
      throw unusable('an extension whose name is not of letters or is "auth"');
    if (typeof text !== 'string' || !/^[\x21-\x7e \t\r\n]+$/.test(text)) {
      throw unusable(`an extension "${key}" that is not printable ASCII`);
    }
  }
  const expiresAtMs = answer.expiresAtMs ?? expiryOf(value);
  if (expiresAtMs !== null && (typeof expiresAtMs !== 'number' || !Number.isFinite(expiresAtMs))) {
    throw unusable('an "expiresAtMs" that is no number');
  }
  return { value, extensions, expiresAtMs };
}

/** The `exp` claim of a JWT, unverified: the broker verifies, we only plan. */
function expiryOf(token: string): number | null {
  const parts = token.split('.');
  if (parts.length !== 3) return null;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1]!, 'base64url').toString('utf8'));
    const exp = (claims as { exp?: unknown } | null)?.exp;
    return typeof exp === 'number' && Number.isFinite(exp) ? exp * 1000 : null;
  } catch {
    return null;
  }
}

/** The message of a foreign error may quote what was sent. Its name and code may not. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return `it threw a ${typeof error}`;
  const code = (error as { code?: unknown }).code;
  const known = typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(code) ? ` (${code})` : '';
  return (/^[A-Za-z]{1,40}$/.test(error.name) ? error.name : 'Error') + known;
}

function unusable(what: string): AuthenticationError {
  return unavailable(`the token provider gave ${what}`);
}

function unavailable(message: string): AuthenticationError {
  return new AuthenticationError('SASL_TOKEN_UNAVAILABLE', message, { retriable: true });
}

function cancelled(): AuthenticationError {
  return new AuthenticationError('SASL_CANCELLED', 'the connection was given up while its token was awaited', {
    retriable: true,
  });
}
