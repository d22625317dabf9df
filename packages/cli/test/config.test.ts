import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { connectionFrom, parseAddress } from '../src/config/connection-options.ts';
import { clientSettings, jaasOptions } from '../src/config/java-settings.ts';
import { parseProperties } from '../src/config/properties.ts';

const folder = mkdtempSync(join(tmpdir(), 'kiel-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const settings = (properties: Record<string, string>) => clientSettings(new Map(Object.entries(properties)));

test('a properties file is read as Java reads it', () => {
  const text = [
    '# comment',
    '  ! also one',
    '',
    'a=1',
    'b : two words  ',
    'c three',
    'd=',
    'e',
    'long = one, \\',
    '       two, \\',
    '  three',
    'path=C:\\\\temp\\tx',
    'k\\=ey=v\\u00e4lue',
    'ends=with\\\\',
    'last=ok',
  ].join('\r\n');
  expect(Object.fromEntries(parseProperties(text))).toEqual({
    a: '1',
    b: 'two words  ',
    c: 'three',
    d: '',
    e: '',
    long: 'one, two, three',
    path: 'C:\\temp\tx',
    'k=ey': 'välue',
    ends: 'with\\',
    last: 'ok',
  });
});

test('producer settings of Java become kiel’s options, and a consumer’s are passed over', () => {
  expect(
    settings({
      'bootstrap.servers': 'a:1, b:2',
      acks: 'all',
      'compression.type': 'none',
      'linger.ms': '7',
      'batch.size': '32768',
      'enable.idempotence': 'false',
      'group.id': 'x',
      'auto.offset.reset': 'earliest',
    }),
  ).toEqual({
    brokers: ['a:1', 'b:2'],
    producer: { requiredAcks: -1, compression: null, lingerMs: 7, batchBytes: 32_768, idempotent: false },
  });
});

test('a JAAS line gives user and password, quotes and escapes included', () => {
  const line =
    'org.apache.kafka.common.security.scram.ScramLoginModule required username="al\\"ice" password=\'p;w=x\' tokenauth=true;';
  expect(Object.fromEntries(jaasOptions(line))).toEqual({ username: 'al"ice', password: 'p;w=x', tokenauth: 'true' });
  expect(
    settings({ 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'SCRAM-SHA-512', 'sasl.jaas.config': line }),
  ).toMatchObject({
    tls: {},
    sasl: { mechanism: 'SCRAM-SHA-512', username: 'al"ice', password: 'p;w=x', delegationToken: true },
  });
});

test('PEM stores are taken, a PKCS#12 key store too, and a Java store says how to convert it', () => {
  const pem = file('ca.pem', '-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n');
  const p12 = file('key.p12', Buffer.from([0x30, 0x82, 1]));
  const jks = file('old.jks', Buffer.from([0xfe, 0xed, 0xfe, 0xed]));
  expect(
    settings({
      'security.protocol': 'SSL',
      'ssl.truststore.location': pem,
      'ssl.keystore.location': p12,
      'ssl.keystore.password': 'secret',
      'ssl.enabled.protocols': 'TLSv1.2,TLSv1.3',
    }).tls,
  ).toMatchObject({
    ca: expect.stringContaining('BEGIN CERTIFICATE'),
    pfx: Buffer.from([0x30, 0x82, 1]),
    passphrase: 'secret',
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
  });
  expect(() => settings({ 'security.protocol': 'SSL', 'ssl.truststore.location': p12 })).toThrow('it is damaged');
  expect(() => settings({ 'security.protocol': 'SSL', 'ssl.keystore.location': jks })).toThrow('of type JKS');
});

test('names are verified unless the file says in so many words that they are not', () => {
  expect(settings({ 'security.protocol': 'SSL' }).tls).not.toHaveProperty('checkServerIdentity');
  const open = settings({ 'security.protocol': 'SSL', 'ssl.endpoint.identification.algorithm': '' });
  expect(open.tls).toHaveProperty('checkServerIdentity');
});

test.each([
  [{ 'security.protocol': 'TLS' }, 'security.protocol is TLS'],
  [{ 'ssl.engine.factory.class': 'x' }, 'ssl.engine.factory.class is not supported'],
  [{ 'linger.ms': 'soon' }, 'linger.ms is "soon"'],
  [{ 'reconnect.backoff.ms': 'x' }, 'reconnect.backoff.ms is "x"'],
  [{ 'enable.idempotence': 'yes' }, 'neither true nor false'],
  [{ 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanism': 'PLAIN' }, 'needs a user name and a password'],
  [{ 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'OAUTHBEARER' }, 'OAUTHBEARER is not supported'],
  [{ 'security.protocol': 'SSL', 'ssl.enabled.protocols': 'TLSv1' }, 'None of the TLS versions'],
  [{ 'security.protocol': 'SSL', 'ssl.truststore.location': '/nowhere' }, 'there is no such file'],
])('%j is refused by name', (properties, reason) => {
  expect(() => settings(properties as Record<string, string>)).toThrow(reason);
  try {
    settings(properties as Record<string, string>);
  } catch (error) {
    expect(error).toMatchObject({ exitCode: 2 });
  }
});

test('a flag wins over -X, and -X over the file', () => {
  const config = file('client.properties', 'bootstrap.servers=file:1\nlinger.ms=1\nacks=1\n');
  expect(connectionFrom({ config }, {}).brokers).toEqual(['file:1']);
  const connection = connectionFrom({ config, brokers: 'flag:2', property: ['linger.ms=9'] }, {});
  expect(connection).toMatchObject({ brokers: ['flag:2'], producer: { lingerMs: 9, requiredAcks: 1 } });
});

test('a misspelt name after -X is refused, and in a file told; what is another client’s is passed over there', () => {
  const refusal = (property: string) => {
    try {
      connectionFrom({ brokers: 'h', property: [property] }, {});
    } catch (error) {
      const { message, hint, exitCode } = error as Error & { hint: string; exitCode: number };
      return [message, hint, exitCode];
    }
    throw new Error('it was taken');
  };
  expect(refusal('lingr.ms=5')).toEqual(['-X lingr.ms is no setting that kiel knows.', 'Did you mean linger.ms?', 2]);
  expect(refusal('auto.offset.reset=earliest')).toEqual([
    '-X auto.offset.reset is no setting that kiel knows.',
    expect.stringContaining('passed over'),
    2,
  ]);
  const config = file('misspelt.properties', 'batch.sise=1\ngroup.id=x\nkey.serializer=y\nlinger.ms=3\n');
  const warnings: string[] = [];
  connectionFrom({ brokers: 'h', config }, {}, (text) => warnings.push(text));
  expect(warnings).toEqual([`${config}: batch.sise is not a setting, and is passed over. Did you mean batch.size?`]);
});

test('security by flags: the password comes from the environment, never from the command line', () => {
  const env = { KIEL_SASL_PASSWORD: 'a"b\\c' };
  expect(connectionFrom({ brokers: 'h', tls: true, saslUsername: 'me' }, env)).toMatchObject({
    tls: {},
    sasl: { mechanism: 'PLAIN', username: 'me', password: 'a"b\\c' },
  });
  expect(() => connectionFrom({ brokers: 'h', saslUsername: 'me' }, {})).toThrow('needs a password');
});

test('no broker at all is said with the ways to name one', () => {
  expect(() => connectionFrom({}, {})).toThrow(
    expect.objectContaining({ exitCode: 2, hint: expect.stringContaining('KIEL_BROKERS') }),
  );
});

test('addresses with and without port, IPv6 and protocol prefix are understood, others refused', () => {
  expect(parseAddress('kafka')).toEqual({ host: 'kafka', port: 9092 });
  expect(parseAddress('SASL_SSL://kafka:9094')).toEqual({ host: 'kafka', port: 9094 });
  expect(parseAddress('[::1]:7')).toEqual({ host: '::1', port: 7 });
  for (const text of ['', 'a:b', 'a:0', 'a:70000', 'http://x/y', '::1:9092', 'a b']) {
    expect(() => parseAddress(text), text).toThrow('is not an address');
  }
});

/** A truststore of one certificate, made by keytool with `-storetype JKS -storepass secret1`. */
const jks = Buffer.from(
  '/u3+7QAAAAIAAAABAAAAAgACY2EAAAGiENsirwAFWC41MDkAAAEyMIIBLjCB1aADAgECAgg1k2GjXTFj5zAKBggqhkjOPQQDAjAM' +
    'MQowCAYDVQQDEwF4MB4XDTI2MTEyNTAzNTg0NFoXDTI3MDIyMzAzNTg0NFowDDEKMAgGA1UEAxMBeDBZMBMGByqGSM49AgEGCCqG' +
    'SM49AwEHA0IABK7OYjK1i77O/3igHqHHjKNzlO24BusbMQA5Ul/gCJ/2HLS4Ig+yWM9bPJyxQgYB4ESDcNm0Ut30CcKe0fvq2SCj' +
    'ITAfMB0GA1UdDgQWBBTnZrgTXAkDzs04uUGCcPxfuqMWBTAKBggqhkjOPQQDAgNIADBFAiEAhw7wqmKhSlqx3ugwj7edaOxdnYK5' +
    'dl+KkV5LWu33uCgCIEcuJa42e5fKlP+gWOOXmFE6gW5/TZBRaqF9V4sKq5bGX5vHsE2v5uqCL7bJ01AhvqWfAlg=',
  'base64',
);
const certificate =
  'MIIBLjCB1aADAgECAgg1k2GjXTFj5zAKBggqhkjOPQQDAjAMMQowCAYDVQQDEwF4MB4XDTI2MTEyNTAzNTg0NFoXDTI3MDIyMzAz' +
  'NTg0NFowDDEKMAgGA1UEAxMBeDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABK7OYjK1i77O/3igHqHHjKNzlO24BusbMQA5Ul/g' +
  'CJ/2HLS4Ig+yWM9bPJyxQgYB4ESDcNm0Ut30CcKe0fvq2SCjITAfMB0GA1UdDgQWBBTnZrgTXAkDzs04uUGCcPxfuqMWBTAKBggq' +
  'hkjOPQQDAgNIADBFAiEAhw7wqmKhSlqx3ugwj7edaOxdnYK5dl+KkV5LWu33uCgCIEcuJa42e5fKlP+gWOOXmFE6gW5/TZBRaqF9' +
  'V4sKq5bG';

test('a JKS truststore gives its certificates, and its password proves that nobody changed them', () => {
  const location = file('trust.jks', jks);
  const ssl = { 'security.protocol': 'SSL', 'ssl.truststore.location': location };
  const ca = (password?: string) =>
    String(settings({ ...ssl, ...(password === undefined ? {} : { 'ssl.truststore.password': password }) }).tls!.ca);
  const pem = ca('secret1').split('\n');
  expect(pem[0]).toBe('-----BEGIN CERTIFICATE-----');
  expect(pem.filter((line) => !line.startsWith('-')).join('')).toBe(certificate);
  expect(ca()).toBe(ca('secret1'));
  expect(() => ca('secret2')).toThrow(`The truststore ${location} cannot be read: the password does not fit`);
  const changed = Buffer.from(jks);
  changed[150]! ^= 1;
  file('trust.jks', changed);
  expect(() => ca('secret1')).toThrow('the password does not fit, or the store was changed');
  for (let end = 24; end < jks.length; end += 7) {
    file('trust.jks', jks.subarray(0, end));
    expect(() => ca()).toThrow(`The truststore ${location} cannot be read: `);
  }
});

test('a store that only Java reads comes with the line that turns it into PEM', () => {
  const refusal = (properties: Record<string, string>) => {
    try {
      settings({ 'security.protocol': 'SSL', ...properties });
    } catch (error) {
      const { message, hint } = error as Error & { hint: string };
      return `${message} ${hint}`;
    }
    throw new Error('it was taken');
  };
  const keys = file('keys.jks', jks);
  expect(refusal({ 'ssl.keystore.location': keys })).toContain(
    `keytool -importkeystore -srckeystore ${keys} -destkeystore client.p12 -deststoretype PKCS12`,
  );
  const text = file('notes.txt', 'no certificate');
  expect(refusal({ 'ssl.truststore.location': text })).toContain(`${text} holds no certificate.`);
  expect(refusal({ 'security.protcol': 'SSL' })).toContain('Did you mean security.protocol?');
  expect(refusal({ 'ssl.engine.factory.class': 'x' })).toContain('Of ssl.* it knows ssl.truststore.type');
});
