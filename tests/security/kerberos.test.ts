import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProducer } from '@kiel/producer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type KafkaCluster, requireKafka, startKafka } from '../../tools/kafka/index.ts';
import { Authority } from './certificates.ts';
import { type KeyCenter, loadKerberos, startKeyCenter, whatKerberosLacks } from './key-center.ts';

const lacking = whatKerberosLacks();

describe.skipIf(lacking !== null || !requireKafka())(`Kerberos${lacking === null ? '' : ` (${lacking})`}`, () => {
  let center: KeyCenter;
  let kafka: KafkaCluster;
  let authority: Authority;
  const kerberos = loadKerberos()!;
  const environment = { ...process.env };

  beforeAll(async () => {
    center = await startKeyCenter();
    const service = center.keytab('kafka/127.0.0.1');
    process.env['KRB5_CONFIG'] = center.configFile;
    process.env['KRB5CCNAME'] = center.ticket('alice', center.keytab('alice'));
    authority = new Authority();
    const server = authority.issue({ name: 'broker', alternatives: ['IP:127.0.0.1'] });
    const keystore = join(authority.folder, 'keystore.pem');
    writeFileSync(keystore, server.key + server.cert);
    const login =
      'com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true ' +
      `keyTab="${service}" principal="kafka/127.0.0.1@KIEL.TEST";`;
    kafka = await startKafka({
      version: '4.4.0',
      listeners: [
        { name: 'KRB', protocol: 'SASL_PLAINTEXT' },
        { name: 'KRBTLS', protocol: 'SASL_SSL' },
      ],
      config: {
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.location': keystore,
        'listener.name.krb.sasl.enabled.mechanisms': 'GSSAPI',
        'listener.name.krbtls.sasl.enabled.mechanisms': 'GSSAPI',
        'sasl.kerberos.service.name': 'kafka',
        'listener.name.krb.gssapi.sasl.jaas.config': login,
        'listener.name.krbtls.gssapi.sasl.jaas.config': login,
        'connections.max.reauth.ms': 1_000,
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:ANONYMOUS;User:alice',
      },
      jvmFlags: [`-Djava.security.krb5.conf=${center.configFile}`],
    });
    await kafka.createTopic('kerberos');
  }, 120_000);

  afterAll(async () => {
    await kafka?.stop();
    await center?.[Symbol.asyncDispose]();
    authority?.[Symbol.dispose]();
    for (const name of ['KRB5_CONFIG', 'KRB5CCNAME']) {
      if (environment[name] === undefined) delete process.env[name];
      else process.env[name] = environment[name];
    }
  });

  test.each([
    ['plain', 'KRB'],
    ['TLS', 'KRBTLS'],
  ])('a ticket of a real key center opens a real broker over %s, again and again', async (over, listener) => {
    const warnings: string[] = [];
    await using producer = createProducer({
      brokers: [kafka.bootstrapOf(listener)],
      sasl: { mechanism: 'gssapi', kerberos },
      ...(over === 'TLS' ? { tls: { ca: authority.ca } } : {}),
    });
    producer.on('warning', ({ code }) => warnings.push(code));
    const places = new Set<string>();
    let sent = 0;
    // Sessions last a second: so much is needed to see some of them renewed
    for (const until = performance.now() + 3_500; sent < 1_000 || performance.now() < until; sent += 100) {
      const reports = await Promise.all(Array.from({ length: 100 }, (_, n) => producer.produce('kerberos', n)));
      for (const { partition, offset } of reports) places.add(`${partition}/${offset}`);
    }
    expect(places.size).toBe(sent);
    expect(warnings).toEqual([]);
  });

  test('without a ticket for that service the record fails at once, and the error says what to look at', async () => {
    const producer = createProducer({
      brokers: [kafka.bootstrapOf('KRB')],
      sasl: { mechanism: 'gssapi', kerberos, serviceName: 'not-kafka' },
    });
    const error = (await producer.produce('kerberos', 'x').then(
      () => null,
      (thrown: unknown) => thrown,
    )) as Error;
    await producer.close({ timeoutMs: 1_000 });
    expect(error).toMatchObject({ persisted: 'no', retriable: false });
    expect(error.message).toContain('not-kafka@127.0.0.1');
  });
});
