import { createHash, generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jwtAssertion } from '@kiel/producer';
import { type KafkaCluster, startKafka } from '../../tools/kafka/index.ts';
import { Authority, type Certificate } from './certificates.ts';
import { secrets } from './secrets.ts';

/** Names of the listeners: what each speaks. `MTLS` demands a client certificate. */
export const listenerOf = { plain: 'SASL', tls: 'SASLTLS' } as const;

export interface SecureKafka extends AsyncDisposable {
  readonly kafka: KafkaCluster;
  readonly authority: Authority;
  readonly clientCertificate: Certificate;
  /** A JWT that the listener's validator accepts. */
  token(listener: 'SASL' | 'SASLTLS', subject?: string, lifetimeSeconds?: number): Promise<string>;
  port(listener: 'PLAINTEXT' | 'TLS' | 'MTLS' | 'SASL' | 'SASLTLS'): number;
}

const loginModule = (name: string) => `org.apache.kafka.common.security.${name}`;

/** A real broker with every listener of this suite. Users: alice (PLAIN), bob and carol (SCRAM), admin (super). */
export async function startSecureKafka(options: { maxReauthMs?: number } = {}): Promise<SecureKafka> {
  const authority = new Authority();
  const server = authority.issue({ name: 'broker', alternatives: ['DNS:localhost', 'IP:127.0.0.1'] });
  const clientCertificate = authority.issue({ name: 'trusted-client' });
  const keystore = join(authority.folder, 'keystore.pem');
  writeFileSync(keystore, server.key + server.cert);

  const signer = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwks = join(authority.folder, 'jwks.json');
  const jwk = signer.publicKey.export({ format: 'jwk' });
  const kid = createHash('sha256').update(String(jwk.n)).digest('hex').slice(0, 8);
  writeFileSync(jwks, JSON.stringify({ keys: [{ ...jwk, kid, use: 'sig', alg: 'RS256' }] }));

  const plainUsers = `user_alice="${secrets.plainPassword}"`;
  const oauth = `${loginModule('oauthbearer.OAuthBearerLoginModule')} required`;
  const config: Record<string, string | number | boolean> = {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keystore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': authority.certificate.certFile,
    'listener.name.mtls.ssl.client.auth': 'required',
    'listener.name.tls.ssl.client.auth': 'none',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS;User:admin',
    'allow.everyone.if.no.acl.found': true,
    'delegation.token.secret.key': secrets.delegationKey,
    'connections.max.reauth.ms': options.maxReauthMs ?? 0,
    'connection.failed.authentication.delay.ms': 10,
  };
  for (const listener of ['sasl', 'sasltls']) {
    const at = `listener.name.${listener}`;
    config[`${at}.sasl.enabled.mechanisms`] = 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER';
    config[`${at}.plain.sasl.jaas.config`] = `${loginModule('plain.PlainLoginModule')} required ${plainUsers};`;
    for (const scram of ['scram-sha-256', 'scram-sha-512']) {
      config[`${at}.${scram}.sasl.jaas.config`] = `${loginModule('scram.ScramLoginModule')} required;`;
    }
  }
  // Without TLS Kafka's validator for development, with it a signed token against a set of keys.
  config['listener.name.sasl.oauthbearer.sasl.jaas.config'] = `${oauth} unsecuredLoginStringClaim_sub="broker";`;
  const secured = 'listener.name.sasltls.oauthbearer';
  config[`${secured}.sasl.jaas.config`] = `${oauth};`;
  config[`${secured}.sasl.oauthbearer.jwks.endpoint.url`] = `file://${jwks}`;
  config[`${secured}.sasl.oauthbearer.expected.audience`] = 'kafka';
  config[`${secured}.sasl.oauthbearer.expected.issuer`] = 'kiel-test';
  config[`${secured}.sasl.server.callback.handler.class`] = loginModule(
    'oauthbearer.OAuthBearerValidatorCallbackHandler',
  );

  const kafka = await startKafka({
    version: '4.4.0',
    listeners: [
      { name: 'TLS', protocol: 'SSL' },
      { name: 'MTLS', protocol: 'SSL' },
      { name: 'SASL', protocol: 'SASL_PLAINTEXT' },
      { name: 'SASLTLS', protocol: 'SASL_SSL' },
    ],
    config,
    scram: [
      `SCRAM-SHA-256=[name=bob,password=${secrets.scram256Password}]`,
      `SCRAM-SHA-512=[name=carol,password=${secrets.scram512Password}]`,
      `SCRAM-SHA-512=[name=admin,password=${secrets.scram512Password}]`,
    ],
    jvmFlags: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=file://${jwks}`],
  });
  const broker = kafka.brokers[0]!;
  return {
    kafka,
    authority,
    clientCertificate,
    port: (listener) => broker.ports[listener]!,
    token: async (listener, subject = 'dora', lifetimeSeconds = 600) => {
      if (listener === 'SASLTLS') {
        const claims = { issuer: 'kiel-test', subject, audience: 'kafka', keyId: kid, lifetimeSeconds };
        return await jwtAssertion({ privateKey: signer.privateKey, ...claims })();
      }
      return unsecuredToken(subject, lifetimeSeconds);
    },
    [Symbol.asyncDispose]: async () => {
      await kafka.stop();
      authority[Symbol.dispose]();
    },
  };
}

export function unsecuredToken(subject: string, lifetimeSeconds: number): string {
  const now = Math.floor(Date.now() / 1000);
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  return `${encode({ alg: 'none' })}.${encode({ sub: subject, iat: now, exp: now + lifetimeSeconds })}.`;
}
