import { createDecipheriv, createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';

/** As Java's own limit: more rounds are no password's protection, but a file that wants to keep a machine busy. */
const MOST_ROUNDS = 5_000_000;

const ids = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  nestedBags: '1.2.840.113549.1.12.10.1.6',
  x509: '1.2.840.113549.1.9.22.1',
  /** Oracle's: the certificate is trusted. Those without it belong to a key. */
  trusted: '2.16.840.1.113894.746875.1.1',
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  tripleDes: '1.2.840.113549.1.12.1.3',
} as const;

const digests: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

const hmacs: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
};

/** HMAC with SHA-1, where none is named. */
const defaultPrf = '1.2.840.113549.2.7';

const ciphers: Readonly<Record<string, readonly [name: string, keyBytes: number]>> = {
  '2.16.840.1.101.3.4.1.2': ['aes-128-cbc', 16],
  '2.16.840.1.101.3.4.1.22': ['aes-192-cbc', 24],
  '2.16.840.1.101.3.4.1.42': ['aes-256-cbc', 32],
  '1.2.840.113549.3.7': ['des-ede3-cbc', 24],
};

/** Something that is asked for and not there: a password, an algorithm. */
export class Pkcs12Error extends Error {
  override readonly name = 'Pkcs12Error';
}

/** Readable for Java alone: what Java itself does not write any more. */
export class OutdatedStore extends Pkcs12Error {}

/**
 * The trusted certificates of a PKCS#12 truststore, as DER.
 * @param password - without one, nothing is checked, and only what is not encrypted can be read.
 * @throws Pkcs12Error for a password that does not fit, for what is not understood, and for a damaged store.
 */
export function pkcs12Certificates(bytes: Uint8Array, password: string | undefined): Uint8Array[] {
  try {
    return certificatesOf(bytes, password);
  } catch (error) {
    if (error instanceof Pkcs12Error) throw error;
    const reason = error instanceof RangeError ? error.message : 'a part of it is missing';
    throw new Pkcs12Error(`it is damaged: ${reason}`, { cause: error });
  }
}

function certificatesOf(bytes: Uint8Array, password: string | undefined): Uint8Array[] {
  const [, authSafe, mac] = new Der(bytes).inside();
  const content = dataOf(authSafe!);
  if (mac !== undefined && password !== undefined) verify(mac, content, password);
  const found: Uint8Array[] = [];
  for (const part of new Der(content).inside()) {
    const [kind] = part.children();
    if (kind!.id() === ids.data) collect(new Der(dataOf(part)), found);
    else if (kind!.id() === ids.encryptedData) collect(new Der(decrypted(part, password)), found);
    else throw new Pkcs12Error(`content of kind ${kind!.id()} is not known`);
  }
  return found;
}

function collect(bags: Der, found: Uint8Array[]): void {
  for (const bag of bags.children()) {
    const [kind, value, attributes] = bag.children();
    if (kind!.id() === ids.nestedBags) collect(value!.children()[0]!, found);
    if (kind!.id() !== ids.certificateBag) continue;
    const [type, certificate] = value!.children()[0]!.children();
    const isTrusted = attributes?.children().some((attribute) => attribute.children()[0]!.id() === ids.trusted);
    if (type!.id() === ids.x509 && isTrusted === true) found.push(certificate!.children()[0]!.content);
  }
}

/** Of `SEQUENCE { data, [0] { OCTET STRING } }`. */
function dataOf(contentInfo: Der): Uint8Array {
  const [kind, wrapped] = contentInfo.children();
  if (kind!.id() !== ids.data) throw new Pkcs12Error('it is signed with a key rather than protected by a password');
  return wrapped!.children()[0]!.content;
}

function verify(mac: Der, content: Uint8Array, password: string): void {
  const [digestInfo, salt, rounds] = mac.children();
  const [algorithm, expected] = digestInfo!.children();
  const digest = named(digests, algorithm!.children()[0]!.id(), 'its checksum');
  const size = createHash(digest).digest().length;
  const key = derived(digest, 3, password, salt!.content, rounds === undefined ? 1 : roundsOf(rounds), size);
  const found = createHmac(digest, key).update(content).digest();
  if (found.length !== expected!.content.length || !timingSafeEqual(found, expected!.content)) {
    throw new Pkcs12Error('the password does not fit, or the store was changed');
  }
}

function decrypted(contentInfo: Der, password: string | undefined): Uint8Array {
  if (password === undefined) throw new Pkcs12Error('it is encrypted, and no password is given');
  const [, content] = contentInfo.children()[1]!.children()[0]!.children();
  const [, algorithm, ciphertext] = content!.children();
  const [scheme, parameters] = algorithm!.children();
  const [cipher, key, iv] =
    scheme!.id() === ids.pbes2 ? modernKey(parameters!, password) : oldKey(scheme!.id(), parameters!, password);
  try {
    const decipher = createDecipheriv(cipher, key, iv);
    return Buffer.concat([decipher.update(ciphertext!.content), decipher.final()]);
  } catch (error) {
    throw new Pkcs12Error('the password does not fit, or the store was changed', { cause: error });
  }
}

type CipherKey = readonly [cipher: string, key: Uint8Array, iv: Uint8Array];

function modernKey(parameters: Der, password: string): CipherKey {
  const [derivation, encryption] = parameters.children();
  const [kdf, kdfParameters] = derivation!.children();
  if (kdf!.id() !== ids.pbkdf2) throw new Pkcs12Error(`its key derivation ${kdf!.id()} is not known`);
  const [salt, rounds, ...rest] = kdfParameters!.children();
  const [prf] = rest.find((each) => each.tag === SEQUENCE)?.children() ?? [];
  const [cipherId, iv] = encryption!.children();
  const [cipher, keyBytes] = named(ciphers, cipherId!.id(), 'its encryption');
  const digest = named(hmacs, prf?.id() ?? defaultPrf, 'its key derivation with');
  return [cipher, pbkdf2Sync(password, salt!.content, roundsOf(rounds!), keyBytes, digest), iv!.content];
}

function oldKey(scheme: string, parameters: Der, password: string): CipherKey {
  // The one with RC2 and 40 bits, Java's own until 2021, no OpenSSL of Node's reads any more.
  if (scheme !== ids.tripleDes) throw new OutdatedStore('it is encrypted in a way that is no longer safe');
  const [salt, rounds] = parameters.children();
  const part = (purpose: number, size: number) =>
    derived('sha1', purpose, password, salt!.content, roundsOf(rounds!), size);
  return ['des-ede3-cbc', part(1, 24), part(2, 8)];
}

function named<Value>(table: Readonly<Record<string, Value>>, id: string, what: string): Value {
  const value = table[id];
  if (value === undefined) throw new Pkcs12Error(`${what} ${id} is not known`);
  return value;
}

function roundsOf(der: Der): number {
  const rounds = der.integer();
  if (rounds < 1 || rounds > MOST_ROUNDS) throw new Pkcs12Error(`it wants ${rounds} rounds of its password`);
  return rounds;
}

/** Keys from passwords as RFC 7292, appendix B, has them. @param purpose - 1 a key, 2 an IV, 3 a checksum's key. */
function derived(
  digest: string,
  purpose: number,
  password: string,
  salt: Uint8Array,
  rounds: number,
  size: number,
): Uint8Array {
  const block = digest === 'sha384' || digest === 'sha512' ? 128 : 64;
  const diversifier = Buffer.alloc(block, purpose);
  const secret = Buffer.from(`${password}\0`, 'utf16le').swap16();
  const input = Buffer.concat([repeated(salt, block), repeated(secret, block)]);
  const parts: Uint8Array[] = [];
  for (let have = 0; have < size; ) {
    let hash = createHash(digest).update(diversifier).update(input).digest();
    for (let round = 1; round < rounds; round++) hash = createHash(digest).update(hash).digest();
    parts.push(hash);
    have += hash.length;
    const filled = repeated(hash, block).subarray(0, block);
    for (let at = 0; at < input.length; at += block) addPlusOne(input.subarray(at, at + block), filled);
  }
  return Buffer.concat(parts).subarray(0, size);
}

/** As often as it takes to fill whole blocks; nothing stays nothing. */
function repeated(bytes: Uint8Array, block: number): Buffer {
  const size = Math.ceil(bytes.length / block) * block;
  return size === 0 ? Buffer.alloc(0) : Buffer.alloc(size, bytes);
}

function addPlusOne(number: Uint8Array, addend: Uint8Array): void {
  let carry = 1;
  for (let at = number.length - 1; at >= 0; at--) {
    carry += number[at]! + addend[at]!;
    number[at] = carry & 0xff;
    carry >>= 8;
  }
}

const SEQUENCE = 0x30;

/** One value in DER: its tag, its content, and the values inside. @throws RangeError past the end. */
class Der {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly size: number;

  constructor(bytes: Uint8Array) {
    this.tag = byteAt(bytes, 0);
    let length = byteAt(bytes, 1);
    let at = 2;
    if (length === 0x80) throw new Pkcs12Error('it is in BER with open ends, not in DER');
    if (length > 0x80) {
      const digits = length & 0x7f;
      if (digits > 4) throw new RangeError('a length of more than four bytes');
      length = 0;
      for (let i = 0; i < digits; i++) length = length * 256 + byteAt(bytes, at++);
    }
    this.size = at + length;
    if (this.size > bytes.length) throw new RangeError('a value is longer than what it is in');
    this.content = bytes.subarray(at, this.size);
  }

  children(): Der[] {
    const all: Der[] = [];
    for (let at = 0; at < this.content.length; at += all.at(-1)!.size) all.push(new Der(this.content.subarray(at)));
    if (all.length === 0) throw new RangeError('nothing where there must be something');
    return all;
  }

  /** As `children`, of what has to be a sequence. */
  inside(): Der[] {
    if (this.tag !== SEQUENCE) throw new RangeError('no sequence where there must be one');
    return this.children();
  }

  integer(): number {
    if (this.content.length > 6) throw new RangeError('a number of more than six bytes');
    return this.content.reduce((value, byte) => value * 256 + byte, 0);
  }

  /** An object identifier in dotted form. */
  id(): string {
    if (this.tag !== 6) throw new RangeError('no identifier where there must be one');
    const numbers: number[] = [];
    let value = 0;
    for (const byte of this.content) {
      value = value * 128 + (byte & 0x7f);
      if (byte < 0x80) {
        numbers.push(value);
        value = 0;
      }
    }
    const [first = 0, ...rest] = numbers;
    const root = Math.min(2, Math.floor(first / 40));
    return [root, first - root * 40, ...rest].join('.');
  }
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new RangeError('the store ends too early');
  return byte;
}
