import type { SaslExchange, SaslPort, SaslStep } from '../session.ts';
import { type AwsKeys, AwsMskIamServer } from './aws-msk-iam-server.ts';
import { OAuthBearerServer, type TokenValidator } from './oauthbearer-server.ts';
import { PlainServer } from './plain-server.ts';
import { ScramCredentials, ScramServer } from './scram-server.ts';

/** A user that is let in. */
export interface SaslUser {
  readonly password: string;
  /** Accepted only with `tokenauth=true`, as delegation tokens are. */
  readonly isDelegationToken?: boolean;
}

/** Who is let in, how, and for how long. */
export interface SaslServerOptions {
  /** For PLAIN and SCRAM: passwords by name. */
  users?: Readonly<Record<string, string | SaslUser>>;
  /** For OAUTHBEARER: `unsecuredTokens()`, `signedTokens(jwks)` or your own. */
  tokens?: TokenValidator;
  /** For AWS_MSK_IAM. */
  awsKeys?: AwsKeys;
  /** Those offered; default: all for which there are users, tokens or keys. */
  mechanisms?: readonly string[];
  /** Rounds of key derivation that SCRAM asks for: 4096. */
  iterations?: number;
  /** Kafka's connections.max.reauth.ms; 0, the default, is no limit. */
  maxReauthMs?: number;
  /** Milliseconds since 1970, for the expiry of tokens. */
  epochMs?: () => number;
  /** Replaces the exchange of one mechanism, e.g. by a `HostileScramServer`. */
  custom?: Readonly<Record<string, () => SaslExchange>>;
}

/** Who may connect: one for a cluster, since its brokers share their users. */
export class SaslServer implements SaslPort {
  readonly mechanisms: readonly string[];
  readonly #users: ReadonlyMap<string, SaslUser>;
  readonly #tokens: TokenValidator | undefined;
  readonly #awsKeys: AwsKeys | undefined;
  readonly #scram: ScramCredentials;
  readonly #maxReauthMs: number;
  readonly #epochMs: () => number;
  readonly #custom: Readonly<Record<string, () => SaslExchange>>;

  constructor(options: SaslServerOptions) {
    const users = Object.entries(options.users ?? {}).map(
      ([name, user]) => [name, typeof user === 'string' ? { password: user } : user] as const,
    );
    this.#users = new Map(users);
    this.#tokens = options.tokens;
    this.#awsKeys = options.awsKeys;
    this.#scram = new ScramCredentials(this.#users, options.iterations ?? 4096);
    this.#maxReauthMs = options.maxReauthMs ?? 0;
    this.#epochMs = options.epochMs ?? Date.now;
    this.#custom = options.custom ?? {};
    this.mechanisms = options.mechanisms ?? [
      ...(users.length === 0 ? [] : ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']),
      ...(options.tokens === undefined ? [] : ['OAUTHBEARER']),
      ...(options.awsKeys === undefined ? [] : ['AWS_MSK_IAM']),
      ...Object.keys(this.#custom),
    ];
  }

  begin(mechanism: string): SaslExchange {
    const exchange = this.mechanisms.includes(mechanism) ? this.#exchangeFor(mechanism) : undefined;
    if (exchange === undefined) throw new RangeError(`the mechanism ${mechanism} is not offered here`);
    return { mechanism, next: (token) => this.#limited(exchange.next(token)) };
  }

  #exchangeFor(mechanism: string): SaslExchange | undefined {
    if (Object.hasOwn(this.#custom, mechanism)) return this.#custom[mechanism]!();
    switch (mechanism) {
      case 'PLAIN':
        return new PlainServer(this.#users);
      case 'SCRAM-SHA-256':
        return new ScramServer('sha256', this.#scram);
      case 'SCRAM-SHA-512':
        return new ScramServer('sha512', this.#scram);
      case 'OAUTHBEARER':
        return this.#tokens === undefined ? undefined : new OAuthBearerServer(this.#tokens, this.#epochMs);
      case 'AWS_MSK_IAM':
        return this.#awsKeys === undefined ? undefined : new AwsMskIamServer(this.#awsKeys, this.#epochMs);
      default:
        return undefined;
    }
  }

  /** KIP-368: a session ends with the token or at the broker's limit, whichever is first. */
  #limited(step: SaslStep): SaslStep {
    if (step.kind !== 'done') return step;
    const limits = [step.lifetimeMs, this.#maxReauthMs].filter((limit) => limit > 0);
    return { ...step, lifetimeMs: limits.length === 0 ? 0 : Math.min(...limits) };
  }
}
