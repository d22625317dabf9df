import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import type { SaslExchange, SaslStep } from '../session.ts';
import type { SaslUser } from './sasl-server.ts';

export type ScramHash = 'sha256' | 'sha512';

interface Credential {
  readonly salt: Buffer;
  readonly iterations: number;
  readonly salted: Buffer;
}

/** Derived once a user, as brokers store them: each costs milliseconds. */
export class ScramCredentials {
  readonly #users: ReadonlyMap<string, SaslUser>;
  readonly #iterations: number;
  readonly #known = new Map<string, Credential>();

  constructor(users: ReadonlyMap<string, SaslUser>, iterations: number) {
    this.#users = users;
    this.#iterations = iterations;
  }

  /** Of a user or, if asked for, a delegation token. */
  of(hash: ScramHash, name: string, isToken: boolean): Credential | undefined {
    const user = this.#users.get(name);
    if (user === undefined || (user.isDelegationToken ?? false) !== isToken) return undefined;
    const key = `${hash} ${name}`;
    let credential = this.#known.get(key);
    if (credential === undefined) {
      const salt = randomBytes(16);
      const iterations = this.#iterations;
      const salted = pbkdf2Sync(user.password, salt, iterations, hash === 'sha256' ? 32 : 64, hash);
      credential = { salt, iterations, salted };
      this.#known.set(key, credential);
    }
    return credential;
  }
}

interface Exchange {
  readonly clientFirstBare: string;
  readonly serverFirst: string;
  readonly nonce: string;
  readonly gs2Header: string;
  readonly name: string;
  readonly salted: Buffer;
}

/** RFC 5802's server, with what Kafka adds: `tokenauth`. */
export class ScramServer implements SaslExchange {
  readonly mechanism: string;
  readonly #hash: ScramHash;
  readonly #credentials: ScramCredentials;
  #exchange: Exchange | null = null;

  constructor(hash: ScramHash, credentials: ScramCredentials) {
    this.mechanism = hash === 'sha256' ? 'SCRAM-SHA-256' : 'SCRAM-SHA-512';
    this.#hash = hash;
    this.#credentials = credentials;
  }

  next(token: Uint8Array): SaslStep {
    const text = Buffer.from(token).toString('utf8');
    return this.#exchange === null ? this.#first(text) : this.#final(text, this.#exchange);
  }

  #first(text: string): SaslStep {
    const match =
      /^(n,(?:a=((?:[^=,\0]|=2C|=3D)+))?,)(n=((?:[^=,\0]|=2C|=3D)+),r=([\x21-\x2b\x2d-\x7e]+)((?:,[A-Za-z]+=[^,\0]+)*))$/.exec(
        text,
      );
    if (match === null) return refused('Invalid SCRAM client first message');
    const [, gs2Header = '', authorizationId, clientFirstBare = '', saslName = '', clientNonce = '', rest = ''] = match;
    const name = unescaped(saslName);
    const credential = this.#credentials.of(this.#hash, name, rest.split(',').includes('tokenauth=true'));
    if (credential === undefined) {
      return refused('Authentication failed during authentication due to invalid credentials');
    }
    if (authorizationId !== undefined && unescaped(authorizationId) !== name) {
      return refused('Authentication failed: authorization id is not the user');
    }
    const { salt, iterations, salted } = credential;
    const nonce = clientNonce + randomBytes(18).toString('base64url');
    const serverFirst = `r=${nonce},s=${salt.toString('base64')},i=${iterations}`;
    this.#exchange = { clientFirstBare, serverFirst, nonce, gs2Header, name, salted };
    return { kind: 'continue', token: Buffer.from(serverFirst, 'utf8') };
  }

  #final(text: string, exchange: Exchange): SaslStep {
    const match = /^(c=([A-Za-z0-9+/=]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,\0]+)*),p=([A-Za-z0-9+/=]+)$/.exec(
      text,
    );
    if (match === null) return refused('Invalid SCRAM client final message');
    const [, withoutProof = '', binding = '', nonce = '', proof = ''] = match;
    if (nonce !== exchange.nonce) return refused('Invalid client nonce in the final client message');
    if (Buffer.from(binding, 'base64').toString('utf8') !== exchange.gs2Header) {
      return refused('Invalid channel binding in the final client message');
    }
    const signed = `${exchange.clientFirstBare},${exchange.serverFirst},${withoutProof}`;
    const storedKey = createHash(this.#hash).update(this.#hmac(exchange.salted, 'Client Key')).digest();
    const signature = this.#hmac(storedKey, signed);
    const given = Buffer.from(proof, 'base64');
    const clientKey = given.map((byte, i) => byte ^ (signature[i] ?? 0));
    const known = createHash(this.#hash).update(clientKey).digest();
    if (given.length !== signature.length || !timingSafeEqual(known, storedKey)) {
      return refused('Authentication failed during authentication due to invalid credentials');
    }
    const verifier = this.#hmac(this.#hmac(exchange.salted, 'Server Key'), signed).toString('base64');
    return { kind: 'done', token: Buffer.from(`v=${verifier}`, 'utf8'), principal: exchange.name, lifetimeMs: 0 };
  }

  #hmac(key: Uint8Array, text: string): Buffer {
    return createHmac(this.#hash, key).update(text, 'utf8').digest();
  }
}

function unescaped(name: string): string {
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

function refused(reason: string): SaslStep {
  return { kind: 'failed', reason };
}
