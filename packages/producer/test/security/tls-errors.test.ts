import { describe, expect, test } from 'vitest';
import { sniName, tlsConnector } from '../../src/security/tls.ts';
import { explainTlsError, isTlsRecord, peerSpeaksTls } from '../../src/security/tls-errors.ts';

const broker = { host: 'kafka-1.example', port: 9093, nodeId: 4 };
const coded = (code: string, more: object = {}) => Object.assign(new Error(code), { code, ...more });

describe('what a failed TLS connection means', () => {
  test.each([
    ['CERT_HAS_EXPIRED', 'TLS_CERTIFICATE_EXPIRED', 'expired', false],
    ['CERT_NOT_YET_VALID', 'TLS_CERTIFICATE_EXPIRED', 'clocks', false],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'TLS_CERTIFICATE_NOT_TRUSTED', '"tls.ca"', false],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'TLS_CERTIFICATE_NOT_TRUSTED', 'authority', false],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'PEER_DOES_NOT_SPEAK_TLS', 'does not speak TLS', false],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'TLS_CLIENT_CERTIFICATE_REFUSED', 'certificate required', false],
    ['ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN', 'TLS_CLIENT_CERTIFICATE_REFUSED', 'certificate unknown', false],
    ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'TLS_CLIENT_CERTIFICATE_REFUSED', 'bad certificate', false],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'TLS_CLIENT_CERTIFICATE_REFUSED', 'unknown ca', false],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'TLS_VERSION_REFUSED', '1.2 and 1.3', false],
    ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'TLS_HANDSHAKE_FAILED', 'client certificate', false],
    ['ERR_SSL_SOMETHING_NEW', 'TLS_HANDSHAKE_FAILED', 'something new', false],
    ['ECONNRESET', 'PEER_DOES_NOT_SPEAK_TLS', 'does not speak TLS', true],
  ])('%s is %s', (code, expected, words, retriable) => {
    const error = explainTlsError(coded(code), broker);
    expect(error).toMatchObject({ code: expected, retriable });
    expect(error!.message).toMatch(/^broker 4 at kafka-1\.example:9093: /);
    expect(error!.message).toContain(words);
  });

  test('P38: a wrong name is told with the broker, the name expected and the names there are', () => {
    const cert = { subject: { CN: 'x' }, subjectaltname: 'DNS:a.example, DNS:b.example, IP Address:10.0.0.1' };
    const error = explainTlsError(coded('ERR_TLS_CERT_ALTNAME_INVALID', { host: 'kafka-1.example', cert }), broker);
    expect(error).toMatchObject({ code: 'TLS_NAME_MISMATCH', retriable: false });
    expect(error!.message).toContain('broker 4 at kafka-1.example:9093');
    expect(error!.message).toContain('not for "kafka-1.example" but for "a.example", "b.example", "10.0.0.1"');
  });

  test('a certificate with thousands of names gives a short text', () => {
    const subjectaltname = Array.from({ length: 5000 }, (_, i) => `DNS:n${i}.example`).join(', ');
    const error = explainTlsError(coded('ERR_TLS_CERT_ALTNAME_INVALID', { cert: { subjectaltname } }), broker);
    expect(error!.message.length).toBeLessThan(1000);
    expect(error!.message).toContain('4990 more');
  });

  test('other failures, and a loss after the handshake, are not TLS’s', () => {
    expect(explainTlsError(coded('ECONNREFUSED'), broker)).toBeNull();
    const secured = { isSecured: true, bytesRead: 3000 };
    expect(explainTlsError(coded('ECONNRESET'), broker, secured)).toBeNull();
    expect(explainTlsError(null, broker, secured)).toBeNull();
  });

  test('a peer that has greeted back does speak TLS, even if it ends without a reason', () => {
    const error = explainTlsError(coded('ECONNRESET'), broker, { isSecured: false, bytesRead: 1500 });
    expect(error).toMatchObject({ code: 'TLS_HANDSHAKE_FAILED', retriable: true });
    expect(error!.message).toContain('"tls.cert"');
  });

  test('an alert as first bytes betrays a peer that speaks TLS', () => {
    expect(isTlsRecord(Buffer.from([0x15, 3, 3, 0, 2, 2, 0x50]))).toBe(true);
    expect(isTlsRecord(Buffer.from([0x16, 3, 1]))).toBe(true);
    expect(isTlsRecord(Buffer.from([0, 0, 0, 42, 0, 0]))).toBe(false);
    expect(isTlsRecord(Buffer.from([0x15]))).toBe(false);
    expect(peerSpeaksTls('kafka-1.example:9092').message).toContain('it speaks TLS and this client does not');
  });
});

describe('TLS options', () => {
  const connectTo = { host: '127.0.0.1', port: 19093 };

  test('P38: the name sent is the broker’s own at each connect, and none for addresses', async () => {
    const connect = tlsConnector(true);
    const names = ['a.example', 'b.example', '10.0.0.1', '::1', 'fe80::1%eth0'].map(
      async (host) => (await connect({ ...broker, host }, connectTo)).servername,
    );
    expect(await Promise.all(names)).toEqual(['a.example', 'b.example', '', '', '']);
    expect(sniName('dotted.example.')).toBe('dotted.example');
  });

  test('P38: the user’s object is never mutated, frozen or not', async () => {
    const ca = ['x'];
    const options = Object.freeze({ rejectUnauthorized: false, ALPNProtocols: ca });
    const connect = tlsConnector(options);
    const first = await connect(broker, connectTo);
    const second = await connect({ ...broker, host: 'other.example' }, connectTo);
    expect(first).not.toBe(second);
    expect(options).toEqual({ rejectUnauthorized: false, ALPNProtocols: ['x'] });
    expect(first).toMatchObject({ rejectUnauthorized: false, servername: 'kafka-1.example', ...connectTo });
  });

  test('a function is asked at each connect, and may answer by broker', async () => {
    let calls = 0;
    const connect = tlsConnector(({ nodeId }) => {
      calls++;
      return nodeId === 4 ? { servername: 'four.example' } : {};
    });
    expect((await connect(broker, connectTo)).servername).toBe('four.example');
    expect((await connect({ ...broker, nodeId: 5 }, connectTo)).servername).toBe('kafka-1.example');
    expect(calls).toBe(2);
  });

  test.each([
    ['tls.minVersion', { minVersion: 'TLSv1.1' }],
    ['tls.maxVersion', { maxVersion: 'TLSv1' }],
    ['tls.host', { host: 'x' }],
    ['tls.secureProtocol', { secureProtocol: 'TLSv1_method' }],
    ['tls.servername', { servername: 7 }],
    ['tls', 'yes'],
    ['tls', { ca: 'x', cert: 'no certificate' }],
    ['tls', { pfx: Buffer.from('no pfx'), passphrase: 'hunter2' }],
  ])('%s is refused by name before anything is sent', (option, options) => {
    expect(() => tlsConnector(options as never)).toThrow(
      expect.objectContaining({ option, message: expect.not.stringContaining('hunter2') }),
    );
  });
});
