import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Who may come in: whoever knows the token, from this machine, by its own name. */
export class Access {
  readonly token: string;
  readonly #digest: Buffer;

  constructor(token: string = randomBytes(24).toString('base64url')) {
    this.token = token;
    this.#digest = digestOf(token);
  }

  /** The path behind the token, `/` at least; null for whoever does not know it. */
  pathBehind(url: string): string | null {
    const [, given = '', rest = ''] = /^\/([^/?]*)(\/[^?]*)?/.exec(url) ?? [];
    // Digests are equally long, and tell nothing of how much of a guess was right.
    if (!timingSafeEqual(digestOf(given), this.#digest)) return null;
    return rest;
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/**
 * A page elsewhere can let its own name point to this machine (DNS rebinding), and would then be of the same origin:
 * but its requests carry that name.
 */
export function isLocalName(host: string | undefined): boolean {
  return host !== undefined && /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i.test(host);
}

/** A request of our own page, or of a program that is no browser. */
export function isOwnOrigin({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  return origin === undefined || origin === `http://${host}`;
}

/** Nothing from elsewhere, nothing inline, and no text that becomes markup. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  'cache-control': 'no-store',
};
