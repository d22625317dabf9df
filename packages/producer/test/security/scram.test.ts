import { createHmac, pbkdf2Sync } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scramSha256, scramSha512 } from '../../src/security/scram.ts';
import { clientFirstBare, readServerFinal, readServerFirst, saslName } from '../../src/security/scram-message.ts';
import { failure, talk } from './run-mechanism.ts';

/** RFC 7677 section 3. */
const rfc7677 = {
  username: 'user',
  password: 'pencil',
  nonce: () => 'rOprNGfwEbeRWgbNEkqO',
};
const serverFirst = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096';
const serverFinal = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=';

describe('SCRAM against the vectors of RFC 7677', () => {
  test('the client sends exactly the messages of the example and accepts its server signature', async () => {
    expect(await talk(scramSha256(rfc7677), [serverFirst, serverFinal])).toEqual([
      'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    ]);
  });

  test('a second authentication on the same mechanism proves itself again', async () => {
    const mechanism = scramSha256(rfc7677);
    const once = await talk(mechanism, [serverFirst, serverFinal]);
    expect(await talk(mechanism, [serverFirst, serverFinal])).toEqual(once);
  });

  test('another password gives another proof and finds the signature wrong', async () => {
    const error = await failure(talk(scramSha256({ ...rfc7677, password: 'pen' }), [serverFirst, serverFinal]));
    expect(error).toMatchObject({ code: 'SASL_PROTOCOL_VIOLATION', retriable: false });
    expect(error.message).toContain('broker-1.example:9093');
    expect(error.message).toContain('signature is wrong');
  });

  test('any single changed bit of the server signature is refused', async () => {
    const signature = Buffer.from(serverFinal.slice(2), 'base64');
    for (const bit of [0, 7, 100, 255]) {
      const changed = Buffer.from(signature);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      const error = await failure(talk(scramSha256(rfc7677), [serverFirst, `v=${changed.toString('base64')}`]));
      expect(error.code).toBe('SASL_PROTOCOL_VIOLATION');
    }
  });

  test('SCRAM-SHA-512 agrees with a derivation written out here', async () => {
    const salt = Buffer.from('0123456789abcdef');
    const first = `r=abcDEF,s=${salt.toString('base64')},i=5000`;
    const withoutProof = 'c=biws,r=abcDEF';
    const signed = `n=user,r=abc,${first},${withoutProof}`;
    const salted = pbkdf2Sync('pencil', salt, 5000, 64, 'sha512');
    const serverKey = createHmac('sha512', salted).update('Server Key').digest();
    const signature = createHmac('sha512', serverKey).update(signed).digest('base64');
    const sent = await talk(scramSha512({ username: 'user', password: 'pencil', nonce: () => 'abc' }), [
      first,
      `v=${signature}`,
    ]);
    expect(sent[1]).toMatch(/^c=biws,r=abcDEF,p=[A-Za-z0-9+/]{86}==$/);
  });
});

describe('SCRAM messages', () => {
  test('a comma and an equals sign in a name are escaped as the RFC asks', () => {
    expect(saslName('a=b,c==')).toBe('a=3Db=2Cc=3D=3D');
  });

  test('a delegation token announces itself by tokenauth', async () => {
    const [first] = await talk(scramSha256({ ...rfc7677, username: 'id', delegationToken: true }), []);
    expect(first).toBe('n,,n=id,r=rOprNGfwEbeRWgbNEkqO,tokenauth=true');
  });

  test('a user to act as goes into the header and into the channel binding', async () => {
    const first = 'r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096';
    const sent = await talk(scramSha256({ ...rfc7677, authorizationId: 'o=p' }), [first]);
    expect(sent[0]).toBe('n,a=o=3Dp,n=user,r=rOprNGfwEbeRWgbNEkqO');
    expect(sent[1]).toContain(`c=${Buffer.from('n,a=o=3Dp,').toString('base64')},`);
  });

  test('names and passwords go as UTF-8 untouched, as the Java client sends them, unless normalised', async () => {
    const name = '½é①';
    const [raw] = await talk(scramSha256({ username: name, password: 'x', nonce: () => 'n' }), []);
    expect(raw).toBe(`n,,n=${name},r=n`);
    const options = { username: name, password: 'x', nonce: () => 'n', normalize: (t: string) => t.normalize('NFKC') };
    expect((await talk(scramSha256(options), []))[0]).toBe('n,,n=1⁄2é1,r=n');
  });

  test('each authentication has a nonce of its own', async () => {
    const mechanism = scramSha256({ username: 'u', password: 'p' });
    const nonces = new Set<string>();
    for (let i = 0; i < 20; i++) nonces.add((await talk(mechanism, []))[0]!.slice(8));
    expect(nonces.size).toBe(20);
    for (const nonce of nonces) expect(nonce.length).toBeGreaterThanOrEqual(32);
  });

  test('what a server first message says is read back', () => {
    const message = readServerFirst(Buffer.from(`${serverFirst},x=later`));
    expect(message.iterations).toBe(4096);
    expect(Buffer.from(message.salt).toString('base64')).toBe('W22ZaJ0SNY7soEsUEjb6gQ==');
  });

  test('a client first message never lets a name become an attribute', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        const attributes = clientFirstBare(name, 'nonce').split(',');
        expect(attributes).toHaveLength(2);
        expect(attributes[1]).toBe('r=nonce');
      }),
    );
  });
});

describe('readers of SCRAM messages under arbitrary bytes', () => {
  const anyBytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .array(fc.constantFrom('r=', 's=', 'i=', 'v=', 'e=', 'm=', ',', '=', 'AAAA', '4096', 'nonce', '\0', 'é'))
      .map((parts) => new Uint8Array(Buffer.from(parts.join('')))),
  );

  test('a first message is read or refused by a plain error that quotes nothing of it', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        try {
          const { nonce, iterations } = readServerFirst(bytes);
          expect(nonce.length).toBeGreaterThan(0);
          expect(Number.isSafeInteger(iterations) && iterations > 0).toBe(true);
        } catch (error) {
          expect((error as Error).message).toMatch(/^(?:it|its|something) [\x20-\x7e]+$/);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('a final message is read or refused by a plain error', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        try {
          const final = readServerFinal(bytes);
          if ('error' in final) expect(final.error).toMatch(/^[\x20-\x7e]{1,200}$/);
          else expect(final.signature.length).toBeGreaterThan(0);
        } catch (error) {
          expect((error as Error).message).toMatch(/^(?:it|its|something) [\x20-\x7e]+$/);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('SCRAM limits', () => {
  const first = (iterations: number) => `r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=${iterations}`;

  test('fewer than 4096 iterations are refused before anything derived from the password is sent', async () => {
    const error = await failure(talk(scramSha256(rfc7677), [first(4095)]));
    expect(error.code).toBe('SASL_PROTOCOL_VIOLATION');
    expect(error.message).toContain('4095 iterations');
  });

  test('more iterations than the cap are refused before they are done', async () => {
    const error = await failure(talk(scramSha256(rfc7677), [first(500_001)]));
    expect(error.message).toContain('"maxIterations"');
  });

  test('the limits are the caller’s to move', async () => {
    const sent = await talk(scramSha256({ ...rfc7677, minIterations: 1 }), [first(1)]);
    expect(sent).toHaveLength(2);
    const error = await failure(talk(scramSha256({ ...rfc7677, maxIterations: 5000 }), [first(5001)]));
    expect(error.code).toBe('SASL_PROTOCOL_VIOLATION');
  });

  test('nothing of the password can be seen on the mechanism', () => {
    const mechanism = scramSha256({ username: 'user', password: 'hunter2-secret' });
    const shown = inspect(mechanism, { showHidden: true, depth: 10, getters: true }) + JSON.stringify(mechanism);
    expect(shown).not.toContain('hunter2');
  });
});
