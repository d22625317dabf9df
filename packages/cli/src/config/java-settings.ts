import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { fileFailure, messageOf, usage } from '../failure.ts';
import { javaStoreOf, jksCertificates, pem } from './java-store.ts';
import { nearest } from './nearest.ts';
import { OutdatedStore, pkcs12Certificates } from './pkcs12.ts';

/** What a `client.properties` of Java's clients says, in the producer's own terms. */
export interface ClientSettings {
  brokers?: string[];
  clientId?: string;
  tls?: ConnectionOptions;
  sasl?: SaslSettings;
  /** Options of the producer, by kiel's names. */
  producer: Record<string, unknown>;
}

export type SaslSettings =
  | {
      mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
      username: string;
      password: string;
      delegationToken?: true;
    }
  | { mechanism: 'GSSAPI'; serviceName: string };

export type Properties = ReadonlyMap<string, string>;

/**
 * @throws Failure for a value that cannot be right, and for a setting of security that is not understood:
 *   leaving one out could make the connection less safe than the file asks for.
 */
export function clientSettings(properties: Properties): ClientSettings {
  refuseUnknownSecurity(properties);
  const settings: ClientSettings = { producer: producerSettings(properties) };
  const brokers = properties.get('bootstrap.servers');
  if (brokers !== undefined) settings.brokers = splitList(brokers);
  const clientId = properties.get('client.id');
  if (clientId !== undefined) settings.clientId = clientId;
  const protocol = (properties.get('security.protocol') ?? 'PLAINTEXT').toUpperCase();
  if (!protocols.includes(protocol)) {
    throw usage(`security.protocol is ${protocol}.`, `It must be one of ${protocols.join(', ')}.`);
  }
  if (protocol.endsWith('SSL')) settings.tls = tlsSettings(properties);
  if (protocol.startsWith('SASL')) settings.sasl = saslSettings(properties);
  return settings;
}

export function splitList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

const protocols = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'];

const knownSecurity = new Set([
  'security.protocol',
  'sasl.mechanism',
  'sasl.jaas.config',
  'sasl.kerberos.service.name',
  'ssl.truststore.type',
  'ssl.truststore.location',
  'ssl.truststore.certificates',
  'ssl.keystore.type',
  'ssl.keystore.location',
  'ssl.keystore.password',
  'ssl.keystore.certificate.chain',
  'ssl.keystore.key',
  'ssl.key.password',
  'ssl.endpoint.identification.algorithm',
  'ssl.enabled.protocols',
  'ssl.protocol',
  'ssl.cipher.suites',
]);

/** Of Java alone: how its own classes are chosen. Leaving them out takes nothing away. */
const harmless =
  /^(ssl\.(provider|secure\.random\.implementation|(key|trust)manager\.algorithm|truststore\.password)|sasl\.(login|kerberos\.(kinit|ticket|min))\..*)$/;

function refuseUnknownSecurity(properties: Properties): void {
  for (const name of properties.keys()) {
    if (!/^(ssl|sasl|security)\./.test(name) || knownSecurity.has(name) || harmless.test(name)) continue;
    throw usage(
      `The setting ${name} is not supported, and leaving it out could weaken the connection.`,
      nearestOf(name),
    );
  }
}

function nearestOf(name: string): string {
  const near = nearest(name, [...knownSecurity], 3);
  if (near !== undefined) return `Did you mean ${near}?`;
  const group = name.split('.')[0]!;
  return `Of ${group}.* it knows ${[...knownSecurity].filter((each) => each.startsWith(`${group}.`)).join(', ')}.`;
}

/**
 * What is wrong with the name of a setting; null for one that is known. Those of other clients, and of Java's own
 * classes, stand in such files too: they are told apart from misspelt ones by how near these come to a known one.
 */
export function misspelling(name: string): { readonly meant: string | undefined } | null {
  const isKnown = name in producerProperties || named.has(name) || knownSecurity.has(name) || harmless.test(name);
  if (isKnown) return null;
  return { meant: nearest(name, [...Object.keys(producerProperties), ...named, ...knownSecurity], 2) };
}

const named = new Set(['bootstrap.servers', 'client.id']);

function tlsSettings(properties: Properties): ConnectionOptions {
  const tls: ConnectionOptions = {};
  const ca = trustedCertificates(properties);
  if (ca !== undefined) tls.ca = ca;
  addKeystore(properties, tls);
  // Java reads the empty text as "do not compare the name".
  if (properties.get('ssl.endpoint.identification.algorithm')?.trim() === '') tls.checkServerIdentity = () => undefined;
  const versions = splitList(properties.get('ssl.enabled.protocols') ?? properties.get('ssl.protocol') ?? '');
  const known = versions.filter((version) => version === 'TLSv1.2' || version === 'TLSv1.3').sort();
  if (versions.length > 0 && known.length === 0) {
    throw usage(`None of the TLS versions ${versions.join(', ')} is supported.`, 'Use TLSv1.2 or TLSv1.3.');
  }
  if (known.length > 0) {
    tls.minVersion = known[0] as 'TLSv1.2' | 'TLSv1.3';
    tls.maxVersion = known.at(-1) as 'TLSv1.2' | 'TLSv1.3';
  }
  const ciphers = splitList(properties.get('ssl.cipher.suites') ?? '');
  if (ciphers.length > 0) tls.ciphers = ciphers.join(':');
  return tls;
}

function trustedCertificates(properties: Properties): string | undefined {
  const inline = properties.get('ssl.truststore.certificates');
  if (inline !== undefined) return inline;
  const location = properties.get('ssl.truststore.location');
  if (location === undefined) return undefined;
  const content = readBytes(location);
  if (isPem(content)) return content.toString('utf8');
  const password = properties.get('ssl.truststore.password');
  switch (javaStoreOf(content)) {
    case 'JKS':
      return fromStore(location, () => jksCertificates(content, password));
    case 'PKCS12':
      return fromStore(location, () => pkcs12Certificates(content, password).map(pem));
    case null:
      throw usage(
        `${location} holds no certificate.`,
        'Give a file of certificates in PEM, beginning with -----BEGIN CERTIFICATE-----.',
      );
  }
}

function fromStore(location: string, read: () => string[]): string {
  let certificates: string[];
  try {
    certificates = read();
  } catch (error) {
    const rewrite = `keytool -importkeystore -srckeystore ${location} -destkeystore new.p12 -deststoretype PKCS12`;
    throw usage(
      `The truststore ${location} cannot be read: ${messageOf(error)}.`,
      error instanceof OutdatedStore
        ? `Write it anew with a Java of 2021 or later: ${rewrite}`
        : `Check ssl.truststore.password with: keytool -list -keystore ${location}`,
    );
  }
  if (certificates.length > 0) return certificates.join('');
  throw usage(
    `The truststore ${location} has no certificate that is marked as trusted, so nothing would be.`,
    `Add the authority's: keytool -importcert -file ca.pem -alias ca -keystore ${location}`,
  );
}

function addKeystore(properties: Properties, tls: ConnectionOptions): void {
  const passphrase = properties.get('ssl.key.password') ?? properties.get('ssl.keystore.password');
  if (passphrase !== undefined) tls.passphrase = passphrase;
  const chain = properties.get('ssl.keystore.certificate.chain');
  const key = properties.get('ssl.keystore.key');
  const location = properties.get('ssl.keystore.location');
  if (chain !== undefined) tls.cert = chain;
  if (key !== undefined) tls.key = key;
  if (location === undefined) return;
  const content = readBytes(location);
  if (isPem(content)) {
    tls.cert = content.toString('utf8');
    tls.key = content.toString('utf8');
  } else if (content[0] === 0x30) {
    // PKCS#12, Java's default since 9.
    tls.pfx = content;
    const password = properties.get('ssl.keystore.password');
    if (password !== undefined) tls.passphrase = password;
  } else {
    throw usage(
      `The keystore ${location} is of type JKS, in which only Java finds the key.`,
      `Convert it: keytool -importkeystore -srckeystore ${location} -destkeystore client.p12 -deststoretype PKCS12, and name client.p12 in its place.`,
    );
  }
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw fileFailure(path, error);
  }
}

function isPem(content: Buffer): boolean {
  return content.includes('-----BEGIN ');
}

function saslSettings(properties: Properties): SaslSettings {
  const mechanism = (properties.get('sasl.mechanism') ?? 'GSSAPI').toUpperCase();
  if (mechanism === 'GSSAPI') {
    return { mechanism, serviceName: properties.get('sasl.kerberos.service.name') ?? 'kafka' };
  }
  if (mechanism !== 'PLAIN' && mechanism !== 'SCRAM-SHA-256' && mechanism !== 'SCRAM-SHA-512') {
    throw usage(
      `sasl.mechanism=${mechanism} is not supported by the command.`,
      'It takes PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and GSSAPI; the others work through @kiel/producer.',
    );
  }
  const options = jaasOptions(properties.get('sasl.jaas.config') ?? '');
  const username = options.get('username');
  const password = options.get('password');
  if (username === undefined || password === undefined) {
    const missing = username !== undefined ? 'a password' : password !== undefined ? 'a user name' : null;
    throw usage(
      `sasl.mechanism=${mechanism} needs ${missing === null ? 'a user name and a password' : `${missing} too`}.`,
      'Set sasl.jaas.config=… required username="…" password="…"; or KIEL_SASL_USERNAME and KIEL_SASL_PASSWORD.',
    );
  }
  const isToken = options.get('tokenauth')?.toLowerCase() === 'true';
  return { mechanism, username, password, ...(isToken ? { delegationToken: true as const } : {}) };
}

/** The options of `some.LoginModule required name="value" other=value;`. */
export function jaasOptions(text: string): Map<string, string> {
  const options = new Map<string, string>();
  for (const match of text.matchAll(/([A-Za-z_][\w.]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s;]+))/g)) {
    const value = match[2] ?? match[3] ?? match[4] ?? '';
    options.set(match[1]!, match[4] === undefined ? value.replaceAll(/\\(.)/gs, '$1') : value);
  }
  return options;
}

type Convert = (text: string, name: string) => unknown;

const count: Convert = (text, name) => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value)) throw usage(`${name} is "${text}", not a whole number.`);
  return value;
};

const yesOrNo: Convert = (text, name) => {
  const value = text.trim().toLowerCase();
  if (value !== 'true' && value !== 'false') throw usage(`${name} is "${text}", neither true nor false.`);
  return value === 'true';
};

const acks: Convert = (text, name) => (text.trim().toLowerCase() === 'all' ? -1 : count(text, name));

const compression: Convert = (text) => (text.trim().toLowerCase() === 'none' ? null : text.trim().toLowerCase());

const producerProperties: Record<string, [string, Convert]> = {
  acks: ['requiredAcks', acks],
  'batch.size': ['batchBytes', count],
  'buffer.memory': ['bufferBytes', count],
  'client.rack': ['rack', (text) => text],
  'compression.type': ['compression', compression],
  'connections.max.idle.ms': ['connectionsMaxIdleMs', count],
  'delivery.timeout.ms': ['deliveryTimeoutMs', count],
  'enable.idempotence': ['idempotent', yesOrNo],
  'linger.ms': ['lingerMs', count],
  'max.block.ms': ['maxBlockMs', count],
  'max.in.flight.requests.per.connection': ['maxInFlight', count],
  'max.request.size': ['maxRequestBytes', count],
  'enable.metrics.push': ['metricsPush', yesOrNo],
  'metadata.max.age.ms': ['metadataMaxAgeMs', count],
  'metadata.max.idle.ms': ['metadataMaxIdleMs', count],
  'reconnect.backoff.max.ms': ['reconnectBackoffMaxMs', count],
  'reconnect.backoff.ms': ['reconnectBackoffMs', count],
  'request.timeout.ms': ['requestTimeoutMs', count],
  'retry.backoff.max.ms': ['retryBackoffMaxMs', count],
  'retry.backoff.ms': ['retryBackoffMs', count],
  'socket.connection.setup.timeout.ms': ['connectionSetupTimeoutMs', count],
  'transactional.id': ['transactionalId', (text) => text],
};

/** Settings of other clients and of tools stand in such files too: what is not the producer's is passed over. */
function producerSettings(properties: Properties): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const [name, text] of properties) {
    const entry = producerProperties[name];
    if (entry !== undefined) settings[entry[0]] = entry[1](text, name);
  }
  return settings;
}
