import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import type { SaslExchange, SaslStep } from '../session.ts';

/** Secret access keys by access key id; with the session token, if there has to be one. */
export type AwsKeys = Readonly<Record<string, string | { secretAccessKey: string; sessionToken: string }>>;

const VERSION = '2020_10_22';
const LONGEST_SECONDS = 900;
/** How far clocks may be apart. */
const SKEW_MS = 300_000;
const SIGNED = [
  ['Action', 'action'],
  ['X-Amz-Algorithm', 'x-amz-algorithm'],
  ['X-Amz-Credential', 'x-amz-credential'],
  ['X-Amz-Date', 'x-amz-date'],
  ['X-Amz-Expires', 'x-amz-expires'],
  ['X-Amz-Security-Token', 'x-amz-security-token'],
  ['X-Amz-SignedHeaders', 'x-amz-signedheaders'],
] as const;

/** Amazon MSK's half of AWS_MSK_IAM: the fields of a presigned request, whose signature is made here once more. */
export class AwsMskIamServer implements SaslExchange {
  readonly mechanism = 'AWS_MSK_IAM';
  readonly #keys: AwsKeys;
  readonly #epochMs: () => number;

  constructor(keys: AwsKeys, epochMs: () => number) {
    this.#keys = keys;
    this.#epochMs = epochMs;
  }

  next(token: Uint8Array): SaslStep {
    const fields = fieldsOf(token);
    const problem = fields === null ? 'the payload is no JSON object of texts' : this.#problem(fields);
    if (problem !== null) return { kind: 'failed', reason: `[${randomUUID()}]: Access denied: ${problem}` };
    const answer = JSON.stringify({ version: VERSION, 'request-id': randomUUID() });
    const principal = fields!['x-amz-credential']!.split('/')[0]!;
    return { kind: 'done', token: Buffer.from(answer, 'utf8'), principal, lifetimeMs: 0 };
  }

  #problem(fields: Readonly<Record<string, string>>): string | null {
    const expected = {
      version: VERSION,
      action: 'kafka-cluster:Connect',
      'x-amz-algorithm': 'AWS4-HMAC-SHA256',
      'x-amz-signedheaders': 'host',
    };
    for (const [name, value] of Object.entries(expected)) if (fields[name] !== value) return `${name} is not ${value}`;
    for (const name of ['host', 'user-agent', 'x-amz-signature']) if (!fields[name]) return `${name} is missing`;
    const date = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(fields['x-amz-date'] ?? '');
    const seconds = Number(fields['x-amz-expires']);
    if (date === null) return 'x-amz-date is no date';
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > LONGEST_SECONDS) return 'x-amz-expires is out of range';
    const [year, month, ...rest] = date.slice(1).map(Number) as [number, number, number, number, number, number];
    const signedMs = Date.UTC(year, month - 1, ...rest);
    const nowMs = this.#epochMs();
    if (signedMs > nowMs + SKEW_MS) return 'it was signed in the future';
    if (signedMs + seconds * 1000 < nowMs) return 'it has expired';
    const [id = '', ...scope] = (fields['x-amz-credential'] ?? '').split('/');
    if (scope.length !== 4 || scope[0] !== date[0].slice(0, 8)) return 'the scope is of another day';
    if (scope[2] !== 'kafka-cluster' || scope[3] !== 'aws4_request') return 'the scope is of another service';
    const key = Object.hasOwn(this.#keys, id) ? this.#keys[id]! : null;
    if (key === null) return 'the key is not known';
    const { secretAccessKey, sessionToken } =
      typeof key === 'string' ? { secretAccessKey: key, sessionToken: undefined } : key;
    if (fields['x-amz-security-token'] !== sessionToken) return 'the session token is another one';
    const signature = Buffer.from(signatureOf(fields, scope, secretAccessKey), 'hex');
    const given = Buffer.from(fields['x-amz-signature']!, 'hex');
    return given.length === signature.length && timingSafeEqual(given, signature) ? null : 'the signature is wrong';
  }
}

function fieldsOf(token: Uint8Array): Record<string, string> | null {
  try {
    const fields: unknown = JSON.parse(Buffer.from(token).toString('utf8'));
    if (typeof fields !== 'object' || fields === null) return null;
    return Object.values(fields).every((each) => typeof each === 'string') ? (fields as Record<string, string>) : null;
  } catch {
    return null;
  }
}

function signatureOf(fields: Readonly<Record<string, string>>, scope: readonly string[], secret: string): string {
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const mac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const query = SIGNED.filter(([, field]) => fields[field] !== undefined)
    .map(([name, field]) => `${name}=${escapeAll(fields[field]!)}`)
    .join('&');
  const request = `GET\n/\n${query}\nhost:${fields['host']}\n\nhost\n${hash('')}`;
  const text = `AWS4-HMAC-SHA256\n${fields['x-amz-date']}\n${scope.join('/')}\n${hash(request)}`;
  const key = scope.reduce<string | Buffer>(mac, `AWS4${secret}`);
  return mac(key, text).toString('hex');
}

/** Byte by byte, since this half shares nothing with a client's. */
function escapeAll(text: string): string {
  let escaped = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const mark = String.fromCharCode(byte);
    escaped += /[A-Za-z0-9._~-]/.test(mark) ? mark : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return escaped;
}
