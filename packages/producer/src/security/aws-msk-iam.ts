import { AuthenticationError } from './authentication-error.ts';
import type { SaslContext, SaslMechanism } from './mechanism.ts';

/** Options of AWS_MSK_IAM: who signs. */
export interface AwsMskIamOptions {
  /**
   * Signs `kafka-cluster:Connect` for that broker (Signature Version 4, service `kafka-cluster`, query form) and
   * gives the payload: the signed query fields in lower case, with `host`, `user-agent` and `action`. `mskIamSigner`
   * makes such a function.
   */
  sign: (broker: { host: string; signal: AbortSignal }) => AwsMskIamPayload | Promise<AwsMskIamPayload>;
}

/** The fields of a presigned request, in lower case. */
export type AwsMskIamPayload = Readonly<Record<string, string>>;

const VERSION = '2020_10_22';
const REQUIRED = [
  'host',
  'user-agent',
  'action',
  'x-amz-algorithm',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-expires',
  'x-amz-signedheaders',
  'x-amz-signature',
];

/**
 * Amazon MSK's own mechanism. MSK takes OAUTHBEARER too, with tokens from `aws-msk-iam-sasl-signer-js`, and
 * that is the shorter way: see the guide.
 */
export function awsMskIam({ sign }: AwsMskIamOptions): SaslMechanism {
  return {
    name: 'AWS_MSK_IAM',
    async *authenticate({ host, port, signal }: SaslContext) {
      const payload = await signed(sign, host, signal);
      const answer = yield Buffer.from(JSON.stringify({ version: VERSION, ...payload }), 'utf8');
      if (versionOf(answer) !== VERSION) {
        throw new AuthenticationError(
          'SASL_PROTOCOL_VIOLATION',
          `broker ${host}:${port} breaks the rules of AWS_MSK_IAM: its answer names no version ${VERSION}`,
        );
      }
    },
  };
}

async function signed(sign: AwsMskIamOptions['sign'], host: string, signal: AbortSignal): Promise<AwsMskIamPayload> {
  let payload: AwsMskIamPayload;
  try {
    payload = await sign({ host, signal });
  } catch (error) {
    // The signer's own text may quote credentials.
    const name = error instanceof Error && /^[A-Za-z]{1,40}$/.test(error.name) ? error.name : 'Error';
    throw new AuthenticationError('SASL_TOKEN_UNAVAILABLE', `the AWS_MSK_IAM signer failed: ${name}`, {
      retriable: true,
    });
  }
  const missing = REQUIRED.filter((field) => typeof payload?.[field] !== 'string');
  if (missing.length > 0) {
    throw new AuthenticationError(
      'SASL_AUTHENTICATION_FAILED',
      `the AWS_MSK_IAM signer gave a payload without ${missing.join(', ')}`,
    );
  }
  return payload;
}

function versionOf(answer: Uint8Array): unknown {
  try {
    return (JSON.parse(Buffer.from(answer.subarray(0, 8192)).toString('utf8')) as { version?: unknown } | null)
      ?.version;
  } catch {
    return undefined;
  }
}
