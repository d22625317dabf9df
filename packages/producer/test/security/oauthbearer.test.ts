import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { authenticate } from '../../src/security/authenticate.ts';
import { oauthBearer } from '../../src/security/oauthbearer.ts';
import { bytes, context, failure, talk } from './run-mechanism.ts';

const never = Number.MAX_SAFE_INTEGER;

describe('OAUTHBEARER', () => {
  test('sends the token and its extensions as RFC 7628 and KIP-342 say', async () => {
    const mechanism = oauthBearer({
      token: () => ({ value: 'abc.def', expiresAtMs: never, extensions: { logicalCluster: 'lkc-1', pool: 'p' } }),
    });
    expect(await talk(mechanism, [''])).toEqual([
      'n,,\x01auth=Bearer abc.def\x01logicalCluster=lkc-1\x01pool=p\x01\x01',
    ]);
    const actingAs = oauthBearer({ token: () => ({ value: 't', expiresAtMs: never }), authorizationId: 'a,b' });
    expect(await talk(actingAs, [''])).toEqual(['n,a=a=2Cb,\x01auth=Bearer t\x01\x01']);
  });

  test("P37: the broker's reason is shown, and the token is not", async () => {
    const token = 'ey7SuperSecretTokenValue42';
    let calls = 0;
    const mechanism = oauthBearer({
      token: () => {
        calls++;
        return { value: token, expiresAtMs: never };
      },
    });
    const attempt = () =>
      authenticate(mechanism, context, {
        handshake: async () => ({ errorCode: 0, mechanisms: [] }),
        authenticate: async (sent) =>
          sent.length > 1
            ? {
                errorCode: 0,
                errorMessage: null,
                authBytes: bytes(`{"status":"invalid_token","scope":"kafka","was":"${token}"}`),
                sessionLifetimeMs: 0,
              }
            : { errorCode: 58, errorMessage: `refused ${token}`, authBytes: new Uint8Array(0), sessionLifetimeMs: 0 },
      });
    const error = await failure(attempt());
    expect(error).toMatchObject({ code: 'SASL_AUTHENTICATION_FAILED', retriable: false });
    expect(error.message).toContain('status "invalid_token", scope "kafka"');
    expect(inspect(error, { depth: 9 })).not.toContain(token);
    await failure(attempt());
    expect(calls).toBe(2);
  });

  test.each(['not json', '[]', 'null', '{"status":7}', '{"status":{"a":"b"}}'])(
    'an unreadable reason (%s) is a refusal all the same',
    async (reason) => {
      const mechanism = oauthBearer({ token: () => ({ value: 't', expiresAtMs: never }) });
      const error = await failure(talk(mechanism, [reason, '']));
      expect(error.code).toBe('SASL_AUTHENTICATION_FAILED');
      expect(error.message).toContain('no readable reason');
    },
  );

  test('the client acknowledges a refusal with one byte before it gives up', async () => {
    const mechanism = oauthBearer({ token: () => ({ value: 't', expiresAtMs: never }) });
    expect((await talk(mechanism, ['{"status":"x"}']))[1]).toBe('\x01');
  });
});
