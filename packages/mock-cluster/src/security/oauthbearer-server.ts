import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';
import type { SaslExchange, SaslStep } from '../session.ts';

const NOTHING = new Uint8Array(0);
const SEPARATOR = String.fromCharCode(1);

/** What a check of a token says. */
export interface TokenVerdict {
  readonly principal: string;
  /** Milliseconds since 1970; Infinity: never. */
  readonly expiresAtMs: number;
}

/** @throws an Error whose message becomes the refusal's `status`. */
export type TokenValidator = (
  token: string,
  extensions: Readonly<Record<string, string>>,
  epochMs: number,
) => TokenVerdict;

interface Claims {
  readonly sub?: unknown;
  readonly exp?: unknown;
  readonly nbf?: unknown;
  readonly iss?: unknown;
  readonly aud?: unknown;
}

/** RFC 7628's server. */
export class OAuthBearerServer implements SaslExchange {
  readonly mechanism = 'OAUTHBEARER';
  readonly #validate: TokenValidator;
  readonly #epochMs: () => number;
  #failure: string | null = null;

  constructor(validate: TokenValidator, epochMs: () => number) {
    this.#validate = validate;
    this.#epochMs = epochMs;
  }

  next(token: Uint8Array): SaslStep {
    const text = Buffer.from(token).toString('utf8');
    if (this.#failure !== null) return { kind: 'failed', reason: this.#failure };
    const { auth, ...extensions } = fieldsOf(text) ?? {};
    if (auth === undefined) return { kind: 'failed', reason: 'Invalid OAUTHBEARER initial client response' };
    const bearer = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(auth)?.[1];
    if (bearer === undefined) return this.#refuse('invalid_request');
    const nowMs = this.#epochMs();
    try {
      const { principal, expiresAtMs } = this.#validate(bearer, extensions, nowMs);
      const lifetimeMs = Number.isFinite(expiresAtMs) ? Math.max(1, expiresAtMs - nowMs) : 0;
      return { kind: 'done', token: NOTHING, principal, lifetimeMs };
    } catch (error) {
      return this.#refuse((error as Error).message);
    }
  }

  /** A refusal is first a challenge with the reason; the error comes when the client has acknowledged it. */
  #refuse(status: string): SaslStep {
    const reason = JSON.stringify({ status });
    this.#failure = reason;
    return { kind: 'continue', token: Buffer.from(reason, 'utf8') };
  }
}

/** The key-value pairs of `n,,^Ak=v^Ak=v^A^A`, or null when it is not of that form. */
function fieldsOf(message: string): Record<string, string> | null {
  const [header = '', ...pairs] = message.split(SEPARATOR);
  const isClosed = pairs.pop() === '' && pairs.pop() === '';
  if (!isClosed || !/^n,(?:a=[^,]+)?,$/.test(header)) return null;
  const fields: Record<string, string> = {};
  for (const pair of pairs) {
    const match = /^([A-Za-z]+)=([\x21-\x7e \t\r\n]*)$/.exec(pair);
    if (match === null) return null;
    fields[match[1]!] = match[2]!;
  }
  return fields;
}

/** Accepts JWTs without signature (`alg: none`), as Kafka's own validator for development does. */
export function unsecuredTokens(): TokenValidator {
  return (token, _extensions, nowMs) => {
    const { header, claims, signature } = parts(token);
    if (header['alg'] !== 'none' || signature.length > 0) throw new Error('invalid_token');
    return verdict(claims, nowMs);
  };
}

/** Accepts JWTs signed by a key of the set: RS256, PS256, ES256, EdDSA. */
export function signedTokens(
  jwks: { keys: readonly (JsonWebKey & { kid?: string })[] },
  expected: { issuer?: string; audience?: string } = {},
): TokenValidator {
  const keys = jwks.keys.map((jwk) => ({ kid: jwk.kid, key: createPublicKey({ key: jwk, format: 'jwk' }) }));
  return (token, _extensions, nowMs) => {
    const { header, claims, signature, signed } = parts(token);
    const candidates = keys.filter(({ kid }) => header['kid'] === undefined || kid === header['kid']);
    if (!candidates.some(({ key }) => isSignedBy(key, header['alg'], signed, signature)))
      throw new Error('invalid_token');
    if (expected.issuer !== undefined && claims.iss !== expected.issuer) throw new Error('invalid_issuer');
    if (expected.audience !== undefined && ![claims.aud].flat().includes(expected.audience)) {
      throw new Error('invalid_audience');
    }
    return verdict(claims, nowMs);
  };
}

function parts(token: string) {
  const [header = '', claims = '', signature = '', ...more] = token.split('.');
  if (more.length > 0 || header === '' || claims === '') throw new Error('invalid_token');
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  try {
    return {
      header: read(header) as Record<string, unknown>,
      claims: read(claims) as Claims,
      signature: Buffer.from(signature, 'base64url'),
      signed: Buffer.from(`${header}.${claims}`, 'ascii'),
    };
  } catch {
    throw new Error('invalid_token');
  }
}

function verdict({ sub, exp, nbf }: Claims, nowMs: number): TokenVerdict {
  if (typeof sub !== 'string' || typeof exp !== 'number') throw new Error('invalid_token');
  if (exp * 1000 <= nowMs) throw new Error('expired_token');
  if (typeof nbf === 'number' && nbf * 1000 > nowMs) throw new Error('token_not_yet_valid');
  return { principal: sub, expiresAtMs: exp * 1000 };
}

/** The key decides which algorithms can be meant: a token cannot pick one by itself. */
function isSignedBy(key: KeyObject, algorithm: unknown, signed: Uint8Array, signature: Uint8Array): boolean {
  const type = key.asymmetricKeyType;
  if (type === 'rsa' && algorithm === 'RS256') return verify('sha256', signed, key, signature);
  if (type === 'rsa' && algorithm === 'PS256') {
    return verify('sha256', signed, { key, padding: 6, saltLength: 32 }, signature);
  }
  if (type === 'ec' && algorithm === 'ES256')
    return verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature);
  if (type === 'ed25519' && algorithm === 'EdDSA') return verify(null, signed, key, signature);
  return false;
}
