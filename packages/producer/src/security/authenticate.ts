import { AuthenticationError } from './authentication-error.ts';
import type { SaslContext, SaslMechanism } from './mechanism.ts';
import { quoteServerText } from './server-text.ts';

/** What a connection lends: two requests, sent one at a time, each with its own time limit. */
export interface SaslExchange {
  /** SaslHandshake. */
  handshake(mechanism: string): Promise<{ errorCode: number; mechanisms: readonly string[] }>;
  /** SaslAuthenticate; on brokers before 1.0 a bare frame, whose answer has no error code. */
  authenticate(authBytes: Uint8Array): Promise<{
    errorCode: number;
    errorMessage: string | null;
    authBytes: Uint8Array;
    sessionLifetimeMs: bigint | number;
  }>;
}

/** How long what was proved holds. */
export interface SaslSession {
  /** The broker ends the connection when this long has passed without re-authentication; `null`: never. */
  readonly lifetimeMs: number | null;
}

/** No mechanism takes more than five; Kerberos with policies may take a few. */
const MOST_ROUNDS = 16;
/** Far above any token; an answer near a frame's own limit is no SASL message. */
const LARGEST_ANSWER = 262_144;
const LONGEST_LIFETIME_MS = 2 ** 31 - 1;

const UNSUPPORTED_SASL_MECHANISM = 33;
const ILLEGAL_SASL_STATE = 34;
const SASL_AUTHENTICATION_FAILED = 58;

/**
 * One authentication, or re-authentication, of one connection. Ends in bounded rounds; the connection's time
 * limits bound it in time. Whatever goes wrong, the connection must be closed.
 *
 * @throws AuthenticationError; what `exchange` throws passes through.
 */
export async function authenticate(
  mechanism: SaslMechanism,
  context: SaslContext,
  exchange: SaslExchange,
): Promise<SaslSession> {
  const peer = `broker ${context.host}:${context.port}`;
  const { errorCode, mechanisms } = await exchange.handshake(mechanism.name);
  if (errorCode !== 0) throw handshakeRefused(peer, mechanism.name, errorCode, mechanisms);

  const sent: Uint8Array[] = [];
  const messages = mechanism.authenticate(context);
  let lifetimeMs: number | null = null;
  try {
    let next = await heeding(context.signal, messages.next());
    while (next.done !== true) {
      if (sent.length === MOST_ROUNDS) throw violation(peer, `${mechanism.name} did not end in ${MOST_ROUNDS} rounds`);
      sent.push(next.value);
      const answer = await exchange.authenticate(next.value);
      if (answer.errorCode !== 0) {
        const refusal = refused(peer, mechanism.name, answer.errorCode, answer.errorMessage, sent);
        await heeding(context.signal, messages.throw(refusal));
        // A mechanism may explain a refusal, not overrule it.
        throw refusal;
      }
      if (answer.authBytes.length > LARGEST_ANSWER) {
        throw violation(peer, `an answer of ${answer.authBytes.length} bytes`);
      }
      lifetimeMs = lifetimeOf(answer.sessionLifetimeMs);
      next = await heeding(context.signal, messages.next(answer.authBytes));
    }
    if (sent.length === 0) throw violation(peer, `the mechanism ${mechanism.name} sent nothing`);
  } finally {
    // After a normal end this does nothing; after a failure it lets the mechanism clean up, in its own time.
    messages.return().catch(() => {});
  }
  return { lifetimeMs };
}

/** A mechanism that waits for a token or a ticket does not outlive the connection's patience. */
function heeding<T>(signal: AbortSignal, step: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = () =>
      reject(
        new AuthenticationError('SASL_CANCELLED', 'the connection was given up in the midst of authentication', {
          retriable: true,
        }),
      );
    if (signal.aborted) aborted();
    signal.addEventListener('abort', aborted, { once: true });
    step.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}

/** However short a session a broker grants, it is not renewed more often than this: it would be all that is done. */
const LEAST_RENEWAL_MS = 100;

/** When to authenticate again: at 85 to 95 % of the session, as Java's client does, so that brokers are not hit at once. */
export function reauthenticateAfterMs(lifetimeMs: number, random: () => number): number {
  return Math.max(LEAST_RENEWAL_MS, Math.floor(lifetimeMs * (0.85 + random() * 0.1)));
}

/**
 * What to throw when a renewal failed. Brokers want a second between two authentications of a connection, and answer
 * an earlier one as if their listener knew no SASL: with sessions that are so short, another connection is the cure.
 */
export function renewalFailure(thrown: unknown): unknown {
  if (!(thrown instanceof AuthenticationError) || thrown.code !== 'ILLEGAL_SASL_STATE') return thrown;
  return new AuthenticationError('ILLEGAL_SASL_STATE', 'the broker thinks it too early to renew the session', {
    retriable: true,
    cause: thrown,
  });
}

function lifetimeOf(value: bigint | number): number | null {
  if (value <= 0) return null;
  return value > LONGEST_LIFETIME_MS ? LONGEST_LIFETIME_MS : Number(value);
}

function handshakeRefused(
  peer: string,
  mechanism: string,
  errorCode: number,
  offered: readonly string[],
): AuthenticationError {
  if (errorCode === UNSUPPORTED_SASL_MECHANISM) {
    const names = offered.slice(0, 20).map((name) => quoteServerText(name));
    const offer = names.length === 0 ? 'none' : names.join(', ');
    return new AuthenticationError(
      'UNSUPPORTED_SASL_MECHANISM',
      `${peer} does not offer ${mechanism} on this listener; it offers ${offer}. Change "sasl.mechanism", or the port`,
    );
  }
  if (errorCode === ILLEGAL_SASL_STATE) {
    return new AuthenticationError(
      'ILLEGAL_SASL_STATE',
      `${peer} takes no SASL now: its listener is probably not a SASL one. Leave "sasl" out, or change the port`,
    );
  }
  return new AuthenticationError(
    'SASL_AUTHENTICATION_FAILED',
    `${peer} answered the SASL handshake with error ${errorCode}`,
  );
}

function refused(
  peer: string,
  mechanism: string,
  errorCode: number,
  errorMessage: string | null,
  sent: readonly Uint8Array[],
): AuthenticationError {
  const said = quoteServerText(errorMessage, sent);
  const reason = said === '' ? '' : ` (it says: ${JSON.stringify(said)})`;
  switch (errorCode) {
    case SASL_AUTHENTICATION_FAILED:
      return new AuthenticationError(
        'SASL_AUTHENTICATION_FAILED',
        `${peer} does not accept these ${mechanism} credentials${reason}. Check them, and that the user exists there`,
      );
    case ILLEGAL_SASL_STATE:
      return new AuthenticationError(
        'ILLEGAL_SASL_STATE',
        `${peer} takes no ${mechanism} message now${reason}. Its listener is probably not a SASL one`,
      );
    case UNSUPPORTED_SASL_MECHANISM:
      return new AuthenticationError(
        'UNSUPPORTED_SASL_MECHANISM',
        `${peer} does not take ${mechanism} here${reason}. A re-authentication must keep the connection's mechanism`,
      );
    default:
      return new AuthenticationError(
        'SASL_AUTHENTICATION_FAILED',
        `${peer} ended ${mechanism} with error ${errorCode}${reason}`,
      );
  }
}

function violation(peer: string, what: string): AuthenticationError {
  return new AuthenticationError('SASL_PROTOCOL_VIOLATION', `${peer} breaks the rules of SASL: ${what}`);
}
