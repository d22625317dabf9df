import { isIP } from 'node:net';
import type { PeerCertificate } from 'node:tls';
import { KafkaError } from '../errors.ts';
import type { TlsBroker } from './tls.ts';

/** What can be wrong with a secure connection. */
export type TlsErrorCode =
  | 'TLS_CERTIFICATE_EXPIRED'
  | 'TLS_CERTIFICATE_NOT_TRUSTED'
  | 'TLS_NAME_MISMATCH'
  | 'TLS_CLIENT_CERTIFICATE_REFUSED'
  | 'TLS_VERSION_REFUSED'
  /** We speak TLS, the peer does not. */
  | 'PEER_DOES_NOT_SPEAK_TLS'
  /** The peer speaks TLS, we do not. */
  | 'PEER_SPEAKS_TLS'
  | 'TLS_HANDSHAKE_FAILED';

/** The secure connection did not come about: nothing was sent over it. */
export class TlsError extends KafkaError {
  override readonly name = 'TlsError';
  declare readonly code: TlsErrorCode;

  constructor(code: TlsErrorCode, message: string, options: { retriable?: boolean; cause?: unknown } = {}) {
    super(code, message, options);
  }
}

const MOST_NAMES = 10;

const untrusted: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed and not among "tls.ca"',
  SELF_SIGNED_CERT_IN_CHAIN: 'its chain ends in an authority that is not among "tls.ca"',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate was issued by an authority that is not among "tls.ca"',
  UNABLE_TO_GET_ISSUER_CERT: 'an issuer in its chain is missing from "tls.ca"',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'an issuer in its chain is missing from "tls.ca"',
  CERT_UNTRUSTED: 'its certificate is not trusted',
  CERT_REJECTED: 'its certificate is rejected',
  CERT_REVOKED: 'its certificate is revoked',
  CERT_SIGNATURE_FAILURE: 'the signature of its certificate is wrong',
  INVALID_CA: 'its chain holds a certificate that may not issue others',
  INVALID_PURPOSE: 'its certificate is not meant for servers',
  CERT_CHAIN_TOO_LONG: 'its certificate chain is too long',
};

/** How far a connection had come when it failed. */
export interface TlsProgress {
  /** The handshake had been done on this side. With TLS 1.3 a server refuses a client's certificate only afterwards. */
  readonly isSecured: boolean;
  /** What the peer had sent, in bytes on the wire. */
  readonly bytesRead: number;
}

const atTheStart: TlsProgress = { isSecured: false, bytesRead: 0 };

/**
 * What a failed TLS connection means, and what to do.
 *
 * @returns null when the error has nothing to do with TLS.
 */
export function explainTlsError(
  error: Error | null,
  broker: TlsBroker,
  { isSecured, bytesRead }: TlsProgress = atTheStart,
): TlsError | null {
  const peer = peerName(broker);
  const code = (error as { code?: string } | null)?.code ?? '';
  const make = (tlsCode: TlsErrorCode, text: string, retriable = false) =>
    new TlsError(tlsCode, `${peer}: ${text}`, { retriable, cause: error ?? undefined });

  if (code === 'CERT_HAS_EXPIRED')
    return make('TLS_CERTIFICATE_EXPIRED', 'its certificate has expired: renew it there');
  if (code === 'CERT_NOT_YET_VALID') {
    return make('TLS_CERTIFICATE_EXPIRED', 'its certificate is not valid yet: check the clocks here and there');
  }
  if (Object.hasOwn(untrusted, code)) return make('TLS_CERTIFICATE_NOT_TRUSTED', untrusted[code]!);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return make('TLS_NAME_MISMATCH', mismatchText(error!, broker));
  if (
    /^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNKNOWN_PROTOCOL|UNEXPECTED_MESSAGE|BAD_RECORD_TYPE|RECORD_LAYER_FAILURE)$/.test(
      code,
    )
  ) {
    return make(
      'PEER_DOES_NOT_SPEAK_TLS',
      'it does not speak TLS. Leave "tls" out, or use the port of its TLS listener',
    );
  }
  if (/ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW/.test(code)) {
    return make(
      'TLS_VERSION_REFUSED',
      'no common TLS version: 1.2 and 1.3 are spoken here ("tls.minVersion", "tls.maxVersion")',
    );
  }
  if (
    /ALERT_(?:BAD_CERTIFICATE|CERTIFICATE_REQUIRED|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED|CERTIFICATE_REVOKED|NO_CERTIFICATE|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)$/.test(
      code,
    )
  ) {
    return make(
      'TLS_CLIENT_CERTIFICATE_REFUSED',
      `it refuses this client's certificate (${lastWords(code)}): check "tls.cert" and "tls.key", or give them if it asks for one`,
    );
  }
  if (/ALERT_HANDSHAKE_FAILURE/.test(code)) {
    return make(
      'TLS_HANDSHAKE_FAILED',
      'it ended the handshake: it asks for a client certificate ("tls.cert", "tls.key"), or there is no common cipher',
    );
  }
  if (code.startsWith('ERR_SSL_')) return make('TLS_HANDSHAKE_FAILED', `the handshake failed (${lastWords(code)})`);
  if (isSecured || (error !== null && code !== 'ECONNRESET' && code !== 'EPIPE')) return null;
  if (bytesRead > 0) {
    return make(
      'TLS_HANDSHAKE_FAILED',
      'it ended the handshake without giving a reason: it may not accept this client\'s certificate ("tls.cert"), or want one',
      true,
    );
  }
  // A Kafka listener without TLS reads the greeting as an enormous frame and closes without a word. A broker
  // that is just stopping looks the same, hence retriable.
  return make(
    'PEER_DOES_NOT_SPEAK_TLS',
    'it closed the connection at the TLS greeting, so it most likely does not speak TLS. ' +
      'Leave "tls" out, or use the port of its TLS listener',
    true,
  );
}

/**
 * Whether the first bytes from a peer, to whom no TLS was spoken, are a TLS record: an alert or a handshake.
 * As a frame's size they would be 350 MB and more.
 */
export function isTlsRecord(firstBytes: Uint8Array): boolean {
  const [type, major, minor] = firstBytes;
  return (type === 0x15 || type === 0x16) && major === 3 && minor !== undefined && minor <= 4;
}

/** @param peer - its name, for the message. */
export function peerSpeaksTls(peer: string): TlsError {
  return new TlsError(
    'PEER_SPEAKS_TLS',
    `${peer}: it speaks TLS and this client does not. Set "tls", or use the port of its plain listener`,
  );
}

function mismatchText(error: Error, { host }: TlsBroker): string {
  const { cert, host: expected = host } = error as { cert?: PeerCertificate; host?: string };
  const names = namesIn(cert, isIP(expected) !== 0);
  const has = names.length === 0 ? 'no name at all' : names.join(', ');
  return (
    `its certificate is not for ${JSON.stringify(expected)} but for ${has}. ` +
    'Use one of these names, or set "tls.servername" to it'
  );
}

/** @param isAddress - an address is expected: names do not count then, even if they look like one. */
function namesIn(certificate: PeerCertificate | undefined, isAddress: boolean): string[] {
  const alternatives = certificate?.subjectaltname?.split(', ') ?? [];
  const names = alternatives.map((entry) => {
    const [, kind, name] = /^(DNS|IP Address):(.*)$/s.exec(entry) ?? [undefined, '', entry];
    return { name: name!, note: isAddress && kind === 'DNS' ? ' (a name, and an address needs an IP entry)' : '' };
  });
  const common = certificate?.subject?.CN;
  // The common name counts only where there are no alternatives (RFC 6125).
  if (names.length === 0 && common !== undefined) names.push(...[common].flat().map((name) => ({ name, note: '' })));
  const shown = names.slice(0, MOST_NAMES).map(({ name, note }) => `${JSON.stringify(name.slice(0, 255))}${note}`);
  if (names.length > MOST_NAMES) shown.push(`${names.length - MOST_NAMES} more`);
  return shown;
}

function lastWords(code: string): string {
  return code
    .replace(/^ERR_SSL_(?:SSL\/TLS_|SSLV3_|TLSV1_|TLSV13_)?(?:ALERT_)?/, '')
    .toLowerCase()
    .replaceAll('_', ' ');
}

function peerName({ host, port, nodeId }: TlsBroker): string {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return nodeId === null ? `broker ${address}` : `broker ${nodeId} at ${address}`;
}
