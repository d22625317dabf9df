import { createHash, timingSafeEqual } from 'node:crypto';

const JKS = 0xfeedfeed;
const TRUSTED = 2;
const DIGEST_BYTES = 20;
/** Every JKS file's digest begins with the password and these words. */
const SALT = 'Mighty Aphrodite';

/** Which of Java's stores these bytes are; null for none of them. */
export function javaStoreOf(bytes: Uint8Array): 'JKS' | 'PKCS12' | null {
  if (bytes.length >= 4 && viewOf(bytes).getUint32(0) === JKS) return 'JKS';
  return bytes[0] === 0x30 && (bytes[1]! & 0x80) !== 0 ? 'PKCS12' : null;
}

/**
 * The certificates that a JKS truststore holds, as PEM. They are not encrypted; the password only proves that nobody
 * changed them.
 * @throws Error, with what is wrong, for a damaged store and for a password that does not fit.
 */
export function jksCertificates(bytes: Uint8Array, password: string | undefined): string[] {
  const body = bytes.subarray(0, bytes.length - DIGEST_BYTES);
  if (password !== undefined && !isGenuine(body, bytes.subarray(body.length), password)) {
    throw new Error('the password does not fit, or the store was changed');
  }
  try {
    return certificatesOf(body);
  } catch (error) {
    if (error instanceof RangeError) throw new Error('the store ends too early', { cause: error });
    throw error;
  }
}

function certificatesOf(body: Uint8Array): string[] {
  const view = viewOf(body);
  const version = view.getUint32(4);
  if (version !== 2) throw new Error(`it is a JKS store of version ${version}, and only 2 is known`);
  const found: string[] = [];
  let at = 12;
  for (let left = view.getUint32(8); left > 0; left--) {
    const tag = view.getUint32(at);
    if (tag !== TRUSTED) throw new Error('it holds a private key, so it is no truststore');
    // The alias, then eight bytes of time.
    at += 4 + 2 + view.getUint16(at + 4) + 8;
    // The kind of certificate, always X.509.
    at += 2 + view.getUint16(at);
    const size = view.getUint32(at);
    at += 4 + size;
    if (at > body.length) throw new RangeError('a certificate is longer than the store');
    found.push(pem(body.subarray(at - size, at)));
  }
  return found;
}

function isGenuine(body: Uint8Array, digest: Uint8Array, password: string): boolean {
  const hash = createHash('sha1').update(Buffer.from(password, 'utf16le').swap16()).update(SALT).update(body);
  const expected = hash.digest();
  return digest.length === expected.length && timingSafeEqual(digest, expected);
}

export function pem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
