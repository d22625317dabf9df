import { constants } from 'node:crypto';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import * as tls from 'node:tls';
import type { Address } from '../ports.ts';
import { configError } from './config-error.ts';

/** Everything `tls.connect` takes, but for what the connection decides itself. */
export type TlsMaterial = Omit<tls.ConnectionOptions, 'host' | 'port' | 'path' | 'socket' | 'secureProtocol'>;

/** The broker that a secure connection is for. */
export interface TlsBroker {
  /** The name that is expected to answer: the advertised one, or the bootstrap's. */
  readonly host: string;
  readonly port: number;
  readonly nodeId: number | null;
}

/**
 * The producer's `tls` option: `true` for the system's authorities; material for all brokers; or a function
 * that is asked at each connect, for certificates that change and for brokers that differ.
 */
export type TlsOptions = true | TlsMaterial | ((broker: TlsBroker) => TlsMaterial | Promise<TlsMaterial>);

/** Options for one `tls.connect`: a new object each time, the user's own stays as it was. */
export type TlsConnector = (broker: TlsBroker, connectTo: Address, socket?: Duplex) => Promise<tls.ConnectionOptions>;

const FLOOR = 'TLSv1.2';
/** A server could have TLS 1.2 negotiated again and again, and show another certificate then. No Kafka broker asks for it. */
const { SSL_OP_NO_RENEGOTIATION } = constants;
const OURS = ['host', 'port', 'path', 'socket', 'secureProtocol'] as const;

/**
 * @throws ConfigError when fixed material cannot be used: a key that does not fit, a wrong passphrase, a
 *   protocol below TLS 1.2. Material from a function is checked at each connect.
 */
export function tlsConnector(options: TlsOptions): TlsConnector {
  if (typeof options === 'function') {
    return async (broker, connectTo, socket) => {
      const material = await options(broker);
      return connectionOptions(material, secureContext(material), broker, connectTo, socket);
    };
  }
  if (options !== true && (typeof options !== 'object' || options === null)) {
    throw configError('tls', 'must be true, an object of tls.connect options, or a function that gives one');
  }
  const material = options === true ? {} : { ...options };
  // Reading authorities takes milliseconds: once, and not at each connect.
  const context = secureContext(material);
  return async (broker, connectTo, socket) => connectionOptions(material, context, broker, connectTo, socket);
}

function connectionOptions(
  material: TlsMaterial,
  context: tls.SecureContext,
  broker: TlsBroker,
  connectTo: Address,
  socket: Duplex | undefined,
): tls.ConnectionOptions {
  const expected = material.servername ?? broker.host;
  const checkIdentity = material.checkServerIdentity ?? tls.checkServerIdentity;
  return {
    ...material,
    ...(socket === undefined ? { host: connectTo.host, port: connectTo.port } : { socket }),
    secureContext: context,
    // Sent even when nothing is verified: routers in front of a cluster find the broker by it. RFC 6066
    // knows names only, so an address leaves it out.
    servername: sniName(expected),
    // Node would verify the address it connected to when there is no SNI; behind a tunnel that is not the broker.
    checkServerIdentity: (_host, certificate) => checkIdentity(expected, certificate),
  };
}

/** '' for an address. The root's dot belongs to DNS and not to names in certificates. */
export function sniName(host: string): string {
  const name = host.replace(/\.$/, '');
  return isIP(name) !== 0 || name.includes(':') ? '' : name;
}

function secureContext(material: TlsMaterial): tls.SecureContext {
  check(material);
  if (material.secureContext !== undefined) return material.secureContext;
  try {
    const secureOptions = (material.secureOptions ?? 0) | SSL_OP_NO_RENEGOTIATION;
    return tls.createSecureContext({ minVersion: FLOOR, ...material, secureOptions });
  } catch (error) {
    throw configError('tls', `cannot be used: ${reasonOf(error)}`);
  }
}

function check(material: TlsMaterial): void {
  if (typeof material !== 'object' || material === null) throw configError('tls', 'must give an object');
  for (const key of OURS) {
    if ((material as tls.ConnectionOptions)[key] === undefined) continue;
    const instead =
      key === 'secureProtocol'
        ? 'use "minVersion" and "maxVersion"'
        : 'the broker decides it; see "resolveBroker" and "socketFactory"';
    throw configError(`tls.${key}`, `cannot be set: ${instead}`);
  }
  for (const key of ['minVersion', 'maxVersion'] as const) {
    const version = material[key];
    if (version === undefined || version === 'TLSv1.2' || version === 'TLSv1.3') continue;
    throw configError(`tls.${key}`, `must be "TLSv1.2" or "TLSv1.3": older ones are broken`);
  }
  if (material.servername !== undefined && typeof material.servername !== 'string') {
    throw configError('tls.servername', 'must be text; give a function as "tls" for a name per broker');
  }
}

/** OpenSSL's reasons, by its own codes, in words; its texts name no material. */
function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  const text = `${code ?? ''} ${message ?? ''}`;
  if (/KEY_VALUES_MISMATCH/i.test(text) || /key values mismatch/i.test(text)) {
    return 'the private key does not belong to the certificate';
  }
  if (/mac verify failure/i.test(text)) return 'the passphrase of "pfx" is wrong';
  if (/BAD_DECRYPT|bad decrypt|MISSING_PASSPHRASE|INTERRUPTED_OR_CANCELLED|bad password/i.test(text)) {
    return 'the passphrase of the private key is missing or wrong';
  }
  if (/NO_START_LINE|no start line|DECODER|unsupported/i.test(text)) return 'a key or certificate is not readable PEM';
  if (/not enough data|PKCS12|asn1|wrong tag/i.test(text)) return '"pfx" is not readable PKCS#12';
  return code ?? 'unknown reason';
}
