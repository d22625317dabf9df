import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/errors.ts';
import { type SaslOptions, saslMechanism } from '../../src/security/sasl-options.ts';
import { context } from './run-mechanism.ts';

const user = { username: 'u', password: 'p' };

describe('the option "sasl"', () => {
  test.each([
    [{ mechanism: 'plain', ...user }, 'PLAIN'],
    [{ mechanism: 'PLAIN', ...user }, 'PLAIN'],
    [{ mechanism: 'scram-sha-256', ...user }, 'SCRAM-SHA-256'],
    [{ mechanism: 'SCRAM-SHA-512', ...user }, 'SCRAM-SHA-512'],
    [{ mechanism: 'oauthbearer', token: () => ({ value: 't' }) }, 'OAUTHBEARER'],
    [{ mechanism: 'aws-msk-iam', sign: () => ({}) }, 'AWS_MSK_IAM'],
    [{ mechanism: 'AWS_MSK_IAM', sign: () => ({}) }, 'AWS_MSK_IAM'],
    [{ mechanism: 'gssapi' }, 'GSSAPI'],
  ] as [SaslOptions, string][])('%o is %s', (options, name) => {
    expect(saslMechanism(options).name).toBe(name);
  });

  test('a mechanism of one’s own is taken as it is', () => {
    const own = {
      name: 'MINE',
      async *authenticate() {
        yield new Uint8Array([1]);
      },
    };
    expect(saslMechanism({ mechanism: own })).toBe(own);
  });

  test.each([
    [null, 'sasl'],
    ['plain', 'sasl'],
    [{}, 'sasl.mechanism'],
    [{ mechanism: 'plane', ...user }, 'sasl.mechanism'],
    [{ mechanism: 'constructor', ...user }, 'sasl.mechanism'],
    [{ mechanism: { name: '' } }, 'sasl.mechanism.name'],
    [{ mechanism: { name: 'X' } }, 'sasl.mechanism.authenticate'],
    [{ mechanism: 'plain', password: 'p' }, 'sasl.username'],
    [{ mechanism: 'plain', username: 'u', password: '' }, 'sasl.password'],
    [{ mechanism: 'plain', username: 'u', password: 7 }, 'sasl.password'],
    [{ mechanism: 'plain', username: 'u\0', password: 'p' }, 'sasl.username'],
    [{ mechanism: 'plain', ...user, user: 'x' }, 'sasl.user'],
    [{ mechanism: 'scram-sha-256', ...user, minIterations: 0 }, 'sasl.minIterations'],
    [{ mechanism: 'oauthbearer' }, 'sasl.token'],
    [{ mechanism: 'oauthbearer', token: () => ({ value: '' }), refreshAfter: 2 }, 'sasl.refreshAfter'],
    [{ mechanism: 'aws-msk-iam' }, 'sasl.sign'],
    [{ mechanism: 'gssapi', serviceName: '' }, 'sasl.serviceName'],
  ])('%o is refused by the name %s', (options, name) => {
    let thrown: unknown;
    try {
      saslMechanism(options as SaslOptions);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ConfigError);
    expect(thrown).toMatchObject({ option: name });
  });

  test('no refusal shows a value', () => {
    for (const options of [
      { mechanism: 'plain', username: 'u', password: 'hunter2\0' },
      { mechanism: 'plain', username: 'u', password: ['hunter2'] },
      { mechanism: 'hunter2', username: 'u', password: 'hunter2' },
    ]) {
      expect(() => saslMechanism(options as unknown as SaslOptions)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
      );
    }
  });

  test('later changes to the options object change nothing', async () => {
    const options = { mechanism: 'plain' as const, username: 'u', password: 'before' };
    const mechanism = saslMechanism(options);
    options.password = 'after';
    const { value } = await mechanism.authenticate(context).next();
    expect(Buffer.from(value as Uint8Array).toString()).toBe('\0u\0before');
  });
});

test('the types forbid what the checks refuse', () => {
  const refused: SaslOptions[] = [
    // @ts-expect-error no password
    { mechanism: 'plain', username: 'u' },
    // @ts-expect-error no such mechanism
    { mechanism: 'plane', username: 'u', password: 'p' },
    // @ts-expect-error PLAIN has no iterations
    { mechanism: 'plain', username: 'u', password: 'p', minIterations: 1 },
    // @ts-expect-error no provider
    { mechanism: 'oauthbearer' },
    // @ts-expect-error a token is an object with a value
    { mechanism: 'oauthbearer', token: () => 7 },
  ];
  for (const options of refused.slice(0, 4)) expect(() => saslMechanism(options)).toThrow(ConfigError);
});
