import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { awsMskIam } from '../../src/security/aws-msk-iam.ts';
import { gssapi, type KerberosModule } from '../../src/security/gssapi.ts';
import { mskIamSigner } from '../../src/security/msk-iam-signer.ts';
import { context, failure, talk } from './run-mechanism.ts';

const payload = {
  host: 'broker-1.example',
  action: 'kafka-cluster:Connect',
  'user-agent': 'kiel',
  'x-amz-algorithm': 'AWS4-HMAC-SHA256',
  'x-amz-credential': 'AKIA/20260101/eu-west-1/kafka-cluster/aws4_request',
  'x-amz-date': '20260101T000000Z',
  'x-amz-expires': '900',
  'x-amz-signedheaders': 'host',
  'x-amz-signature': 'ff',
};

describe('AWS_MSK_IAM', () => {
  test('has the payload signed for the broker it talks to', async () => {
    const hosts: string[] = [];
    const mechanism = awsMskIam({
      sign: ({ host }) => {
        hosts.push(host);
        return payload;
      },
    });
    const [sent] = await talk(mechanism, ['{"version":"2020_10_22","request-id":"x"}']);
    expect(JSON.parse(sent!)).toEqual({ version: '2020_10_22', ...payload });
    expect(hosts).toEqual([context.host]);
  });

  test.each(['', '{}', 'null', 'nonsense', '{"version":"2019"}'])('the answer %o is no acceptance', async (answer) => {
    expect(await failure(talk(awsMskIam({ sign: () => payload }), [answer]))).toMatchObject({
      code: 'SASL_PROTOCOL_VIOLATION',
    });
  });

  test('a signer that fails can be tried again and its words stay hidden; an incomplete payload is final', async () => {
    const failing = awsMskIam({
      sign: () => {
        throw new Error('secret access key hunter2');
      },
    });
    const error = await failure(talk(failing, []));
    expect(error).toMatchObject({ code: 'SASL_TOKEN_UNAVAILABLE', retriable: true });
    expect(inspect(error, { depth: 9 })).not.toContain('hunter2');
    const { 'x-amz-date': _date, ...incomplete } = payload;
    const refused = await failure(talk(awsMskIam({ sign: () => incomplete }), []));
    expect(refused).toMatchObject({ retriable: false });
    expect(refused.message).toContain('x-amz-date');
  });
});

describe('the signer of AWS_MSK_IAM', () => {
  const credentials = { accessKeyId: 'X'.repeat(20), secretAccessKey: 'X'.repeat(40) };
  const epochMs = () => 1_629_321_911_000;

  // What Python's client signs with the same key at the same second.
  test.each([
    [undefined, '0fa42ae3d5693777942a7a4028b564f0b372bafa2f71c1a19ad60680e6cb994b'],
    ['XXXXX', 'b0619c50b7ecb4a7f6f92bd5f733770df5710e97b25146f97015c0b1db783b05'],
  ])('signs as others do, with the session token %s', async (sessionToken, signature) => {
    const key = { ...credentials, ...(sessionToken === undefined ? {} : { sessionToken }) };
    const sign = mskIamSigner({ region: 'us-east-1', credentials: () => key, userAgent: 'kafka-python' }, epochMs);
    const mechanism = awsMskIam({ sign: (broker) => sign({ ...broker, host: 'localhost' }) });
    const [sent] = await talk(mechanism, ['{"version":"2020_10_22","request-id":"x"}']);
    expect(JSON.parse(sent!)).toEqual({
      version: '2020_10_22',
      host: 'localhost',
      'user-agent': 'kafka-python',
      action: 'kafka-cluster:Connect',
      'x-amz-algorithm': 'AWS4-HMAC-SHA256',
      'x-amz-credential': 'XXXXXXXXXXXXXXXXXXXX/20210818/us-east-1/kafka-cluster/aws4_request',
      'x-amz-date': '20210818T212511Z',
      'x-amz-signedheaders': 'host',
      'x-amz-expires': '900',
      'x-amz-signature': signature,
      ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
    });
  });

  test('refuses a region or a lifetime that cannot be, and shows no key', () => {
    expect(() => mskIamSigner({ region: 'EU west', credentials })).toThrow('needs a region such as "eu-west-1"');
    expect(() => mskIamSigner({ region: 'eu-west-1', credentials, lifetimeSeconds: 901 })).toThrow('from 1 to 900');
    const mechanism = awsMskIam({ sign: mskIamSigner({ region: 'eu-west-1', credentials }) });
    expect(inspect(mechanism, { depth: 9, showHidden: true })).not.toContain('X'.repeat(40));
  });
});

/** Kerberos in two steps, then a security layer, everything wrapped in `<>`. */
function fakeKerberos(offer: readonly number[], calls: string[] = []): KerberosModule {
  return {
    initializeClient: async (service, options) => {
      calls.push(`${service} ${JSON.stringify(options)}`);
      let step = 0;
      return {
        get contextComplete() {
          return step === 2;
        },
        username: 'alice@REALM',
        step: async (challenge) => {
          step++;
          calls.push(`step ${Buffer.from(challenge, 'base64').toString()}`);
          return step === 1 ? Buffer.from('ticket').toString('base64') : null;
        },
        unwrap: async () => Buffer.from(offer).toString('base64'),
        wrap: async (message) =>
          Buffer.from(`<${Buffer.from(message, 'base64').toString('latin1')}>`).toString('base64'),
      };
    },
  };
}

describe('GSSAPI', () => {
  test('sends the ticket, then declines a security layer and names the user (RFC 4752)', async () => {
    const calls: string[] = [];
    const sent = await talk(gssapi({ kerberos: fakeKerberos([7, 0, 1, 0], calls) }), ['mutual', '<layers>', '']);
    expect(sent).toEqual(['ticket', '', '<\x01\0\0\0alice@REALM>']);
    expect(calls).toEqual(['kafka@broker-1.example {}', 'step ', 'step mutual']);
  });

  test('a broker that insists on a security layer is refused', async () => {
    const error = await failure(talk(gssapi({ kerberos: fakeKerberos([4, 0, 0, 0]) }), ['mutual', 'x', '']));
    expect(error).toMatchObject({ code: 'SASL_AUTHENTICATION_FAILED', retriable: false });
  });

  test('without the package "kerberos" the error says what to install, and only on use', async () => {
    const error = await failure(talk(gssapi(), []));
    expect(error).toMatchObject({ code: 'SASL_MECHANISM_NOT_INSTALLED', retriable: false });
    expect(error.message).toContain('npm install kerberos');
  });
});
