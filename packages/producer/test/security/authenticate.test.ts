import { describe, expect, test } from 'vitest';
import { authenticate, reauthenticateAfterMs, type SaslExchange } from '../../src/security/authenticate.ts';
import { AuthenticationError } from '../../src/security/authentication-error.ts';
import type { SaslMechanism } from '../../src/security/mechanism.ts';
import { plain } from '../../src/security/plain.ts';
import { bytes, context, failure, utf8 } from './run-mechanism.ts';

const NOTHING = new Uint8Array(0);

/** A broker that accepts after so many rounds, and remembers what it was sent. */
function broker(answer: Partial<Awaited<ReturnType<SaslExchange['authenticate']>>> = {}, errorCode = 0) {
  const sent: string[] = [];
  const exchange: SaslExchange = {
    handshake: async (mechanism) => {
      sent.push(`handshake ${mechanism}`);
      return { errorCode, mechanisms: ['SCRAM-SHA-512', 'OAUTHBEARER'] };
    },
    authenticate: async (token) => {
      sent.push(utf8(token));
      return { errorCode: 0, errorMessage: null, authBytes: NOTHING, sessionLifetimeMs: 0n, ...answer };
    },
  };
  return { exchange, sent };
}

const credentials = plain({ username: 'alice', password: 'open sesame' });

describe('authenticate', () => {
  test('announces the mechanism, then lets it speak', async () => {
    const { exchange, sent } = broker();
    expect(await authenticate(credentials, context, exchange)).toEqual({ lifetimeMs: null });
    expect(sent).toEqual(['handshake PLAIN', '\0alice\0open sesame']);
  });

  test('reports the session lifetime of the last answer, within what a timer can hold', async () => {
    const lifetime = async (value: bigint) =>
      (await authenticate(credentials, context, broker({ sessionLifetimeMs: value }).exchange)).lifetimeMs;
    expect(await lifetime(5000n)).toBe(5000);
    expect(await lifetime(0n)).toBeNull();
    expect(await lifetime(-1n)).toBeNull();
    expect(await lifetime(2n ** 63n - 1n)).toBe(2 ** 31 - 1);
  });

  test('an unknown mechanism is refused at once, naming what the broker offers, and no credentials are sent', async () => {
    const { exchange, sent } = broker({}, 33);
    const error = await failure(authenticate(credentials, context, exchange));
    expect(error).toMatchObject({ code: 'UNSUPPORTED_SASL_MECHANISM', retriable: false });
    expect(error.message).toContain('SCRAM-SHA-512, OAUTHBEARER');
    expect(sent).toEqual(['handshake PLAIN']);
  });

  test('a listener without SASL says so, and no credentials are sent', async () => {
    const { exchange, sent } = broker({}, 34);
    const error = await failure(authenticate(credentials, context, exchange));
    expect(error).toMatchObject({ code: 'ILLEGAL_SASL_STATE', retriable: false });
    expect(sent).toHaveLength(1);
  });

  test('wrong credentials are permanent, with the broker’s words and without the password', async () => {
    const { exchange } = broker({ errorCode: 58, errorMessage: 'nobody has "open sesame" as password' });
    const error = await failure(authenticate(credentials, context, exchange));
    expect(error).toMatchObject({ code: 'SASL_AUTHENTICATION_FAILED', retriable: false });
    expect(error.message).toContain('broker-1.example:9093 does not accept these PLAIN credentials');
    expect(error.message).not.toMatch(/open|sesame/);
  });

  test('a mechanism that never ends is cut after a bounded number of rounds', async () => {
    const endless: SaslMechanism = {
      name: 'X',
      async *authenticate() {
        for (;;) yield bytes('again');
      },
    };
    const { exchange, sent } = broker({ authBytes: bytes('more') });
    expect(await failure(authenticate(endless, context, exchange))).toMatchObject({ code: 'SASL_PROTOCOL_VIOLATION' });
    expect(sent).toHaveLength(17);
  });

  test('an enormous answer does not reach the mechanism', async () => {
    const { exchange } = broker({ authBytes: new Uint8Array(300_000) });
    expect(await failure(authenticate(credentials, context, exchange))).toMatchObject({
      code: 'SASL_PROTOCOL_VIOLATION',
    });
  });

  test('a mechanism may explain a refusal but not overrule it', async () => {
    const stubborn: SaslMechanism = {
      name: 'X',
      async *authenticate() {
        try {
          yield bytes('a');
        } catch {
          yield bytes('never mind');
        }
      },
    };
    const { exchange, sent } = broker({ errorCode: 58 });
    expect(await failure(authenticate(stubborn, context, exchange))).toMatchObject({
      code: 'SASL_AUTHENTICATION_FAILED',
    });
    expect(sent).toEqual(['handshake X', 'a']);

    const telling: SaslMechanism = {
      name: 'X',
      async *authenticate() {
        try {
          yield bytes('a');
        } catch (cause) {
          throw new AuthenticationError('SASL_AUTHENTICATION_FAILED', 'ask the desk', { cause });
        }
      },
    };
    expect((await failure(authenticate(telling, context, exchange))).message).toBe('ask the desk');
  });

  test('a mechanism that hangs is left behind when the connection is given up', async () => {
    const hanging: SaslMechanism = {
      name: 'X',
      async *authenticate() {
        await new Promise(() => {});
      },
    };
    const giveUp = new AbortController();
    const refused = failure(authenticate(hanging, { ...context, signal: giveUp.signal }, broker().exchange));
    giveUp.abort();
    expect(await refused).toMatchObject({ code: 'SASL_CANCELLED', retriable: true });
  });

  test('a mechanism is cleaned up after a broken connection', async () => {
    let isCleanedUp = false;
    const tidy: SaslMechanism = {
      name: 'X',
      async *authenticate() {
        try {
          yield bytes('a');
        } finally {
          isCleanedUp = true;
        }
      },
    };
    const { exchange } = broker();
    const broken = { ...exchange, authenticate: () => Promise.reject(new Error('gone')) };
    expect((await failure(authenticate(tidy, context, broken))).message).toBe('gone');
    await new Promise((resolve) => setImmediate(resolve));
    expect(isCleanedUp).toBe(true);
  });

  test('what a broker offers cannot forge lines in the error', async () => {
    const exchange: SaslExchange = {
      ...broker().exchange,
      handshake: async () => ({ errorCode: 33, mechanisms: Array.from({ length: 5000 }, () => 'A\nB'.repeat(500)) }),
    };
    const { message } = await failure(authenticate(credentials, context, exchange));
    expect(message).not.toContain('\n');
    expect(message.length).toBeLessThan(10_000);
  });
});

test('re-authentication comes at 85 to 95 % of the session', () => {
  expect(reauthenticateAfterMs(5000, () => 0)).toBe(4250);
  expect(reauthenticateAfterMs(5000, () => 1)).toBe(4750);
  expect(reauthenticateAfterMs(1, () => 0.5)).toBe(100);
});
