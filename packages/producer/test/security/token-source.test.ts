import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { AuthenticationError } from '../../src/security/authentication-error.ts';
import { type OAuthToken, TokenSource } from '../../src/security/token-source.ts';
import { failure } from './run-mechanism.ts';
import { VirtualTime } from './virtual-time.ts';

const forever = new AbortController().signal;

/** A provider that answers by a script, and counts. */
function scripted(...answers: (() => OAuthToken | Promise<OAuthToken>)[]) {
  const provider = Object.assign(
    () => {
      const answer = answers[Math.min(provider.calls, answers.length - 1)]!;
      provider.calls++;
      return answer();
    },
    { calls: 0 },
  );
  return provider;
}

describe('P37: tokens outlive a failing provider', () => {
  test('ten connections at once share one call', async () => {
    const time = new VirtualTime();
    const provider = scripted(() => ({ value: 'one', expiresAtMs: time.epochMs() + 60_000 }));
    const source = new TokenSource(provider, { clock: time });
    const tokens = await Promise.all(Array.from({ length: 10 }, () => source.get(forever)));
    expect(provider.calls).toBe(1);
    expect(new Set(tokens.map((token) => token.value.reveal()))).toEqual(new Set(['one']));
  });

  test('a provider that throws once is asked again, after a pause', async () => {
    const time = new VirtualTime();
    const provider = scripted(
      () => {
        throw new Error('once');
      },
      () => ({ value: 'two', expiresAtMs: time.epochMs() + 60_000 }),
    );
    const token = new TokenSource(provider, { clock: time }).get(forever);
    await time.pass(99);
    expect(provider.calls).toBe(1);
    await time.pass(1);
    expect((await token).value.reveal()).toBe('two');
  });

  test('the old token serves to its very end while refreshes fail, and the pauses between them grow', async () => {
    const time = new VirtualTime();
    const failing = () => {
      throw new Error('down');
    };
    const provider = scripted(() => ({ value: 'old', expiresAtMs: time.epochMs() + 100_000 }), failing);
    const source = new TokenSource(provider, { clock: time });
    await source.get(forever);
    await time.pass(80_000);
    const callsAt: number[] = [];
    for (let second = 80; second < 98; second++) {
      const token = source.get(forever);
      await time.pass(0);
      expect((await token).value.reveal()).toBe('old');
      callsAt.push(provider.calls);
      await time.pass(1000);
    }
    // 0.1 + 0.2 + … s apart: many seconds passed with one call each at first, then fewer.
    expect(provider.calls).toBeGreaterThan(4);
    expect(provider.calls).toBeLessThan(10);
    await time.pass(3000);
    const late = failure(source.get(forever));
    await time.pass(40_000);
    expect(await late).toMatchObject({ code: 'SASL_TOKEN_UNAVAILABLE', retriable: true });
  });

  test('refreshing does not stop for good: when the provider is well again its token is taken', async () => {
    const time = new VirtualTime();
    let isDown = false;
    let count = 0;
    const source = new TokenSource(
      () => {
        if (isDown) throw new Error('down');
        return { value: `t${++count}`, expiresAtMs: time.epochMs() + 100_000 };
      },
      { clock: time },
    );
    await source.get(forever);
    isDown = true;
    await time.pass(85_000);
    for (let i = 0; i < 3; i++) {
      const token = source.get(forever);
      await time.pass(2000);
      expect((await token).value.reveal()).toBe('t1');
    }
    isDown = false;
    await time.pass(2000);
    const fresh = source.get(forever);
    await time.pass(0);
    expect((await fresh).value.reveal()).toBe('t2');
  });

  test('a provider that hangs holds a connection up only briefly while the old token is good', async () => {
    const time = new VirtualTime();
    const provider = scripted(
      () => ({ value: 'old', expiresAtMs: time.epochMs() + 100_000 }),
      () => new Promise<OAuthToken>(() => {}),
    );
    const source = new TokenSource(provider, { clock: time });
    await source.get(forever);
    await time.pass(90_000);
    const token = source.get(forever);
    await time.pass(1000);
    expect((await token).value.reveal()).toBe('old');
  });

  test('without a token a hanging provider is given up after its time limit, told so, and asked again', async () => {
    const time = new VirtualTime();
    const signals: AbortSignal[] = [];
    const source = new TokenSource(
      ({ signal }) => {
        signals.push(signal);
        return new Promise<OAuthToken>(() => {});
      },
      { clock: time, providerTimeoutMs: 5000, tokenTimeoutMs: 12_000 },
    );
    const refused = failure(source.get(forever));
    await time.pass(5000);
    expect(signals[0]!.aborted).toBe(true);
    await time.pass(10_000);
    const error = await refused;
    expect(error).toMatchObject({ code: 'SASL_TOKEN_UNAVAILABLE', retriable: true });
    expect(error.message).toContain('within 5000 ms');
    expect(signals.length).toBeGreaterThan(1);
    // Its third call ends by its own limit: nothing stays behind.
    await time.pass(10_000);
    expect(time.timers).toBe(0);
  });

  test('an answer that comes later than asked is kept and saves the next call', async () => {
    const time = new VirtualTime();
    let answer: (token: OAuthToken) => void = () => {};
    const provider = scripted(
      () => new Promise<OAuthToken>((resolve) => (answer = resolve)),
      () => {
        throw new Error('must not be needed');
      },
    );
    const source = new TokenSource(provider, { clock: time, providerTimeoutMs: 1000, tokenTimeoutMs: 1000 });
    const refused = failure(source.get(forever));
    await time.pass(1500);
    expect((await refused).code).toBe('SASL_TOKEN_UNAVAILABLE');
    answer({ value: 'late', expiresAtMs: time.epochMs() + 60_000 });
    await time.pass(0);
    expect((await source.get(forever)).value.reveal()).toBe('late');
    expect(provider.calls).toBe(1);
  });

  test('an expired token from the provider is not used, and the error says so', async () => {
    const time = new VirtualTime();
    const provider = scripted(() => ({ value: 'stale', expiresAtMs: time.epochMs() - 1 }));
    const refused = failure(new TokenSource(provider, { clock: time, tokenTimeoutMs: 1000 }).get(forever));
    await time.pass(2000);
    expect((await refused).message).toContain('has ended');
  });

  test('a token the broker rejected is not presented again', async () => {
    const time = new VirtualTime();
    const provider = scripted(
      () => ({ value: 'bad', expiresAtMs: time.epochMs() + 60_000 }),
      () => ({ value: 'good', expiresAtMs: time.epochMs() + 60_000 }),
    );
    const source = new TokenSource(provider, { clock: time });
    source.reject(await source.get(forever));
    expect((await source.get(forever)).value.reveal()).toBe('good');
  });
});

describe('a token provider', () => {
  test('whose failure is final is not asked in a loop', async () => {
    const time = new VirtualTime();
    const provider = scripted(() => {
      throw new AuthenticationError('SASL_AUTHENTICATION_FAILED', 'wrong client secret');
    });
    const error = await failure(new TokenSource(provider, { clock: time }).get(forever));
    expect(error).toMatchObject({ message: 'wrong client secret', retriable: false });
    expect(provider.calls).toBe(1);
  });

  test('may throw anything, and its words do not get into the error', async () => {
    const time = new VirtualTime();
    for (const thrown of [
      new Error('token=hunter2'),
      'hunter2',
      Object.assign(new TypeError('hunter2'), { code: 'ECONNREFUSED' }),
    ]) {
      const provider = scripted(() => {
        throw thrown;
      });
      const refused = failure(new TokenSource(provider, { clock: time, tokenTimeoutMs: 50 }).get(forever));
      await time.pass(1000);
      expect(inspect(await refused, { depth: 9 })).not.toContain('hunter2');
    }
  });

  test('may leave the expiry to the claim in a JWT', async () => {
    const time = new VirtualTime();
    const claims = Buffer.from(JSON.stringify({ exp: time.epochMs() / 1000 + 100 })).toString('base64url');
    const provider = scripted(() => ({ value: `e30.${claims}.c2ln` }));
    const source = new TokenSource(provider, { clock: time });
    await source.get(forever);
    await time.pass(79_000);
    await source.get(forever);
    expect(provider.calls).toBe(1);
    await time.pass(2000);
    await source.get(forever);
    expect(provider.calls).toBe(2);
  });

  test('is asked each time for a token without any expiry', async () => {
    const provider = scripted(() => ({ value: 'opaque' }));
    const source = new TokenSource(provider, { clock: new VirtualTime() });
    await source.get(forever);
    await source.get(forever);
    expect(provider.calls).toBe(2);
  });

  test.each([
    ['no value', {}],
    ['an empty value', { value: '' }],
    ['a value with a space', { value: 'a b' }],
    ['a value with a control character', { value: 'a\u0001b' }],
    ['an expiry that is no number', { value: 'a', expiresAtMs: 'soon' }],
    ['an extension named auth', { value: 'a', extensions: { auth: 'x' } }],
    ['an extension with a control character', { value: 'a', extensions: { x: '\u0001' } }],
    ['nothing', undefined],
  ])('that gives %s is refused by name', async (_what, answer) => {
    const time = new VirtualTime();
    const provider = scripted(() => answer as OAuthToken);
    const refused = failure(new TokenSource(provider, { clock: time, tokenTimeoutMs: 50 }).get(forever));
    await time.pass(1000);
    expect(await refused).toMatchObject({ code: 'SASL_TOKEN_UNAVAILABLE' });
    expect((await refused).message).toMatch(/^the token provider gave /);
  });

  test('leaves no timer and no listener behind when the connection is given up', async () => {
    const time = new VirtualTime();
    const source = new TokenSource(() => new Promise<OAuthToken>(() => {}), { clock: time, providerTimeoutMs: 1000 });
    const giveUp = new AbortController();
    const refused = failure(source.get(giveUp.signal));
    await time.pass(10);
    giveUp.abort();
    expect(await refused).toMatchObject({ code: 'SASL_CANCELLED' });
    await time.pass(1000);
    expect(time.timers).toBe(0);
  });
});
