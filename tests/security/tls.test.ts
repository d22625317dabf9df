import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { explainTlsError, type TlsError, type TlsOptions, tlsConnector } from '@kiel/producer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Authority, type Certificate } from './certificates.ts';
import { secrets } from './secrets.ts';
import { type Peer, plainPeer, tlsPeer } from './tls-peers.ts';

let authority: Authority;
let server: Certificate;
const names = ['kafka-1.example', 'kafka-2.example', 'kafka-3.example'];

beforeAll(() => {
  authority = new Authority();
  server = authority.issue({ name: 'broker', alternatives: [...names.map((name) => `DNS:${name}`), 'IP:127.0.0.1'] });
});
afterAll(() => authority[Symbol.dispose]());

/** One connection to `peer`, as the producer makes it to the broker `host`. */
async function connect(peer: Peer, host: string, options: TlsOptions): Promise<'secured' | TlsError> {
  const broker = { host, port: peer.port, nodeId: 7 };
  const socket = connectTls(await tlsConnector(options)(broker, { host: '127.0.0.1', port: peer.port }));
  let isSecured = false;
  let bytesRead = 0;
  socket.once('error', () => {
    bytesRead = socket.bytesRead;
  });
  try {
    await once(socket, 'secureConnect');
    isSecured = true;
    // With TLS 1.3 a refused client certificate is told only afterwards.
    socket.resume().end('hello');
    await once(socket, 'close');
    return 'secured';
  } catch (error) {
    const explained = explainTlsError(error as Error, broker, { isSecured, bytesRead });
    if (explained === null) throw error;
    return explained;
  } finally {
    socket.destroy();
  }
}

/** A peer that answers a greeting and closes. */
const greeting = (options: object) => tlsPeer(options, (socket) => socket.on('end', () => socket.end('bye')));

describe('P38: the server name', () => {
  test('is that broker’s host on each of three connects, also when verification is off', async () => {
    await using peer = await greeting(server);
    for (const rejectUnauthorized of [true, false]) {
      const options = { ca: authority.ca, rejectUnauthorized };
      for (const name of names) expect(await connect(peer, name, options)).toBe('secured');
    }
    expect(peer.names).toEqual([...names, ...names]);
  });

  test('is left out for an address, which is verified all the same', async () => {
    await using peer = await greeting(server);
    expect(await connect(peer, '127.0.0.1', { ca: authority.ca })).toBe('secured');
    expect(await connect(peer, '127.0.0.9', { ca: authority.ca })).toMatchObject({ code: 'TLS_NAME_MISMATCH' });
    expect(peer.names[0]).toBe('');
    expect(new Set(peer.names).size).toBe(1);
  });

  test('can be overridden for all brokers, or by a function for one', async () => {
    await using peer = await greeting(server);
    expect(await connect(peer, 'tunnel.example', { ca: authority.ca, servername: names[1]! })).toBe('secured');
    const byBroker: TlsOptions = ({ nodeId }) => ({ ca: authority.ca, servername: nodeId === 7 ? names[2]! : 'x' });
    expect(await connect(peer, 'tunnel.example', byBroker)).toBe('secured');
    expect(peer.names).toEqual([names[1], names[2]]);
  });

  test('that the certificate does not have is an error with the broker and the names there are', async () => {
    await using peer = await greeting(server);
    const error = (await connect(peer, 'elsewhere.example', { ca: authority.ca })) as TlsError;
    expect(error).toMatchObject({ code: 'TLS_NAME_MISMATCH', retriable: false });
    expect(error.message).toContain(`broker 7 at elsewhere.example:${peer.port}`);
    for (const name of [...names, '127.0.0.1']) expect(error.message).toContain(`"${name}"`);
    expect(peer.received()).toHaveLength(0);
  });

  test('the user’s object stays as it was', async () => {
    await using peer = await greeting(server);
    const options = { ca: [authority.ca], minVersion: 'TLSv1.3' as const };
    const before = structuredClone(options);
    await connect(peer, names[0]!, Object.freeze(options));
    expect(options).toEqual(before);
  });

  test('a certificate that changes between connects is asked for each time, and the new one is presented', async () => {
    const seen: string[] = [];
    const material = { ...server, ca: authority.ca, requestCert: true };
    await using peer = await tlsPeer(material, (socket) => {
      seen.push(String(socket.getPeerCertificate().subject.CN));
      socket.on('end', () => socket.end());
    });
    let generation = 0;
    const options: TlsOptions = () => {
      const { key, cert } = authority.issue({ name: `client-${++generation}` });
      return { ca: authority.ca, key, cert };
    };
    await connect(peer, names[0]!, options);
    await connect(peer, names[0]!, options);
    expect(seen).toEqual(['client-1', 'client-2']);
  });
});

describe('the names of a certificate', () => {
  test.each([
    ['DNS:*.b.example', 'kafka.b.example', true],
    ['DNS:kafka-*.b.example', 'kafka-1.b.example', true],
    ['DNS:KAFKA.example', 'kafka.EXAMPLE', true],
    ['DNS:kafka.example', 'kafka.example.', true],
    ['DNS:*.b.example', 'a.kafka.b.example', false],
    ['DNS:*.b.example', 'b.example', false],
    ['DNS:*.example', 'kafka.example', false],
    ['DNS:*.*.example', 'kafka.b.example', false],
    ['DNS:*', 'kafka', false],
    ['URI:kafka://kafka.example', 'kafka.example', false],
    ['IP:::1', '::1', true],
    ['IP:10.0.0.1', '10.0.0.1', true],
    ['IP:10.0.0.1', '10.0.0.2', false],
    ['DNS:10.0.0.1', '10.0.0.1', false],
  ])('%s, asked for as %s: taken is %s', async (alternative, host, isTaken) => {
    const certificate = authority.issue({ name: 'somebody', alternatives: [alternative] });
    await using peer = await greeting(certificate);
    const outcome = await connect(peer, host, { ca: authority.ca });
    if (isTaken) expect(outcome).toBe('secured');
    else expect(outcome).toMatchObject({ code: 'TLS_NAME_MISMATCH' });
  });

  test('that look like the address that is asked for are told apart from it', async () => {
    const certificate = authority.issue({ name: 'somebody', alternatives: ['DNS:10.0.0.1'] });
    await using peer = await greeting(certificate);
    const error = (await connect(peer, '10.0.0.1', { ca: authority.ca })) as TlsError;
    expect(error.message).toContain('but for "10.0.0.1" (a name, and an address needs an IP entry)');
  });
});

describe('client certificates', () => {
  const demanding = () => greeting({ ...server, ca: authority.ca, requestCert: true, rejectUnauthorized: true });

  test('are taken as PEM, as PEM with a passphrase, and as PKCS#12', async () => {
    await using peer = await demanding();
    const client = authority.issue({ name: 'client' });
    const passphrase = secrets.keyPassphrase;
    const { ca } = authority;
    const forms = [
      { ca, key: client.key, cert: client.cert },
      { ca, key: authority.encryptedKey(client, passphrase), cert: client.cert, passphrase },
      { ca, pfx: authority.pkcs12(client, passphrase), passphrase },
    ];
    for (const form of forms) expect(await connect(peer, names[0]!, form)).toBe('secured');
  });

  test('with a wrong passphrase are refused before anything is sent, and the passphrase is not shown', () => {
    const client = authority.issue({ name: 'client' });
    const passphrase = secrets.wrongPassword;
    const key = authority.encryptedKey(client, secrets.keyPassphrase);
    expect(() => tlsConnector({ key, cert: client.cert, passphrase })).toThrow(/passphrase of the private key/);
    const pfx = authority.pkcs12(client, secrets.keyPassphrase);
    expect(() => tlsConnector({ pfx, passphrase })).toThrow(/passphrase of "pfx" is wrong/);
    const other = authority.issue({ name: 'other' });
    expect(() => tlsConnector({ key: other.key, cert: client.cert })).toThrow(/does not belong to the certificate/);
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('that are missing are asked for by name over %s', async (maxVersion) => {
    await using peer = await demanding();
    const missing = await connect(peer, names[0]!, { ca: authority.ca, maxVersion });
    expect((missing as TlsError).code).toMatch(/^TLS_(?:CLIENT_CERTIFICATE_REFUSED|HANDSHAKE_FAILED)$/);
    expect((missing as TlsError).message).toContain('tls.cert');
  });
});

describe('a peer that cannot be trusted', () => {
  test.each([
    [
      'an expired certificate',
      () => authority.issue({ name: 'b', alternatives: [`DNS:${names[0]}`], days: -1 }),
      'TLS_CERTIFICATE_EXPIRED',
    ],
    [
      'a self-signed certificate',
      () => authority.selfSigned({ name: 'b', alternatives: [`DNS:${names[0]}`] }),
      'TLS_CERTIFICATE_NOT_TRUSTED',
    ],
    [
      'a certificate of another authority',
      () => new Authority('other').issue({ name: 'b', alternatives: [`DNS:${names[0]}`] }),
      'TLS_CERTIFICATE_NOT_TRUSTED',
    ],
    ['a certificate without names', () => authority.issue({ name: 'b' }), 'TLS_NAME_MISMATCH'],
  ])('with %s gets nothing but the handshake', async (_what, certificate, code) => {
    await using peer = await greeting(certificate());
    const error = await connect(peer, names[0]!, { ca: authority.ca });
    expect(error).toMatchObject({ name: 'TlsError', code, retriable: false });
    expect(peer.received()).toHaveLength(0);
  });

  test('that speaks only TLS 1.1 is refused: the floor is 1.2', async () => {
    const old = { minVersion: 'TLSv1' as const, maxVersion: 'TLSv1.1' as const, ciphers: 'DEFAULT@SECLEVEL=0' };
    await using peer = await greeting({ ...server, ...old });
    expect(await connect(peer, names[0]!, { ca: authority.ca })).toMatchObject({ code: 'TLS_VERSION_REFUSED' });
  });

  test('that wants TLS 1.2 negotiated anew, again and again, is not followed', async () => {
    let rounds = 0;
    const refused = Promise.withResolvers<unknown>();
    await using peer = await tlsPeer({ ...server, maxVersion: 'TLSv1.2' }, (socket) => {
      const again = () =>
        socket.renegotiate({}, (error) => {
          if (error !== null || ++rounds === 100) refused.resolve(error);
          else again();
        });
      socket.on('error', refused.resolve);
      again();
    });
    const broker = { host: names[0]!, port: peer.port, nodeId: 7 };
    const options = await tlsConnector({ ca: authority.ca })(broker, { host: '127.0.0.1', port: peer.port });
    const socket = connectTls(options).on('error', () => {});
    expect(await refused.promise).toMatchObject({ code: 'ERR_SSL_NO_RENEGOTIATION' });
    expect(rounds).toBe(0);
    socket.destroy();
  });

  test.each([
    ['text', (): Buffer => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a Kafka frame', (): Buffer => Buffer.from([0, 0, 0, 6, 0, 0, 0, 1, 0, 0])],
    ['random bytes', (): Buffer => Buffer.from('f3a1c40d9e55b7', 'hex')],
    ['a broken TLS record', (): Buffer => Buffer.from('1603030005ffffffffff', 'hex')],
  ])('that answers the greeting with %s is told not to speak TLS', async (_what, garbage) => {
    await using peer = await plainPeer((socket) => socket.end(garbage()));
    const error = (await connect(peer, names[0]!, { ca: authority.ca })) as TlsError;
    expect(error.code).toMatch(/^(?:PEER_DOES_NOT_SPEAK_TLS|TLS_HANDSHAKE_FAILED)$/);
  });

  test('that closes without a word most likely does not speak TLS, as a plain Kafka listener', async () => {
    await using peer = await plainPeer((socket) => socket.destroy());
    const error = await connect(peer, names[0]!, { ca: authority.ca });
    expect(error).toMatchObject({ code: 'PEER_DOES_NOT_SPEAK_TLS', retriable: true });
  });
});
