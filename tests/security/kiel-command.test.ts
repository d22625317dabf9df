import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MockCluster, SaslServer } from '@kiel/mock-cluster';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runKiel } from '../../packages/cli/test/run-kiel.ts';
import { Authority } from './certificates.ts';
import { secrets } from './secrets.ts';

let authority: Authority;
let cluster: MockCluster;
let brokers: string;
let caFile: string;

beforeAll(async () => {
  authority = new Authority();
  caFile = file('ca.pem', authority.ca);
  const { key, cert } = authority.issue({ name: 'broker', alternatives: ['IP:127.0.0.1'] });
  const sasl = new SaslServer({ users: { bob: secrets.scram256Password } });
  cluster = await MockCluster.start({ topics: ['orders'], tls: { key, cert }, sasl });
  brokers = cluster.brokers.join(',');
});
afterAll(async () => {
  await cluster.stop();
  authority[Symbol.dispose]();
});

function file(name: string, text: string): string {
  const path = join(authority.folder, name);
  writeFileSync(path, text);
  return path;
}

const properties = (password: string) =>
  [
    `bootstrap.servers=${brokers}`,
    'security.protocol=SASL_SSL',
    'sasl.mechanism=SCRAM-SHA-256',
    `sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="bob" password="${password}";`,
    'ssl.truststore.type=PEM',
    `ssl.truststore.location=${caFile}`,
  ].join('\n');

test('a client.properties that works for Java’s tools works here: produce, read, meta', async () => {
  const config = file('client.properties', properties(secrets.scram256Password));
  const sent = await runKiel(['produce', '-F', config, '-t', 'orders'], { input: 'secret\n' });
  expect([sent.code, sent.stderr]).toEqual([0, '']);
  expect(await runKiel(['read', '-F', config, '-t', 'orders'])).toEqual({ code: 0, stdout: 'secret\n', stderr: '' });
  expect((await runKiel(['meta', '-F', config])).stdout).toContain('orders');
});

test('flags and the environment do the same; the password is no flag', async () => {
  const flags = ['--tls-ca', caFile, '--sasl-mechanism', 'SCRAM-SHA-512', '--sasl-username', 'bob'];
  const env = { KIEL_SASL_PASSWORD: secrets.scram256Password };
  const named = await runKiel(['read', '-b', brokers, '-t', 'orders', ...flags], { env });
  expect(named).toEqual({ code: 0, stdout: 'secret\n', stderr: '' });
});

test('a wrong password is said at once, without showing it', async () => {
  const config = file('wrong.properties', properties('not-the-password'));
  for (const args of [['read'], ['produce']]) {
    const { code, stderr } = await runKiel([...args, '-F', config, '-t', 'orders'], { input: 'x\n' });
    expect(code).toBe(1);
    expect(stderr).toContain('does not accept these SCRAM-SHA-256 credentials');
    expect(stderr).not.toContain('not-the-password');
    expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(2);
  }
});

test('an unknown authority, plain text to a TLS port, and no user say what to add', async () => {
  const stderrOf = async (...flags: string[]) => {
    const { code, stderr } = await runKiel(['meta', '-b', brokers, '--timeout', '1', ...flags]);
    expect(code).toBe(1);
    return stderr;
  };
  expect(await stderrOf('--tls')).toContain('--tls-ca');
  expect(await stderrOf()).toMatch(/--tls\b/);
  expect(await stderrOf('--tls-ca', caFile)).toMatch(/--sasl-username/);
});
