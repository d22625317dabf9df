import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { awsMskIam } from '../../src/security/aws-msk-iam.ts';
import { gssapi, type KerberosModule } from '../../src/security/gssapi.ts';
import { context, failure, talk } from './run-mechanism.ts';

const payload = {
  host: 'broker-1.example',
  action: 'kafka-cluster:Connect',
  'user-agent': 'kiel',
  'x-amz-algorithm': 'AWS4-HMAC-SHA256',
  'x-amz-credential': 'AKIA/20260101/eu-west-1/kafka-cluster/aws4_request',
  'x-amz-date': '20260101T000000Z',
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
