import { describe, expect, test } from 'vitest';
import { allowList, notAllowedText, resolveAddress, unreachableText } from '../../src/security/address-policy.ts';
import { failure } from './run-mechanism.ts';

const broker = { host: 'kafka-1.internal', port: 9092 };

describe('U09: resolveBroker', () => {
  test('without it, a broker is where its cluster says it is', async () => {
    expect(await resolveAddress(undefined, broker, 1)).toEqual({ connectTo: broker, serverName: broker.host });
  });

  test('it is asked with host, port and node, and keeps the original TLS name unless told otherwise', async () => {
    const asked: unknown[] = [];
    const to = { host: '127.0.0.1', port: 19092 };
    const resolve = (...args: unknown[]) => {
      asked.push(args);
      return to;
    };
    expect(await resolveAddress(resolve, broker, 7)).toEqual({ connectTo: to, serverName: 'kafka-1.internal' });
    expect(asked).toEqual([['kafka-1.internal', 9092, 7]]);
    expect(await resolveAddress(async () => ({ ...to, serverName: 'lb.example' }), broker, null)).toEqual({
      connectTo: to,
      serverName: 'lb.example',
    });
    expect(await resolveAddress(() => undefined, broker, 1)).toMatchObject({ connectTo: broker });
  });

  test.each([
    null,
    {},
    { host: '', port: 1 },
    { host: 'a', port: 0 },
    { host: 'a', port: 70_000 },
    { host: 'a', port: '1' },
  ])('the answer %o is refused by name', async (route) => {
    const error = await failure(resolveAddress(() => route as never, broker, 1));
    expect(error.message).toContain('"resolveBroker"');
  });
});

describe('the allow-list of advertised addresses', () => {
  const bootstrap = [{ host: 'boot.example', port: 9092 }];

  test('absent, it allows all', () => {
    expect(allowList(undefined, bootstrap)('169.254.169.254', 80, 1)).toBe(true);
  });

  test.each([
    ['kafka-1.internal', 'kafka-1.internal', 9092, true],
    ['kafka-1.internal', 'KAFKA-1.internal.', 1, true],
    ['kafka-1.internal:9092', 'kafka-1.internal', 9092, true],
    ['kafka-1.internal:9092', 'kafka-1.internal', 22, false],
    ['*.internal', 'kafka-1.internal', 9092, true],
    ['*.internal', 'a.b.internal', 9092, true],
    ['*.internal', 'internal', 9092, false],
    ['*.internal', 'evilinternal', 9092, false],
    ['*.internal', 'kafka.internal.evil.example', 9092, false],
    ['*.1', '10.0.0.1', 9092, false],
    ['10.0.0.1', '10.0.0.1', 9092, true],
    ['10.0.0.1', '169.254.169.254', 9092, false],
    ['[::1]:9092', '::1', 9092, true],
    ['[::1]:9092', '0:0:0:0:0:0:0:1', 9092, true],
    ['[fe80::1]', 'fe80::2', 9092, false],
  ] as const)('%s, asked for %s:%i, says %s', (entry, host, port, isAllowed) => {
    expect(allowList([entry], [])(host, port, 1)).toBe(isAllowed);
  });

  test('bootstrap addresses need no entry', () => {
    expect(allowList([], bootstrap)('Boot.example', 9092, 1)).toBe(true);
    expect(allowList([], bootstrap)('boot.example', 9093, 1)).toBe(false);
  });

  test('a function decides by itself', () => {
    expect(allowList((_host, port, node) => port === 1 && node === 2, [])('x', 1, 2)).toBe(true);
  });

  test.each(['', 'a*b', '*', 'host:0', 'host:70000', 'host:port', 'http://x', 'a b'])(
    'the entry %o is refused',
    (entry) => {
      expect(() => allowList([entry], [])).toThrow(/allowedBrokers/);
    },
  );
});

test('U09: an unreachable broker is named with its node, and so is the bootstrap', () => {
  const text = unreachableText(broker, 3, [{ host: '::1', port: 9092 }], { host: '10.1.1.1', port: 5 });
  expect(text).toContain('advertised address kafka-1.internal:9092 of node 3 is unreachable (tried as 10.1.1.1:5)');
  expect(text).toContain('bootstrap was [::1]:9092');
  expect(notAllowedText(broker, 3)).toContain('node 3 at kafka-1.internal:9092');
});
