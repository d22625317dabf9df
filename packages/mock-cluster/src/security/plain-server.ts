import { createHash, timingSafeEqual } from 'node:crypto';
import type { SaslExchange, SaslStep } from '../session.ts';
import type { SaslUser } from './sasl-server.ts';

const NOTHING = new Uint8Array(0);

/** RFC 4616. */
export class PlainServer implements SaslExchange {
  readonly mechanism = 'PLAIN';
  readonly #users: ReadonlyMap<string, SaslUser>;

  constructor(users: ReadonlyMap<string, SaslUser>) {
    this.#users = users;
  }

  next(token: Uint8Array): SaslStep {
    const parts = Buffer.from(token).toString('utf8').split('\0');
    if (parts.length !== 3) return refused('Invalid SASL/PLAIN response: expected 3 tokens');
    const [authorizationId, name, password] = parts as [string, string, string];
    const user = this.#users.get(name);
    if (user === undefined || user.isDelegationToken || !isSame(user.password, password)) {
      return refused('Authentication failed: Invalid username or password');
    }
    if (authorizationId !== '' && authorizationId !== name) {
      return refused('Authentication failed: Client requested an authorization id that is different from username');
    }
    return { kind: 'done', token: NOTHING, principal: name, lifetimeMs: 0 };
  }
}

function refused(reason: string): SaslStep {
  return { kind: 'failed', reason };
}

function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text, 'utf8').digest();
  return timingSafeEqual(digest(a), digest(b));
}
