/**
 * The messages of RFC 5802, written and read strictly. All of it comes from a peer that has proved nothing
 * yet, so every attribute must be the one expected, in its place, once.
 */

/** Far above any real message: Kafka's are under 200 bytes. */
const LONGEST = 8192;
const LONGEST_SALT = 1024;
const LONGEST_ERROR = 200;

export interface ServerFirst {
  /** The client's nonce continued by the server's. */
  readonly nonce: string;
  readonly salt: Uint8Array;
  readonly iterations: number;
}

export type ServerFinal = { readonly signature: Uint8Array } | { readonly error: string };

/** `n,,` or with a user to act as: no channel binding, since Kafka has none. */
export function gs2Header(authorizationId: string): string {
  return `n,${authorizationId === '' ? '' : `a=${saslName(authorizationId)}`},`;
}

/** `,` and `=` separate attributes, so a name carries them escaped. */
export function saslName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C');
}

export function clientFirstBare(
  username: string,
  nonce: string,
  extensions: Readonly<Record<string, string>> = {},
): string {
  let message = `n=${saslName(username)},r=${nonce}`;
  for (const [key, value] of Object.entries(extensions)) message += `,${key}=${value}`;
  return message;
}

/** @throws a plain Error that says what is wrong and quotes nothing of the message. */
export function readServerFirst(bytes: Uint8Array): ServerFirst {
  const [nonceAttribute = '', saltAttribute, iterationsAttribute, ...extensions] = attributesOf(bytes);
  // RFC 5802 section 5.1: a client that does not know a mandatory extension must not go on.
  if (nonceAttribute.startsWith('m=')) throw new Error('it demands an extension that is not known');
  if (nonceAttribute.startsWith('e=')) throw new Error('it reports an error where the salt should be');
  const nonce = attributeValue('r', nonceAttribute);
  if (!/^[\x21-\x2b\x2d-\x7e]+$/.test(nonce)) throw new Error('its nonce has characters that no nonce may have');
  const salt = base64('salt', attributeValue('s', saltAttribute));
  if (salt.length > LONGEST_SALT) throw new Error(`its salt has ${salt.length} bytes`);
  const iterations = attributeValue('i', iterationsAttribute);
  if (!/^[1-9][0-9]{0,9}$/.test(iterations)) throw new Error('its iteration count is not a positive number');
  checkExtensions(extensions);
  return { nonce, salt, iterations: Number(iterations) };
}

/** @throws as `readServerFirst`. */
export function readServerFinal(bytes: Uint8Array): ServerFinal {
  const [outcome = '', ...extensions] = attributesOf(bytes);
  if (outcome.startsWith('e=')) {
    // A `value-safe-char` string; the RFC lists the errors it may be, all of letters and dashes.
    const error = outcome.slice(2);
    if (!/^[\x20-\x7e]+$/.test(error) || error.length > LONGEST_ERROR) throw new Error('its error is not readable');
    return { error };
  }
  const signature = base64('signature', attributeValue('v', outcome));
  checkExtensions(extensions);
  return { signature };
}

function attributesOf(bytes: Uint8Array): string[] {
  if (bytes.length === 0) throw new Error('it is empty');
  if (bytes.length > LONGEST) throw new Error(`it has ${bytes.length} bytes`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Error('it is not UTF-8');
  }
  if (text.includes('\0')) throw new Error('it holds a zero byte');
  return text.split(',');
}

function attributeValue(name: string, attribute: string | undefined): string {
  if (attribute === undefined) throw new Error(`its attribute "${name}" is missing`);
  if (!attribute.startsWith(`${name}=`)) throw new Error(`its attribute "${name}" is missing or out of place`);
  if (attribute.length === 2) throw new Error(`its attribute "${name}" is empty`);
  return attribute.slice(2);
}

/** Node's own decoder skips what it does not know; here any stray character is an error. */
function base64(what: string, text: string): Uint8Array {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) {
    throw new Error(`its ${what} is not base64`);
  }
  return new Uint8Array(Buffer.from(text, 'base64'));
}

/** Unknown extensions are allowed and ignored, but they must be extensions. */
function checkExtensions(extensions: readonly string[]): void {
  for (const extension of extensions) {
    if (!/^[A-Za-z]=./su.test(extension)) throw new Error('something follows that is no extension');
  }
}
