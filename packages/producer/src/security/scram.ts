import { createHash, createHmac, pbkdf2, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { AuthenticationError } from './authentication-error.ts';
import type { SaslContext, SaslMechanism } from './mechanism.ts';
import { clientFirstBare, gs2Header, readServerFinal, readServerFirst, type ServerFirst } from './scram-message.ts';
import { Secret } from './secret.ts';
import { quoteServerText } from './server-text.ts';

/** Options of SCRAM: user and password, and what is asked of the server. */
export interface ScramOptions {
  username: string;
  password: string;
  /** The credentials are a delegation token: its id and its HMAC (KIP-48). */
  delegationToken?: boolean;
  /** Act as this user instead, where the broker allows it. */
  authorizationId?: string;
  /**
   * Applied to user name and password before use. Absent, both go as UTF-8 just as they are, which is what
   * Kafka's Java classes do on both sides; give RFC 4013's `saslprep` for a broker that follows the RFC.
   */
  normalize?: (text: string) => string;
  /** Least and most rounds of key derivation that the server may ask for: 4096 and 500,000. */
  minIterations?: number;
  maxIterations?: number;
  /**
   * `threaded` derives keys beside the event loop; `inline` in it, so that a run depends on nothing but its inputs.
   * Default: `inline` with a `clock` of the producer's own, else `threaded`.
   */
  derivation?: 'inline' | 'threaded';
  /** For tests: the client's nonce, printable and without commas. */
  nonce?: () => string;
}

/** What RFC 7677 asks for at least; also the least that Kafka stores. */
const MIN_ITERATIONS = 4096;
/** Thirty times the most that Kafka stores (16,384), and still under a second of one thread. */
const MAX_ITERATIONS = 500_000;

const derive = promisify(pbkdf2);

type ScramHash = 'sha256' | 'sha512';

interface Keys {
  readonly clientKey: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** SCRAM-SHA-256: the password never leaves this process, and the broker proves that it knows it. */
export function scramSha256(options: ScramOptions): SaslMechanism {
  return new Scram('SCRAM-SHA-256', 'sha256', options);
}

/** SCRAM-SHA-512: as SCRAM-SHA-256, with a longer hash. */
export function scramSha512(options: ScramOptions): SaslMechanism {
  return new Scram('SCRAM-SHA-512', 'sha512', options);
}

/** RFC 5802 and 7677: the password never leaves, and the server proves that it knows it too. */
class Scram implements SaslMechanism {
  readonly name: string;
  readonly #hash: ScramHash;
  readonly #username: string;
  readonly #password: Secret;
  readonly #authorizationId: string;
  readonly #delegationToken: boolean;
  readonly #minIterations: number;
  readonly #maxIterations: number;
  readonly #isInline: boolean;
  readonly #nonce: () => string;
  /** Reconnects and re-authentications meet the same salt: one derivation serves them all. */
  #derived: { salt: Uint8Array; iterations: number; keys: Promise<Keys> } | null = null;

  constructor(name: string, hash: ScramHash, options: ScramOptions) {
    const normalize = options.normalize ?? ((text: string) => text);
    this.name = name;
    this.#hash = hash;
    this.#username = normalize(options.username);
    this.#password = new Secret(normalize(options.password));
    this.#authorizationId = options.authorizationId ?? '';
    this.#delegationToken = options.delegationToken ?? false;
    this.#minIterations = options.minIterations ?? MIN_ITERATIONS;
    this.#maxIterations = options.maxIterations ?? MAX_ITERATIONS;
    this.#isInline = options.derivation === 'inline';
    this.#nonce = options.nonce ?? (() => randomBytes(24).toString('base64'));
  }

  async *authenticate({ host, port }: SaslContext): AsyncGenerator<Uint8Array, void, Uint8Array> {
    const peer = `broker ${host}:${port}`;
    const nonce = this.#nonce();
    const header = gs2Header(this.#authorizationId);
    const bare = clientFirstBare(this.#username, nonce, this.#delegationToken ? { tokenauth: 'true' } : {});
    const firstBytes = yield Buffer.from(header + bare, 'utf8');

    const first = this.#checked(peer, 'first', () => readServerFirst(firstBytes));
    this.#checkFirst(peer, first, nonce);
    const keys = await this.#keysFor(first);
    const withoutProof = `c=${Buffer.from(header, 'utf8').toString('base64')},r=${first.nonce}`;
    const signed = `${bare},${Buffer.from(firstBytes).toString('utf8')},${withoutProof}`;
    const proof = xor(keys.clientKey, this.#hmac(keys.storedKey, signed));
    const finalBytes = yield Buffer.from(`${withoutProof},p=${Buffer.from(proof).toString('base64')}`, 'utf8');

    const final = this.#checked(peer, 'final', () => readServerFinal(finalBytes));
    if ('error' in final) {
      const reason = quoteServerText(final.error, [this.#username, this.#password.reveal()]);
      throw new AuthenticationError('SASL_AUTHENTICATION_FAILED', `${peer} refused ${this.name}: ${reason}`);
    }
    const expected = this.#hmac(keys.serverKey, signed);
    if (final.signature.length !== expected.length || !timingSafeEqual(final.signature, expected)) {
      throw this.#violation(
        peer,
        'its signature is wrong: whoever answers there does not know this password. Check the address',
      );
    }
  }

  #checkFirst(peer: string, first: ServerFirst, nonce: string): void {
    if (!first.nonce.startsWith(nonce)) throw this.#violation(peer, "its nonce does not continue the client's");
    if (first.nonce.length === nonce.length) throw this.#violation(peer, "it added nothing to the client's nonce");
    const { iterations } = first;
    if (iterations < this.#minIterations) {
      throw this.#violation(
        peer,
        `it asks for ${iterations} iterations, fewer than the ${this.#minIterations} that are safe ("minIterations")`,
      );
    }
    if (iterations > this.#maxIterations) {
      throw this.#violation(
        peer,
        `it asks for ${iterations} iterations, more than the ${this.#maxIterations} allowed ("maxIterations")`,
      );
    }
  }

  #keysFor({ salt, iterations }: ServerFirst): Promise<Keys> {
    const known = this.#derived;
    if (known !== null && known.iterations === iterations && Buffer.compare(known.salt, salt) === 0) return known.keys;
    const keys = this.#deriveKeys(salt, iterations);
    this.#derived = { salt, iterations, keys };
    keys.catch(() => {
      if (this.#derived?.keys === keys) this.#derived = null;
    });
    return keys;
  }

  async #deriveKeys(salt: Uint8Array, iterations: number): Promise<Keys> {
    const length = this.#hash === 'sha256' ? 32 : 64;
    const password = this.#password.reveal();
    const salted = this.#isInline
      ? pbkdf2Sync(password, salt, iterations, length, this.#hash)
      : await derive(password, salt, iterations, length, this.#hash);
    const clientKey = this.#hmac(salted, 'Client Key');
    return {
      clientKey,
      storedKey: createHash(this.#hash).update(clientKey).digest(),
      serverKey: this.#hmac(salted, 'Server Key'),
    };
  }

  #hmac(key: Uint8Array, text: string): Uint8Array {
    return createHmac(this.#hash, key).update(text, 'utf8').digest();
  }

  #checked<T>(peer: string, which: string, read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw this.#violation(peer, `in the server's ${which} message ${(error as Error).message}`);
    }
  }

  #violation(peer: string, what: string): AuthenticationError {
    return new AuthenticationError('SASL_PROTOCOL_VIOLATION', `${peer} breaks the rules of ${this.name}: ${what}`);
  }
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length);
  for (let i = 0; i < a.length; i++) out[i] = a[i]! ^ b[i]!;
  return out;
}
