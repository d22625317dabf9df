import { type AwsMskIamOptions, awsMskIam } from './aws-msk-iam.ts';
import { configError } from './config-error.ts';
import { type GssapiOptions, gssapi } from './gssapi.ts';
import type { SaslMechanism } from './mechanism.ts';
import { type OAuthBearerOptions, oauthBearer } from './oauthbearer.ts';
import { type PlainOptions, plain } from './plain.ts';
import { type ScramOptions, scramSha256, scramSha512 } from './scram.ts';
import type { TokenClock } from './token-source.ts';

/** The producer's `sasl` option. `mechanism` in any case; or a mechanism of your own. */
export type SaslOptions =
  | ({ mechanism: 'plain' | 'PLAIN' } & PlainOptions)
  | ({ mechanism: 'scram-sha-256' | 'SCRAM-SHA-256' | 'scram-sha-512' | 'SCRAM-SHA-512' } & ScramOptions)
  | ({ mechanism: 'oauthbearer' | 'OAUTHBEARER' } & OAuthBearerOptions)
  | ({ mechanism: 'aws-msk-iam' | 'AWS_MSK_IAM' } & AwsMskIamOptions)
  | ({ mechanism: 'gssapi' | 'GSSAPI' } & GssapiOptions)
  | { mechanism: SaslMechanism };

type Kind = 'derivation' | 'text' | 'filled' | 'boolean' | 'function' | 'object' | 'count' | 'fraction';
type Shape = Readonly<Record<string, { kind: Kind; required?: true }>>;

const text = { kind: 'text' } as const;
const filled = { kind: 'filled', required: true } as const;
const count = { kind: 'count' } as const;

const scram: Shape = {
  username: filled,
  password: filled,
  delegationToken: { kind: 'boolean' },
  authorizationId: text,
  normalize: { kind: 'function' },
  minIterations: count,
  maxIterations: count,
  derivation: { kind: 'derivation' },
  nonce: { kind: 'function' },
};

const shapes: Readonly<Record<string, Shape>> = {
  PLAIN: { username: filled, password: filled, authorizationId: text },
  'SCRAM-SHA-256': scram,
  'SCRAM-SHA-512': scram,
  OAUTHBEARER: {
    token: { kind: 'function', required: true },
    authorizationId: text,
    providerTimeoutMs: count,
    tokenTimeoutMs: count,
    refreshAfter: { kind: 'fraction' },
    clock: { kind: 'object' },
  },
  AWS_MSK_IAM: { sign: { kind: 'function', required: true } },
  GSSAPI: { serviceName: { kind: 'filled' }, principal: { kind: 'filled' }, kerberos: { kind: 'object' } },
};

/**
 * Turns the option into the mechanism that all connections of one producer share.
 *
 * @param clock - the producer's, if it has one of its own: tokens then live on the same time.
 * @throws ConfigError that names the option, and never its value.
 */
export function saslMechanism(options: SaslOptions, clock?: TokenClock): SaslMechanism {
  if (typeof options !== 'object' || options === null) throw configError('sasl', 'must be an object');
  const { mechanism } = options;
  if (typeof mechanism === 'object' && mechanism !== null) {
    if (typeof mechanism.name !== 'string' || mechanism.name === '') {
      throw configError('sasl.mechanism.name', 'must be the name that goes over the wire');
    }
    if (typeof mechanism.authenticate !== 'function') {
      throw configError('sasl.mechanism.authenticate', 'must be an async generator function');
    }
    return mechanism;
  }
  const name = typeof mechanism === 'string' ? mechanism.toUpperCase().replace('AWS-MSK-IAM', 'AWS_MSK_IAM') : '';
  const shape = Object.hasOwn(shapes, name) ? shapes[name] : undefined;
  if (shape === undefined) {
    throw configError(
      'sasl.mechanism',
      'must be "plain", "scram-sha-256", "scram-sha-512", "oauthbearer", "aws-msk-iam", "gssapi" or a mechanism of your own',
    );
  }
  check(options as unknown as Readonly<Record<string, unknown>>, name, shape);
  const derivation = clock === undefined ? 'threaded' : 'inline';
  switch (name) {
    case 'PLAIN':
      return plain(options as PlainOptions);
    case 'SCRAM-SHA-256':
      return scramSha256({ derivation, ...(options as ScramOptions) });
    case 'SCRAM-SHA-512':
      return scramSha512({ derivation, ...(options as ScramOptions) });
    case 'OAUTHBEARER':
      return oauthBearer({ ...(clock === undefined ? {} : { clock }), ...(options as OAuthBearerOptions) });
    case 'AWS_MSK_IAM':
      return awsMskIam(options as AwsMskIamOptions);
    default:
      return gssapi(options as GssapiOptions);
  }
}

function check(options: Readonly<Record<string, unknown>>, mechanism: string, shape: Shape): void {
  for (const [key, { kind, required }] of Object.entries(shape)) {
    const value = options[key];
    if (value === undefined) {
      if (required) throw configError(`sasl.${key}`, `is missing: ${mechanism} needs it`);
      continue;
    }
    const problem = problemOf(kind, value);
    if (problem !== null) throw configError(`sasl.${key}`, problem);
  }
  for (const key of Object.keys(options)) {
    if (key === 'mechanism' || Object.hasOwn(shape, key)) continue;
    throw configError(`sasl.${key}`, `is not known for ${mechanism}, which has ${Object.keys(shape).join(', ')}`);
  }
  if (mechanism === 'PLAIN') {
    for (const key of ['username', 'password', 'authorizationId']) {
      // RFC 4616 separates the parts by a zero byte.
      if (String(options[key]).includes('\0')) throw configError(`sasl.${key}`, 'must not hold a zero character');
    }
  }
}

function problemOf(kind: Kind, value: unknown): string | null {
  switch (kind) {
    case 'text':
      return typeof value === 'string' ? null : 'must be text';
    case 'derivation':
      return value === 'inline' || value === 'threaded' ? null : 'must be "inline" or "threaded"';
    case 'filled':
      return typeof value === 'string' && value !== '' ? null : 'must be text, and not empty';
    case 'boolean':
      return typeof value === 'boolean' ? null : 'must be true or false';
    case 'function':
      return typeof value === 'function' ? null : 'must be a function';
    case 'object':
      return (typeof value === 'object' || typeof value === 'function') && value !== null ? null : 'must be an object';
    case 'count':
      return Number.isSafeInteger(value) && (value as number) > 0 ? null : 'must be a whole number above 0';
    case 'fraction':
      return typeof value === 'number' && value > 0 && value < 1 ? null : 'must be a number between 0 and 1';
  }
}
