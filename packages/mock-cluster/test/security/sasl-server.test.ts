import { describe, expect, test } from 'vitest';
import { SaslServer, unsecuredTokens } from '../../src/security/index.ts';
import type { SaslStep } from '../../src/session.ts';

const utf8 = (text: string) => Buffer.from(text, 'utf8');
const server = new SaslServer({ users: { alice: 'open sesame' }, tokens: unsecuredTokens(), maxReauthMs: 9000 });
const first = (mechanism: string, message: string): SaslStep => server.begin(mechanism).next(utf8(message));

describe('the broker’s half of SASL', () => {
  test('offers what there are users and tokens for, or what it is told', () => {
    expect(server.mechanisms).toEqual(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER']);
    expect(new SaslServer({ users: { a: 'b' }, mechanisms: ['PLAIN'] }).mechanisms).toEqual(['PLAIN']);
    expect(() => server.begin('GSSAPI')).toThrow(/not offered/);
  });

  test('PLAIN lets the right password in, with the session that is granted', () => {
    expect(first('PLAIN', '\0alice\0open sesame')).toMatchObject({
      kind: 'done',
      principal: 'alice',
      lifetimeMs: 9000,
    });
    expect(first('PLAIN', 'alice\0alice\0open sesame')).toMatchObject({ kind: 'done' });
  });

  test.each([
    '',
    '\0',
    '\0alice',
    '\0alice\0',
    '\0alice\0open',
    '\0alice\0open sesame\0',
    '\0bob\0open sesame',
    'root\0alice\0open sesame',
  ])('PLAIN refuses %j', (message) => {
    expect(first('PLAIN', message).kind).toBe('failed');
  });

  test.each([
    '',
    'n,,',
    'n,,n=alice',
    'n,,n=,r=abc',
    'y,,n=alice,r=abc',
    'p=tls-unique,,n=alice,r=abc',
    'n,,n=al=ice,r=abc',
    'n,,m=x,n=alice,r=abc',
    'n,,n=bob,r=abc',
    'n,,n=alice,r=abc,tokenauth=true',
    'n,a=root,n=alice,r=abc',
  ])('SCRAM refuses the first message %j', (message) => {
    expect(first('SCRAM-SHA-256', message).kind).toBe('failed');
  });

  test.each([
    '',
    'c=biws',
    'c=biws,r=other,p=AAAA',
    'c=eSws,r=NONCE,p=AAAA',
    'c=biws,r=NONCE,p=AAAA',
    'c=biws,r=NONCE',
  ])('SCRAM refuses the final message %j', (message) => {
    const exchange = server.begin('SCRAM-SHA-512');
    const challenge = exchange.next(utf8('n,,n=alice,r=abc'));
    const nonce = /r=([^,]+)/.exec(Buffer.from(challenge.token!).toString())![1]!;
    expect(nonce.startsWith('abc') && nonce.length > 20).toBe(true);
    expect(exchange.next(utf8(message.replace('NONCE', nonce))).kind).toBe('failed');
  });

  test('OAUTHBEARER refuses in two steps, the reason first', () => {
    const exchange = server.begin('OAUTHBEARER');
    const reason = exchange.next(utf8('n,,\x01auth=Bearer e30.e30.\x01\x01'));
    expect(reason.kind).toBe('continue');
    expect(JSON.parse(Buffer.from(reason.token!).toString())).toEqual({ status: 'invalid_token' });
    expect(exchange.next(new Uint8Array([1])).kind).toBe('failed');
  });

  test.each(['', 'n,,', 'n,,\x01\x01', 'n,,\x01auth=Bearer x\x01', 'n,,\x01auth=Basic x\x01\x01', 'n,,\x01=x\x01\x01'])(
    'OAUTHBEARER does not accept %j',
    (message) => {
      expect(first('OAUTHBEARER', message).kind).not.toBe('done');
    },
  );
});
