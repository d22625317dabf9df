import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MockCluster, SaslServer, unsecuredTokens } from '@kiel/mock-cluster';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kafkaJars, requireKafka } from '../../tools/kafka/index.ts';
import { propertiesText } from '../../tools/kafka/properties.ts';
import { runJava } from '../../tools/kafka/tool.ts';
import { Authority } from './certificates.ts';
import { secrets } from './secrets.ts';

const loginModule = (name: string) => `org.apache.kafka.common.security.${name}`;

describe.skipIf(!requireKafka())('Java’s producer against the mock cluster’s half of TLS and SASL', () => {
  let authority: Authority;
  let cluster: MockCluster;

  beforeAll(async () => {
    authority = new Authority();
    const { key, cert } = authority.issue({ name: 'broker', alternatives: ['IP:127.0.0.1'] });
    const users = {
      alice: secrets.plainPassword,
      bob: { password: secrets.delegationKey, isDelegationToken: true },
    };
    const sasl = new SaslServer({ users, tokens: unsecuredTokens(), maxReauthMs: 60_000 });
    cluster = await MockCluster.start({ tls: { key, cert }, sasl });
  });
  afterAll(async () => {
    await cluster?.stop();
    authority?.[Symbol.dispose]();
  });

  const user = (module: string, name: string, password: string, more = '') =>
    `${loginModule(module)} required username="${name}" password="${password}"${more};`;

  test.concurrent.each([
    ['PLAIN', user('plain.PlainLoginModule', 'alice', secrets.plainPassword)],
    ['SCRAM-SHA-256', user('scram.ScramLoginModule', 'alice', secrets.plainPassword)],
    ['SCRAM-SHA-512', user('scram.ScramLoginModule', 'bob', secrets.delegationKey, ' tokenauth="true"')],
    [
      'OAUTHBEARER',
      `${loginModule('oauthbearer.OAuthBearerLoginModule')} required unsecuredLoginStringClaim_sub="dora";`,
    ],
  ])('%s lets it in, and 100 records arrive', async (mechanism, jaas) => {
    const config = join(authority.folder, `${mechanism}.properties`);
    const properties = {
      'bootstrap.servers': cluster.brokers.join(','),
      'security.protocol': 'SASL_SSL',
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': authority.certificate.certFile,
      'sasl.mechanism': mechanism,
      'sasl.jaas.config': jaas,
    };
    writeFileSync(config, propertiesText(properties));
    const { classpath } = await kafkaJars('4.4.0');
    const load = ['--num-records', '100', '--record-size', '50', '--throughput', '-1'];
    const args = ['--topic', mechanism, ...load, '--command-config', config];
    const { stdout } = await runJava(classpath, 'org.apache.kafka.tools.ProducerPerformance', args, {
      timeoutMs: 30_000,
    });
    expect(stdout).toContain('100 records sent');
    expect(cluster.offsets(mechanism, 0).end).toBe(100);
  });
});
