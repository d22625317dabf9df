import { AuthenticationError } from './authentication-error.ts';
import { configError } from './config-error.ts';
import { Secret } from './secret.ts';
import { quoteServerText } from './server-text.ts';
import type { OAuthToken, TokenProvider } from './token-source.ts';

interface TokenEndpoint {
  /** Must be https, but for a loopback host. */
  tokenEndpoint: string | URL;
  scope?: string;
  /** More form fields, e.g. `audience` or `resource`. */
  parameters?: Readonly<Record<string, string>>;
  /** SASL extensions to send along with each token. */
  extensions?: Readonly<Record<string, string>>;
  /** Allows http to a host that is not loopback: the secret goes over the network in clear. Default false. */
  allowInsecureHttp?: boolean;
  /** Instead of the global one, e.g. with a proxy or a private CA. */
  fetch?: typeof globalThis.fetch;
}

/** The token endpoint, and a secret or an assertion to show to it. */
export type ClientCredentialsOptions = TokenEndpoint & { clientId: string } & (
    | {
        clientSecret: string;
        /** `basic`, the default, uses the Authorization header; `body` the form. */
        clientAuthentication?: 'basic' | 'body';
        /** Percent-encode id and secret in the header, as RFC 6749 says and some servers expect. Default false. */
        urlEncodeHeader?: boolean;
      }
    | {
        /** Signs an assertion in place of a secret (KIP-1258); `jwtAssertion` makes such a function. */
        clientAssertion: () => string | Promise<string>;
      }
  );

/** The token endpoint, and an assertion to exchange for a token. */
export interface JwtBearerOptions extends TokenEndpoint {
  /** Signs or fetches the assertion; `jwtAssertion` makes such a function. */
  assertion: () => string | Promise<string>;
}

const LARGEST_ANSWER = 1_048_576;
const FORM = 'application/x-www-form-urlencoded';

/** Tokens by OAuth 2's client-credentials grant, as in KIP-768. */
export function clientCredentials(options: ClientCredentialsOptions): TokenProvider {
  const endpoint = endpointOf(options);
  const { clientId } = options;
  if ('clientAssertion' in options) {
    const { clientAssertion } = options;
    return async ({ signal }) => {
      const assertion = await clientAssertion();
      const form = formOf(options, {
        grant_type: 'client_credentials',
        client_id: clientId,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      });
      return await request(options, endpoint, form, {}, [assertion], signal);
    };
  }
  const secret = new Secret(options.clientSecret);
  const inBody = options.clientAuthentication === 'body';
  const encode = options.urlEncodeHeader === true ? encodeURIComponent : (text: string) => text;
  return async ({ signal }) => {
    const clientSecret = secret.reveal();
    const fields: Record<string, string> = { grant_type: 'client_credentials' };
    const headers: Record<string, string> = {};
    if (inBody) {
      fields['client_id'] = clientId;
      fields['client_secret'] = clientSecret;
    } else {
      const pair = `${encode(clientId)}:${encode(clientSecret)}`;
      headers['authorization'] = `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
    }
    return await request(options, endpoint, formOf(options, fields), headers, [clientSecret], signal);
  };
}

/** Tokens by OAuth 2's JWT-bearer grant (RFC 7523), as in KIP-1139. */
export function jwtBearer(options: JwtBearerOptions): TokenProvider {
  const endpoint = endpointOf(options);
  return async ({ signal }) => {
    const assertion = await options.assertion();
    const form = formOf(options, { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion });
    return await request(options, endpoint, form, {}, [assertion], signal);
  };
}

function endpointOf({ tokenEndpoint, allowInsecureHttp }: TokenEndpoint): URL {
  let url: URL;
  try {
    url = new URL(tokenEndpoint);
  } catch {
    throw configError('sasl.tokenEndpoint', 'is not a URL');
  }
  if (url.username !== '' || url.password !== '') {
    throw configError('sasl.tokenEndpoint', 'must not hold credentials: give "clientId" and "clientSecret"');
  }
  if (url.protocol === 'https:') return url;
  if (url.protocol !== 'http:') throw configError('sasl.tokenEndpoint', 'must be an https URL');
  const isLoopback = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (!isLoopback && allowInsecureHttp !== true) {
    throw configError(
      'sasl.tokenEndpoint',
      'is http, so the secret would travel in clear: use https, or say "allowInsecureHttp: true"',
    );
  }
  return url;
}

function formOf({ scope, parameters }: TokenEndpoint, fields: Readonly<Record<string, string>>): URLSearchParams {
  const form = new URLSearchParams({ ...parameters, ...fields });
  if (scope !== undefined) form.set('scope', scope);
  return form;
}

async function request(
  options: TokenEndpoint,
  endpoint: URL,
  form: URLSearchParams,
  headers: Readonly<Record<string, string>>,
  secrets: readonly string[],
  signal: AbortSignal,
): Promise<OAuthToken> {
  const fetch = options.fetch ?? globalThis.fetch;
  const askedAtMs = Date.now();
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { accept: 'application/json', 'content-type': FORM, ...headers },
    body: form.toString(),
    // A redirect would carry the secret to a host that nobody configured.
    redirect: 'manual',
    signal,
  });
  const where = `token endpoint ${endpoint.host}`;
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel();
    throw refused(`${where} redirects (status ${response.status}): give the final address as "tokenEndpoint"`);
  }
  const answer = parsed(await limitedText(response, where));
  if (!response.ok) throw refusal(where, response.status, answer, secrets);
  const value = answer?.['access_token'];
  if (typeof value !== 'string' || value === '') {
    throw refused(`${where} answered ${response.status} without an "access_token"`, true);
  }
  const token: OAuthToken = { value };
  if (options.extensions !== undefined) token.extensions = options.extensions;
  const expiresIn = Number(answer?.['expires_in'] ?? Number.NaN);
  // Better than the `exp` claim inside the token, since it does not depend on this machine's clock being right.
  if (Number.isFinite(expiresIn)) token.expiresAtMs = askedAtMs + expiresIn * 1000;
  return token;
}

/** RFC 6749 5.2: only `error`, a fixed word, and the description are meant to be shown. */
function refusal(
  where: string,
  status: number,
  answer: Readonly<Record<string, unknown>> | null,
  secrets: readonly string[],
): AuthenticationError {
  const parts = [`${where} answered ${status}`];
  for (const key of ['error', 'error_description']) {
    const text = answer?.[key];
    if (typeof text === 'string') parts.push(quoteServerText(text, secrets));
  }
  const isPassing = status === 408 || status === 429 || status >= 500;
  const advice = isPassing ? '' : '. Check the client id, its secret or key, and the scope';
  return refused(parts.filter((part) => part !== '').join(': ') + advice, isPassing);
}

function refused(message: string, retriable = false): AuthenticationError {
  return new AuthenticationError(retriable ? 'SASL_TOKEN_UNAVAILABLE' : 'SASL_AUTHENTICATION_FAILED', message, {
    retriable,
  });
}

async function limitedText(response: Response, where: string): Promise<string> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    // Leaving the loop cancels the body.
    if (size > LARGEST_ANSWER) throw refused(`${where} answered with more than ${LARGEST_ANSWER} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
