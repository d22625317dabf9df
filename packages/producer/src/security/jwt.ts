import { createPrivateKey, type KeyObject, randomUUID, sign } from 'node:crypto';

/** How an assertion is signed. */
export type JwtAlgorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA';

/** Who signs an assertion, for whom, about whom, and for how long. */
export interface JwtAssertionOptions {
  /** PEM or a KeyObject; a function is asked for each assertion, so that keys can change. */
  privateKey: string | KeyObject | (() => string | KeyObject | Promise<string | KeyObject>);
  passphrase?: string;
  /** Default: `RS256` for an RSA key, `ES256` for a P-256 key, `EdDSA` for Ed25519. */
  algorithm?: JwtAlgorithm;
  keyId?: string;
  issuer?: string;
  subject?: string;
  audience?: string;
  /** Life of one assertion: 300 s. */
  lifetimeSeconds?: number;
  claims?: Readonly<Record<string, unknown>>;
}

/** A function that signs a fresh assertion (RFC 7523) at each call. */
export function jwtAssertion(options: JwtAssertionOptions, epochMs: () => number = Date.now): () => Promise<string> {
  const { privateKey, passphrase, lifetimeSeconds = 300 } = options;
  return async () => {
    const key = asKey(typeof privateKey === 'function' ? await privateKey() : privateKey, passphrase);
    const algorithm = options.algorithm ?? defaultAlgorithm(key);
    const nowSeconds = Math.floor(epochMs() / 1000);
    const header = { alg: algorithm, typ: 'JWT', kid: options.keyId };
    const claims = {
      iss: options.issuer,
      sub: options.subject,
      aud: options.audience,
      jti: randomUUID(),
      // A minute of grace for a server whose clock is behind.
      nbf: nowSeconds - 60,
      iat: nowSeconds,
      exp: nowSeconds + lifetimeSeconds,
      ...options.claims,
    };
    const signed = `${encode(header)}.${encode(claims)}`;
    return `${signed}.${signature(algorithm, key, signed)}`;
  };
}

function asKey(key: string | KeyObject, passphrase: string | undefined): KeyObject {
  if (typeof key !== 'string') return key;
  try {
    return createPrivateKey(passphrase === undefined ? { key } : { key, passphrase });
  } catch (error) {
    // OpenSSL's text says what is wrong and quotes nothing of the key, but its own is clearer with the option named.
    throw new TypeError(`"privateKey" cannot be read (${(error as { code?: string }).code ?? 'unknown form'})`);
  }
}

function defaultAlgorithm(key: KeyObject): JwtAlgorithm {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return 'RS256';
    case 'rsa-pss':
      return 'PS256';
    case 'ec':
      return 'ES256';
    case 'ed25519':
      return 'EdDSA';
    default:
      throw new TypeError(`"privateKey" of type ${key.asymmetricKeyType} signs no JWT: give RSA, P-256 or Ed25519`);
  }
}

function signature(algorithm: JwtAlgorithm, key: KeyObject, text: string): string {
  const bytes = Buffer.from(text, 'ascii');
  switch (algorithm) {
    case 'RS256':
      return sign('sha256', bytes, key).toString('base64url');
    case 'PS256':
      // 6 is RSA_PKCS1_PSS_PADDING; the salt is as long as the digest (RFC 7518 section 3.5).
      return sign('sha256', bytes, { key, padding: 6, saltLength: 32 }).toString('base64url');
    case 'ES256':
      return sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
    case 'EdDSA':
      return sign(null, bytes, key).toString('base64url');
  }
}

function encode(part: Readonly<Record<string, unknown>>): string {
  return Buffer.from(JSON.stringify(part), 'utf8').toString('base64url');
}
