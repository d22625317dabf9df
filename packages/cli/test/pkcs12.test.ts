import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { clientSettings } from '../src/config/java-settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'kiel-pkcs12-'));
afterAll(() => rmSync(folder, { recursive: true }));
const location = join(folder, 'trust.p12');

/** Of one certificate, as keytool of Java 17 writes it, with `-storepass secret1`. */
const p12 = {
  aes: Buffer.from(
    'MIICogIBAzCCAkwGCSqGSIb3DQEHAaCCAj0EggI5MIICNTCCAjEGCSqGSIb3DQEHBqCCAiIwggIeAgEAMIICFwYJKoZIhvcNAQcBMGYG' +
      'CSqGSIb3DQEFDTBZMDgGCSqGSIb3DQEFDDArBBQUyOhb1O3E2KMmKUPKARPLeXg3MAICJxACASAwDAYIKoZIhvcNAgkFADAdBglghkgB' +
      'ZQMEASoEEMwo2ck0UibKbxsHhl5R4oCAggGgIWCBzYLNQ00svQaYVZSUSKTH+FOlkPBAzXp4qryAEcaf9hP3EXEkrOtye4/4Pzg/DkHx' +
      'WgUSvV7v4uA8XTvqc14sYMLQcHb8lhypxl2iPYvccNo/8sEcGvueXmhBkQa1S3N02G9u4GKjnL/2kOAwDE+AqdXqPauOZLQ3QoXL6vAF' +
      'Ir+9ieut4xrbjoYPyPBo/tQCxwLktHkdMo4iUVPWBdoV6tmq4jdpJr0vv4ICercxEWJD7fnr2zSuNL3L/f7PVbhFs/7oK43FhA7HpNQj' +
      '0kL26sqyHkdLdmMWokXwyq2hkcT0HbsZFHUJcUj35xCi0BH4bOG1NTXAAXxkfwARi5bIoveDqyhHMhTuQ/phVkkZEDG4YpZp/slI2Wn4' +
      'oA0p5V8qifuPzN6s9ZeljJBxiVsquerabDS5haEPkxOSLQIbDCf4feg2sZ5ceD6GarD+ha8p7KqoUJN3LfdAI0LZN6LwhBzF5QlYtbGR' +
      'Rf6j1ke50H9ABtQmA9ZuynDAAABRrmj9QElcka3dG0IaMMjbCfACDyT3R6vu+a/Uxf1veuMwTTAxMA0GCWCGSAFlAwQCAQUABCDxkBUH' +
      'DJ43DFv7naRQ686TI8HfNRG4ojB6qiuUmGKedAQUdHqdGE6PCYAykpMJmGT4zmYMpiYCAicQ',
    'base64',
  ),
  tripleDes: Buffer.from(
    'MIICVAIBAzCCAg4GCSqGSIb3DQEHAaCCAf8EggH7MIIB9zCCAfMGCSqGSIb3DQEHBqCCAeQwggHgAgEAMIIB2QYJKoZIhvcNAQcBMCgG' +
      'CiqGSIb3DQEMAQMwGgQU+My4mcanE1tvuotGauB4sFQPS8ICAggAgIIBoGSsDQ5v3BNH2eX+n6JHEpmGNArPP5YvJuzFuxqjVQEqwyby' +
      '1Cqfcg5JQzZEVfwoy8JiQJE4a7hFPcSoe71bBl1vUOVRlmWffr/qLwjexRhETCseQ8i4fQujHEpejCncCBWGBqfC1RJKQUlzDhqfa0Xo' +
      'OHbMX7Coow5XeteuEewFf5HyQJkCh+Jka5+oOYbQK9E1Kmw+cD/fw9TFP8QGhwWDqTk+bzvdE3hIrLJjpMt0npJbuN0UJzop5jKZD8E2' +
      '7h/jSdIkmXzA4qnEljWD+GkXegDK+iQ8XGFQZDhm4hTccpaAk8qemWRk9bsFpJo0HS9M69cyywrQbQaLpqwvL5Sr+MREYUXH9MA0ps1d' +
      'VK26/ISoBcOgb/tInI4z3Z11fnB9mAvYTj+DtttmmdhQNFW6M7kyPTwXRlxOvT4fFoPNfjRANDTWT135JRFbM89pHvN9mF4EJ2SHVWzF' +
      'IeXaZoUrkEqPPqQko2/6B4TU7Gmf7CNU7iWNB0eqRkjKWvcrLuSLVycmY1ppw8duJlJcTvVEqg+ed5V7CVIHQwqbRXsqMD0wITAJBgUr' +
      'DgMCGgUABBRXtXfJ/FyS2jdmAzj8Eus8Z3YngAQUDT8sJiC8dKL0GJ2luGMX7MjCbWoCAggA',
    'base64',
  ),
  /** Neither encrypted nor with a checksum: `keystore.pkcs12.certProtectionAlgorithm=NONE`. */
  plain: Buffer.from(
    'MIIBzgIBAzCCAccGCSqGSIb3DQEHAaCCAbgEggG0MIIBsDCCAawGCSqGSIb3DQEHAaCCAZ0EggGZMIIBlTCCAZEGCyqGSIb3DQEMCgED' +
      'oIIBTzCCAUsGCiqGSIb3DQEJFgGgggE7BIIBNzCCATMwgdqgAwIBAgIJAISdtx/Jc18vMAoGCCqGSM49BAMCMA4xDDAKBgNVBAMTA29u' +
      'ZTAeFw0yNjExMjUwOTQ0MjBaFw0yNzAyMjMwOTQ0MjBaMA4xDDAKBgNVBAMTA29uZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNYG' +
      'R3zoUSEabKgN+TFh6YtYCx0BCvgUVs8l3TL0WbJsK4Zh1HXyYoLcaCl6N8HM9xnxa9gxzJqF+WBiE5JN8OSjITAfMB0GA1UdDgQWBBT9' +
      'VJe5kqgaOaC7J10hIO8CXQCKlTAKBggqhkjOPQQDAgNIADBFAiEA/iPU6+Nkwaw9w9X9bSARiw2ZbguaF7W0Z+j31OBJ5H8CIHPO8JNE' +
      'o4saQfOmueAJVrUrz7mEm6J8wy1FwPkHzcT+MS8wFQYJKoZIhvcNAQkUMQgeBgBvAG4AZTAWBgxghkgBhvlmrcp7AQExBgYEVR0lAA==',
    'base64',
  ),
  /** As Java wrote them until 2021: `-J-Dkeystore.pkcs12.legacy`. */
  legacy: Buffer.from(
    'MIICVgIBAzCCAg8GCSqGSIb3DQEHAaCCAgAEggH8MIIB+DCCAfQGCSqGSIb3DQEHBqCCAeUwggHhAgEAMIIB2gYJKoZIhvcNAQcBMCkG' +
      'CiqGSIb3DQEMAQYwGwQUOm3rUGljfUHrZtlF89xX2TmwJvICAwDDUICCAaC/NT5eSD3wUvHwx/WBA9g1HgRMXt3mOUwn2Tp2jeogPrFq' +
      '6gFikZBCIj3xWWwLvceON+kxjfea3XvSTj7uddVfuFAg90OQqiTySKr8SL+X2YJnjZKakDNUU+usxqiZ3WUE5WlwUYJbE2maTVmjAVsP' +
      'K9g6rfqUnk0wALWyOBLfM1RED/OYbohMkqOTfLzxDIdAAM9OV0CP0/MyZ7uHqD6gwUhcb898cZPj+L8whLwjQ61S0p/fw5g6OBnXNmev' +
      'CN6S4PP74qPcIznJIREEojLJ1ArRuygcFh4bLlPqFgIMJRpiFpldG47KGdnEekIj9P0fZbKW4evT5laoiMDhW9fsdx4273jnQSi8ivqj' +
      'yH4JoeL4tDtdzVrFwfYiIKbtsEpaDlTlDg4KO4huIDRE+C5JqEpmwgJyHr6ocNs75EGAuHsCVvu6DAKATLx3XbX3v1MBc2PwKEqGPz2r' +
      'JRHUeS0dWr3eeVYYK10XIjg/fTAgQ1rrjAT4klU7dqaNsFH3bRZk5OpJlh5LA3Xueda5V5NbsBIXTHCB58fWU9/e1bLZPDA+MCEwCQYF' +
      'Kw4DAhoFAAQUlRAzL9a/HZRFMgBFi/EbTmTIpPMEFDtQxJEcZNYXlR2+Zyu+fUzhCSeLAgMBhqA=',
    'base64',
  ),
  /** By `openssl pkcs12 -export -nokeys`: a certificate that is not marked as trusted, and that Java does not trust. */
  unmarked: Buffer.from(
    'MIICVwIBAzCCAg0GCSqGSIb3DQEHAaCCAf4EggH6MIIB9jCCAfIGCSqGSIb3DQEHBqCCAeMwggHfAgEAMIIB2AYJKoZIhvcNAQcBMFcG' +
      'CSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgw8gX5I57FDQICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEEoBjlxzKWAC' +
      'L3R5LKQs4iSAggFwzEJAdT2acKefwUEG0DfdFGdyD25yxeubGNesbGIaf71NTLG7V+CmVk7BBQlkzYmb2tpIz0Jp1cDW4CluSrlYeaGT' +
      'KYsoOUCJlGxi1VdcBS28BYD3lU39yNl4P83fL8cSu2bO1JgpNm7/G7ITzwm2x6402Z/ANoHWh5rD1+L/lbVfd+sy72Qvvyo2l99ljmnr' +
      'r1ud0SVwqbhqTnjFjHQos6gnrr2z1V2LvenBqoU7ByFlCwLE3XeT3nuCGnda/XtM7Cc7Ql790MQimewpVhC3Bh1cF39biSa66bNtTQ7p' +
      'MPrFI9rBXJsbbabzSmwms62kbt3KqVXhBYls2xHlrPGURZXQEVLLjAfKfVztrtScQUqdJGx5+ToGH30bXCsKuIzwl1S5B32VPeswghVB' +
      'G7+sCKPbYF+LQWiAOnWG7bNu+Y+7ieXuh+ONpc0LgFbPVJV1L8uPtwbubm4UEdK+b7db0cAF+zDjCUc/miYf8jflU/8wQTAxMA0GCWCG' +
      'SAFlAwQCAQUABCBPjhr+T/joQNfz9UBR1PhV8a56ky+rV++Gp9O8gC/QigQI/w8EE+rARJcCAggA',
    'base64',
  ),
};
const p12Certificate =
  'MIIBMzCB2qADAgECAgkAhJ23H8lzXy8wCgYIKoZIzj0EAwIwDjEMMAoGA1UEAxMDb25lMB4XDTI2MTEyNTA5NDQyMFoXDTI3MDIyMzA5' +
  'NDQyMFowDjEMMAoGA1UEAxMDb25lMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1gZHfOhRIRpsqA35MWHpi1gLHQEK+BRWzyXdMvRZ' +
  'smwrhmHUdfJigtxoKXo3wcz3GfFr2DHMmoX5YGITkk3w5KMhMB8wHQYDVR0OBBYEFP1Ul7mSqBo5oLsnXSEg7wJdAIqVMAoGCCqGSM49' +
  'BAMCA0gAMEUCIQD+I9Tr42TBrD3D1f1tIBGLDZluC5oXtbRn6PfU4EnkfwIgc87wk0SjixpB86a54AlWtSvPuYSbonzDLUXA+QfNxP4=';

function fromP12(store: Uint8Array, password?: string): string {
  writeFileSync(location, store);
  const properties = new Map([
    ['security.protocol', 'SSL'],
    ['ssl.truststore.location', location],
  ]);
  if (password !== undefined) properties.set('ssl.truststore.password', password);
  return String(clientSettings(properties).tls!.ca);
}

test.each([
  ['aes', 'secret1'],
  ['tripleDes', 'secret1'],
  ['plain', undefined],
  ['plain', 'whatever'],
] as const)('a PKCS#12 truststore gives its certificates: %s, password %s', (name, password) => {
  const pem = fromP12(p12[name], password).split('\n');
  expect(pem[0]).toBe('-----BEGIN CERTIFICATE-----');
  expect(pem.filter((line) => !line.startsWith('-')).join('')).toBe(p12Certificate);
});

test('a PKCS#12 truststore that cannot be read says why, and what to do', () => {
  const refusal = (store: Uint8Array, password?: string) => {
    try {
      fromP12(store, password);
    } catch (error) {
      const { message, hint, exitCode } = error as Error & { hint: string; exitCode: number };
      expect(exitCode).toBe(2);
      return `${message} ${hint}`;
    }
    throw new Error('it was taken');
  };
  for (const name of ['aes', 'tripleDes'] as const) {
    expect(refusal(p12[name], 'secret2')).toContain('the password does not fit, or the store was changed');
    expect(refusal(p12[name])).toContain('it is encrypted, and no password is given');
  }
  const changed = Buffer.from(p12.aes);
  changed[200]! ^= 1;
  expect(refusal(changed, 'secret1')).toContain('the store was changed');
  expect(refusal(p12.legacy, 'secret1')).toContain(
    'Write it anew with a Java of 2021 or later: keytool -importkeystore',
  );
  expect(refusal(p12.unmarked, 'secret1')).toContain('no certificate that is marked as trusted');
});

test('a PKCS#12 truststore cut or changed anywhere is refused or read, and nothing else', () => {
  for (let end = 2; end < p12.plain.length; end++) {
    expect(() => fromP12(p12.plain.subarray(0, end)), `${end}`).toThrow('cannot be read');
  }
  for (let at = 0; at < p12.plain.length; at++) {
    for (const flip of [1, 0x80, 0xff]) {
      const changed = Buffer.from(p12.plain);
      changed[at]! ^= flip;
      try {
        expect(fromP12(changed)).toContain('BEGIN CERTIFICATE');
      } catch (error) {
        expect(error).toMatchObject({ name: 'Failure', exitCode: 2 });
      }
    }
  }
});
