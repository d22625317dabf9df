import { AuthenticationError } from './authentication-error.ts';
import type { SaslContext, SaslMechanism } from './mechanism.ts';
import { quoteServerText } from './server-text.ts';
import { type Token, type TokenProvider, TokenSource, type TokenSourceOptions } from './token-source.ts';

/** Options of OAUTHBEARER: where tokens come from, and how they are renewed. */
export interface OAuthBearerOptions extends TokenSourceOptions {
  token: TokenProvider;
  /** Act as this user instead, where the broker allows it. */
  authorizationId?: string;
}

/** What RFC 7628 lets a client say after a refusal. */
const ACKNOWLEDGED = new Uint8Array([1]);

/** RFC 7628 with Kafka's extensions. The token itself goes to the broker: use it over TLS only. */
export function oauthBearer(options: OAuthBearerOptions): SaslMechanism {
  const source = new TokenSource(options.token, options);
  const authorizationId = options.authorizationId ?? '';
  return {
    name: 'OAUTHBEARER',
    async *authenticate({ host, port, signal }: SaslContext) {
      const token = await source.get(signal);
      const message = initialResponse(token, authorizationId);
      let challenge: Uint8Array;
      try {
        challenge = yield message;
      } catch (refusal) {
        source.reject(token);
        throw refusal;
      }
      if (challenge.length === 0) return;

      // Not an answer but a refusal, as JSON. RFC 7628 3.2.3: one more message, then the broker ends it.
      source.reject(token);
      const reason = reasonOf(challenge, message);
      const refused = (cause?: unknown) =>
        new AuthenticationError(
          'SASL_AUTHENTICATION_FAILED',
          `broker ${host}:${port} refused the OAuth token: ${reason}. ` +
            "Check the token's issuer, audience, scope and expiry against the broker's listener",
          { cause },
        );
      try {
        yield ACKNOWLEDGED;
      } catch (cause) {
        throw refused(cause);
      }
      throw refused();
    },
  };
}

function initialResponse({ value, extensions }: Token, authorizationId: string): Uint8Array {
  const actAs = authorizationId === '' ? '' : `a=${authorizationId.replaceAll('=', '=3D').replaceAll(',', '=2C')}`;
  let message = `n,${actAs},\x01auth=Bearer ${value.reveal()}\x01`;
  for (const [key, text] of Object.entries(extensions)) message += `${key}=${text}\x01`;
  return Buffer.from(`${message}\x01`, 'utf8');
}

/** `status`, and `scope` when more rights are wanted; the rest of the JSON is nobody's business. */
function reasonOf(challenge: Uint8Array, sent: Uint8Array): string {
  let answer: { status?: unknown; scope?: unknown } | null;
  try {
    answer = JSON.parse(Buffer.from(challenge.subarray(0, 8192)).toString('utf8'));
  } catch {
    return 'it gave no readable reason';
  }
  const parts: string[] = [];
  for (const key of ['status', 'scope'] as const) {
    const text = answer?.[key];
    if (typeof text === 'string') parts.push(`${key} ${JSON.stringify(quoteServerText(text, [sent]))}`);
  }
  return parts.length === 0 ? 'it gave no readable reason' : parts.join(', ');
}
