import { expect, test } from 'vitest';
import { type ConfigError, createProducer, type ProducerOptions } from '../src/index.ts';
import { readAddress, readOptions } from '../src/options.ts';

function problem(options: unknown): ConfigError {
  try {
    createProducer(options as ProducerOptions);
  } catch (error) {
    expect(error).toMatchObject({ name: 'ConfigError', code: 'INVALID_CONFIG', retriable: false });
    return error as ConfigError;
  }
  throw new Error('it was accepted');
}

const brokers = ['localhost:9092'];

test.each([
  ['requierdAcks', 'requiredAcks'],
  ['acks', 'requiredAcks'],
  ['linger.ms', 'lingerMs'],
  ['bootstrap.servers', 'brokers'],
  ['compresion', 'compression'],
  ['retrybackoffms', 'retryBackoffMs'],
  ['ssl', 'tls'],
])('an option that does not exist is named, with the nearest right name: %s', (wrong, right) => {
  const error = problem({ brokers, [wrong]: 1 });
  expect(error.option).toBe(wrong);
  expect(error.message).toContain(`did you mean "${right}"?`);
});

test('a name like no option has no suggestion', () => {
  expect(problem({ brokers, xyzzyplugh: 1 }).message).not.toContain('did you mean');
});

test.each([
  ['brokers', []],
  ['brokers', 7],
  ['brokers', ['http://host:9092']],
  ['brokers', ['host:0']],
  ['brokers', ['host:99999']],
  ['brokers', [7]],
  ['clientId', ''],
  ['serializer', 'json'],
  ['partitioner', 'sticky'],
  ['batchSize', 0],
  ['batchSize', 1.5],
  ['compression', 'brotli'],
  ['requiredAcks', 2],
  ['idempotent', 'yes'],
  ['maxInFlight', 0],
  ['tls', 'on'],
  ['sasl', 'plain'],
  ['compressionMode', 'fast'],
])('a value that %s cannot have is refused by name: %o', (option, value) => {
  expect(problem({ brokers, [option]: value }).option).toBe(option);
});

test.each([
  'lingerMs',
  'ackTimeout',
  'maxBlockMs',
  'deliveryTimeoutMs',
  'requestTimeoutMs',
  'retryBackoffMs',
  'retryBackoffMaxMs',
  'metadataMaxAgeMs',
  'connectionsMaxIdleMs',
  'connectionSetupTimeoutMs',
])('P20: %s is a number of milliseconds that a timer can hold', (option) => {
  for (const value of [Number.NaN, -1, Number.POSITIVE_INFINITY, 2 ** 31, '100', null, 10n]) {
    const error = problem({ brokers, [option]: value });
    expect(error.option).toBe(option);
    expect(error.message).toContain('2147483647');
  }
});

test('idempotence needs all acknowledgements and at most five in flight, and says so', () => {
  expect(problem({ brokers, idempotent: true, requiredAcks: 1 }).option).toBe('requiredAcks');
  expect(problem({ brokers, idempotent: true, requiredAcks: 0 }).option).toBe('requiredAcks');
  expect(problem({ brokers, idempotent: true, maxInFlight: 6 }).option).toBe('maxInFlight');
});

test('fewer acknowledgements without a word on idempotence turn it off', () => {
  expect(readOptions({ brokers, requiredAcks: 1 }).idempotent).toBe(false);
  expect(readOptions({ brokers, maxInFlight: 10 }).idempotent).toBe(false);
  expect(readOptions({ brokers }).idempotent).toBe(true);
});

test('options that contradict each other are refused', () => {
  expect(problem({ brokers, retryBackoffMs: 500, retryBackoffMaxMs: 100 }).option).toBe('retryBackoffMaxMs');
  expect(problem({ brokers, reconnectBackoffMs: 500, reconnectBackoffMaxMs: 100 }).option).toBe(
    'reconnectBackoffMaxMs',
  );
  expect(problem({ brokers, lingerMs: 5_000, deliveryTimeoutMs: 1_000 }).option).toBe('lingerMs');
  expect(problem({ brokers, batchBytes: 2_000_000 }).option).toBe('batchBytes');
  expect(problem({ brokers, compression: 'gzip', compressionLevel: 12 }).option).toBe('compressionLevel');
  expect(problem({ brokers, compressionLevel: 3 }).option).toBe('compressionLevel');
});

test('a wrong secret is not repeated in the error', () => {
  const error = problem({ brokers, sasl: { mechanism: 'plain', username: 'u', password: 'hunter2\0' } });
  expect(error.option).toBe('sasl.password');
  expect(error.message).not.toContain('hunter2');
});

test("the defaults are kiel's, and those every Kafka user knows", () => {
  expect(readOptions({ brokers })).toMatchObject({
    clientId: 'kiel',
    batchSize: 1,
    lingerMs: 0,
    compression: null,
    requiredAcks: -1,
    ackTimeout: 500,
    idempotent: true,
    bufferBytes: 33_554_432,
    maxBlockMs: 60_000,
    maxInFlight: 5,
    deliveryTimeoutMs: 120_000,
    requestTimeoutMs: 30_000,
  });
  expect(readOptions({ brokers, lingerMs: 20 }).batchSize).toBe(Number.POSITIVE_INFINITY);
  expect(readOptions({ brokers, batchSize: 100 }).lingerMs).toBe(5_000);
});

test.each([
  ['localhost', { host: 'localhost', port: 9092 }],
  ['kafka-1.example.com:9093', { host: 'kafka-1.example.com', port: 9093 }],
  ['[::1]:9094', { host: '::1', port: 9094 }],
  ['::1', { host: '::1', port: 9092 }],
  ['[2001:db8::7]', { host: '2001:db8::7', port: 9092 }],
  ['PLAINTEXT://host:9092', null],
  ['host:port', null],
  ['a:b:c', null],
  ['', null],
])('the address %s', (text, address) => {
  expect(readAddress(text)).toEqual(address);
});

test('brokers may be one text with commas', () => {
  expect(readOptions({ brokers: 'a:1, b:2' }).brokers).toEqual([
    { host: 'a', port: 1 },
    { host: 'b', port: 2 },
  ]);
});
