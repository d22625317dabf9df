import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { fileFailure, usage } from '../failure.ts';
import { type ClientSettings, clientSettings, misspelling, splitList } from './java-settings.ts';
import { parseProperties } from './properties.ts';

/** The flags every command that connects has in common. */
export interface ConnectionFlags {
  brokers?: string;
  bootstrapServer?: string;
  config?: string;
  property?: string[];
  tls?: boolean;
  tlsCa?: string;
  saslMechanism?: string;
  saslUsername?: string;
}

export interface Connection extends ClientSettings {
  readonly brokers: string[];
  readonly clientId: string;
}

export function addConnectionOptions(command: Command): Command {
  return command
    .addOption(
      new Option('-b, --brokers <host:port,…>', 'where the cluster is; one address is enough').env('KIEL_BROKERS'),
    )
    .addOption(new Option('--bootstrap-server <host:port,…>', 'as --brokers, for hands used to it').hideHelp())
    .addOption(new Option('-F, --config <file>', "settings in Java's client.properties format").env('KIEL_CONFIG'))
    .addOption(new Option('-X, --property <name=value>', 'one such setting; may be repeated').argParser(repeated))
    .addOption(new Option('--tls', 'encrypt, with the certificates this system trusts'))
    .addOption(new Option('--tls-ca <file>', 'trust these certificates (PEM); implies --tls').env('KIEL_TLS_CA'))
    .addOption(
      new Option('--sasl-mechanism <name>', 'PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512').env('KIEL_SASL_MECHANISM'),
    )
    .addOption(
      new Option('--sasl-username <name>', 'the password comes from KIEL_SASL_PASSWORD').env('KIEL_SASL_USERNAME'),
    );
}

export function repeated(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

/**
 * Gathers what flags, environment and file say; a flag wins over the environment, and both over the file.
 *
 * @param warn - told of names in the file that look misspelt. Java passes over those too, and the file is Java's.
 * @throws Failure, also for a name after `-X` that is not known: it was written for kiel.
 */
export function connectionFrom(
  flags: ConnectionFlags,
  env: NodeJS.ProcessEnv,
  warn: (text: string) => void = () => {},
): Connection {
  const properties = new Map(flags.config === undefined ? [] : readProperties(flags.config));
  for (const name of properties.keys()) {
    const meant = misspelling(name)?.meant;
    if (meant !== undefined)
      warn(`${flags.config}: ${name} is not a setting, and is passed over. Did you mean ${meant}?`);
  }
  for (const property of flags.property ?? []) {
    const at = property.indexOf('=');
    if (at < 1) throw usage(`-X ${property} has no "=".`, 'Write -X name=value, for example -X linger.ms=5.');
    const name = property.slice(0, at).trim();
    const fault = /^(ssl|sasl|security)\./.test(name) ? null : misspelling(name);
    if (fault !== null) {
      const hint = 'In a file, settings of consumers and of Java alone are passed over; this one would do nothing.';
      throw usage(`-X ${name} is no setting that kiel knows.`, fault.meant ? `Did you mean ${fault.meant}?` : hint);
    }
    properties.set(name, property.slice(at + 1).trim());
  }
  applySecurityFlags(flags, env, properties);
  const settings = clientSettings(properties);
  const named = flags.brokers ?? flags.bootstrapServer;
  const brokers = named === undefined ? (settings.brokers ?? []) : splitList(named);
  if (brokers.length === 0) {
    throw usage('No broker is given.', 'Use -b HOST:PORT, KIEL_BROKERS, or bootstrap.servers in a --config file.');
  }
  for (const broker of brokers) parseAddress(broker);
  return { ...settings, brokers, clientId: settings.clientId ?? 'kiel' };
}

function readProperties(path: string): Map<string, string> {
  try {
    return parseProperties(readFileSync(path, 'utf8'));
  } catch (error) {
    throw fileFailure(path, error);
  }
}

/** The flags are short forms of properties, so that both go one way. */
function applySecurityFlags(flags: ConnectionFlags, env: NodeJS.ProcessEnv, properties: Map<string, string>): void {
  if (flags.tlsCa !== undefined) {
    properties.delete('ssl.truststore.certificates');
    properties.set('ssl.truststore.location', flags.tlsCa);
  }
  if (flags.saslMechanism !== undefined) properties.set('sasl.mechanism', flags.saslMechanism);
  if (flags.saslUsername !== undefined) {
    const password = env['KIEL_SASL_PASSWORD'];
    if (password === undefined) {
      throw usage('--sasl-username needs a password.', 'Put it into the environment variable KIEL_SASL_PASSWORD.');
    }
    properties.set(
      'sasl.jaas.config',
      `command required username=${quoted(flags.saslUsername)} password=${quoted(password)};`,
    );
    if (!properties.has('sasl.mechanism')) properties.set('sasl.mechanism', 'PLAIN');
  }
  const asked = properties.get('security.protocol')?.toUpperCase();
  const tls = flags.tls === true || flags.tlsCa !== undefined || asked?.endsWith('SSL') === true;
  const sasl =
    flags.saslMechanism !== undefined || flags.saslUsername !== undefined || asked?.startsWith('SASL') === true;
  if (tls || sasl) properties.set('security.protocol', `${sasl ? 'SASL_' : ''}${tls ? 'SSL' : 'PLAINTEXT'}`);
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORT = 9092;

/** `host`, `host:port`, `[v6]:port`, or any of them after `PLAINTEXT://` and the like. @throws Failure */
export function parseAddress(text: string): Address {
  const match = /^(?:[A-Za-z_]+:\/\/)?(?:\[([0-9A-Fa-f:.%]+)\]|([^\s:[\]/]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? DEFAULT_PORT : Number(match[3]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw usage(`"${text}" is not an address.`, 'Write HOST:PORT, for example localhost:9092 or [::1]:9092.');
  }
  return { host, port };
}

export function showAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
