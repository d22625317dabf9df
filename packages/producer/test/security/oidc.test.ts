import { generateKeyPairSync, verify } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jwtAssertion } from '../../src/security/jwt.ts';
import { clientCredentials, jwtBearer } from '../../src/security/oidc.ts';
import type { OAuthToken, TokenProvider } from '../../src/security/token-source.ts';
import { failure } from './run-mechanism.ts';

interface Seen {
  readonly headers: IncomingMessage['headers'];
  readonly form: Record<string, string>;
}

const SECRET = 'client+secret/42 hunter2';
let server: Server;
let url: string;
let seen: Seen[] = [];
let answer: { status: number; body: string; headers?: Record<string, string> } = { status: 200, body: '{}' };

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    seen.push({ headers: request.headers, form: Object.fromEntries(new URLSearchParams(body)) });
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
});
afterAll(() => server.close());

async function ask(provider: TokenProvider, status: number, body: unknown, headers?: Record<string, string>) {
  seen = [];
  answer = { status, body: typeof body === 'string' ? body : JSON.stringify(body), ...(headers && { headers }) };
  return await provider({ signal: new AbortController().signal });
}

const options = () => ({ tokenEndpoint: url, clientId: 'kiel', clientSecret: SECRET, scope: 'kafka' });

describe('the client-credentials provider (KIP-768)', () => {
  test('asks with Basic authentication and takes the token with its life', async () => {
    const before = Date.now();
    const token = (await ask(clientCredentials({ ...options(), extensions: { pool: 'p' } }), 200, {
      access_token: 'tok',
      expires_in: 60,
    })) as OAuthToken;
    expect(token).toMatchObject({ value: 'tok', extensions: { pool: 'p' } });
    expect(token.expiresAtMs! - before).toBeGreaterThanOrEqual(60_000);
    expect(token.expiresAtMs! - before).toBeLessThan(90_000);
    expect(seen[0]!.form).toEqual({ grant_type: 'client_credentials', scope: 'kafka' });
    expect(seen[0]!.headers.authorization).toBe(`Basic ${Buffer.from(`kiel:${SECRET}`).toString('base64')}`);
  });

  test('can put the secret in the form, percent-encode the header, and add fields', async () => {
    await ask(clientCredentials({ ...options(), clientAuthentication: 'body', parameters: { audience: 'a' } }), 200, {
      access_token: 't',
    });
    expect(seen[0]!.form).toEqual({
      grant_type: 'client_credentials',
      client_id: 'kiel',
      client_secret: SECRET,
      scope: 'kafka',
      audience: 'a',
    });
    expect(seen[0]!.headers.authorization).toBeUndefined();
    await ask(clientCredentials({ ...options(), urlEncodeHeader: true }), 200, { access_token: 't' });
    expect(Buffer.from(seen[0]!.headers.authorization!.slice(6), 'base64').toString()).toBe(
      `kiel:${encodeURIComponent(SECRET)}`,
    );
  });

  test('can prove itself by a signed assertion instead of a secret (KIP-1258)', async () => {
    const provider = clientCredentials({ tokenEndpoint: url, clientId: 'kiel', clientAssertion: () => 'a.b.c' });
    await ask(provider, 200, { access_token: 't' });
    expect(seen[0]!.form).toMatchObject({
      client_assertion: 'a.b.c',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    });
  });

  test.each([400, 401, 403])('status %i is final and shows the reason without the secret', async (status) => {
    const error = await failure(
      ask(clientCredentials(options()), status, { error: 'invalid_client', error_description: `no ${SECRET} here` }),
    );
    expect(error).toMatchObject({ code: 'SASL_AUTHENTICATION_FAILED', retriable: false });
    expect(error.message).toContain('invalid_client');
    expect(inspect(error, { depth: 9 })).not.toMatch(/hunter2|client\+secret/);
  });

  test.each([429, 500, 503])('status %i is worth another try', async (status) => {
    const error = await failure(ask(clientCredentials(options()), status, 'busy'));
    expect(error).toMatchObject({ code: 'SASL_TOKEN_UNAVAILABLE', retriable: true });
  });

  test('a redirect is not followed: the secret goes to the configured host only', async () => {
    const error = await failure(ask(clientCredentials(options()), 307, '', { location: url }));
    expect(error).toMatchObject({ retriable: false });
    expect(error.message).toContain('redirects');
    expect(seen).toHaveLength(1);
  });

  test.each([
    ['nothing', ''],
    ['no JSON', '<html>'],
    ['null', 'null'],
    ['no token', '{"token_type":"bearer"}'],
    ['a token that is no text', '{"access_token":{"a":1}}'],
  ])('an answer with %s is an error that says so', async (_what, body) => {
    const error = await failure(ask(clientCredentials(options()), 200, body));
    expect(error).toMatchObject({ code: 'SASL_TOKEN_UNAVAILABLE' });
    expect(error.message).toContain('without an "access_token"');
  });

  test('an endless answer is cut', async () => {
    const error = await failure(ask(clientCredentials(options()), 200, 'x'.repeat(1_100_000)));
    expect(error.message).toContain('more than 1048576 bytes');
  });

  test('refuses to send a secret in clear over the network', () => {
    expect(() => clientCredentials({ ...options(), tokenEndpoint: 'http://idp.example/token' })).toThrow(/in clear/);
    expect(() => clientCredentials({ ...options(), tokenEndpoint: 'http://localhost:1/token' })).not.toThrow();
    expect(() => clientCredentials({ ...options(), tokenEndpoint: 'https://a:b@idp.example/' })).toThrow(/credentials/);
    expect(() => clientCredentials({ ...options(), tokenEndpoint: 'ftp://idp.example/' })).toThrow(/https/);
    expect(() => clientCredentials({ ...options(), tokenEndpoint: 'nonsense' })).toThrow(/not a URL/);
  });
});

describe('the JWT-bearer provider (KIP-1139)', () => {
  test('sends the assertion', async () => {
    await ask(jwtBearer({ tokenEndpoint: url, assertion: async () => 'a.b.c', scope: 's' }), 200, {
      access_token: 't',
    });
    expect(seen[0]!.form).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: 'a.b.c',
      scope: 's',
    });
  });

  test.each([
    ['RS256', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['PS256', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['ES256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['EdDSA', () => generateKeyPairSync('ed25519')],
  ] as const)('signs assertions by %s that its public key verifies', async (algorithm, makeKeys) => {
    const { privateKey, publicKey } = makeKeys();
    const sign = jwtAssertion(
      { privateKey, algorithm, keyId: 'k1', issuer: 'me', subject: 'me', audience: 'idp', claims: { role: 'x' } },
      () => 1_700_000_000_000,
    );
    const [header = '', claims = '', signature = ''] = (await sign()).split('.');
    const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
    expect(read(header)).toEqual({ alg: algorithm, typ: 'JWT', kid: 'k1' });
    expect(read(claims)).toMatchObject({
      iss: 'me',
      sub: 'me',
      aud: 'idp',
      role: 'x',
      iat: 1_700_000_000,
      exp: 1_700_000_300,
    });
    const how = { PS256: { padding: 6, saltLength: 32 }, ES256: { dsaEncoding: 'ieee-p1363' as const } };
    const digest = algorithm === 'EdDSA' ? null : 'sha256';
    const key = { key: publicKey, ...(algorithm in how ? how[algorithm as keyof typeof how] : {}) };
    expect(verify(digest, Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url'))).toBe(true);
  });

  test('a key with a wrong passphrase is an error that does not show it', async () => {
    const { privateKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'right' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    await expect(jwtAssertion({ privateKey, passphrase: 'right' })()).resolves.toMatch(/^ey/);
    const error = await failure(jwtAssertion({ privateKey, passphrase: 'hunter2' })());
    expect(error.message).toContain('"privateKey" cannot be read');
    expect(inspect(error, { depth: 9 })).not.toContain('hunter2');
  });
});
