import { createHash, createHmac } from 'node:crypto';
import type { AwsMskIamOptions, AwsMskIamPayload } from './aws-msk-iam.ts';
import { configError } from './config-error.ts';

/** A key of Amazon's, as its SDK calls the parts. */
export interface AwsCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  /** With keys that are lent for a while. */
  sessionToken?: string;
}

/** Who signs for which region. */
export interface MskIamSignerOptions {
  /** Of the cluster, e.g. `eu-west-1`. */
  region: string;
  /** A key, or a function that is asked at each authentication: for keys that change, any provider of Amazon's SDK. */
  credentials: AwsCredentials | (() => AwsCredentials | Promise<AwsCredentials>);
  /** Shown to policies as `aws:UserAgent`: `kiel`. */
  userAgent?: string;
  /** How long a signature may be used, in seconds: 900, which is the most that MSK takes. */
  lifetimeSeconds?: number;
}

const algorithm = 'AWS4-HMAC-SHA256';
const service = 'kafka-cluster';
const action = 'kafka-cluster:Connect';
const signedHeaders = 'host';
const longestSeconds = 900;

/**
 * The `sign` of `AWS_MSK_IAM`: Signature Version 4 of a request without a body, in its query form.
 *
 * @throws ConfigError for a region or a lifetime that cannot be.
 */
export function mskIamSigner(options: MskIamSignerOptions, epochMs: () => number = Date.now): AwsMskIamOptions['sign'] {
  const { region, credentials, userAgent = 'kiel', lifetimeSeconds = longestSeconds } = options;
  if (typeof region !== 'string' || !/^[a-z0-9-]+$/.test(region)) {
    throw configError('sasl.sign', 'needs a region such as "eu-west-1"');
  }
  if (!Number.isInteger(lifetimeSeconds) || lifetimeSeconds < 1 || lifetimeSeconds > longestSeconds) {
    throw configError('sasl.sign', `needs lifetimeSeconds from 1 to ${longestSeconds}`);
  }
  return async ({ host }) => {
    const key = typeof credentials === 'function' ? await credentials() : credentials;
    const date = new Date(epochMs()).toISOString().replace(/[-:]|\.\d+/g, '');
    const scope = [date.slice(0, 8), region, service, 'aws4_request'];
    const query: Record<string, string> = {
      Action: action,
      'X-Amz-Algorithm': algorithm,
      'X-Amz-Credential': `${key.accessKeyId}/${scope.join('/')}`,
      'X-Amz-Date': date,
      'X-Amz-Expires': String(lifetimeSeconds),
      ...(key.sessionToken === undefined ? {} : { 'X-Amz-Security-Token': key.sessionToken }),
      'X-Amz-SignedHeaders': signedHeaders,
    };
    const payload: Record<string, string> = { host, 'user-agent': userAgent };
    for (const [name, value] of Object.entries(query)) payload[name.toLowerCase()] = value;
    payload['x-amz-signature'] = signature(query, host, date, scope, key.secretAccessKey);
    return payload satisfies AwsMskIamPayload;
  };
}

function signature(
  query: Readonly<Record<string, string>>,
  host: string,
  date: string,
  scope: readonly string[],
  secret: string,
): string {
  const sorted = Object.entries(query)
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .sort();
  const request = ['GET', '/', sorted.join('&'), `host:${host}`, '', signedHeaders, sha256('')].join('\n');
  const text = [algorithm, date, scope.join('/'), sha256(request)].join('\n');
  let key: string | Buffer = `AWS4${secret}`;
  for (const part of scope) key = createHmac('sha256', key).update(part, 'utf8').digest();
  return createHmac('sha256', key).update(text, 'utf8').digest('hex');
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** As Amazon wants it: all but letters, digits and `-._~`. */
function encoded(text: string): string {
  const asHex = (mark: string) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replace(/[!'()*]/g, asHex);
}
