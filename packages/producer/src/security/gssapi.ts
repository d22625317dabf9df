import { AuthenticationError } from './authentication-error.ts';
import type { SaslContext, SaslMechanism } from './mechanism.ts';

/** Options of GSSAPI (Kerberos). */
export interface GssapiOptions {
  /** First part of the broker's principal: `kafka`. */
  serviceName?: string;
  /** The client's principal; absent, the one of the ticket cache. */
  principal?: string;
  /** The npm package `kerberos`, or something of its shape; loaded by name when absent. */
  kerberos?: KerberosModule;
}

/** The part of the npm package `kerberos` that is used. Tokens are base64. */
export interface KerberosModule {
  initializeClient(service: string, options: { mechOID?: number; principal?: string }): Promise<KerberosClient>;
  readonly GSS_MECH_OID_KRB5?: number;
}

/** What is used of a client of the package `kerberos`. */
export interface KerberosClient {
  readonly contextComplete: boolean;
  readonly username: string | null;
  step(challenge: string): Promise<string | null>;
  unwrap(challenge: string): Promise<string>;
  wrap(message: string, options?: { user?: string }): Promise<string>;
}

/** RFC 4752's bit for "no security layer": TLS does that work. */
const NO_LAYER = 1;

/** RFC 4752, Kerberos by the system's own libraries. */
export function gssapi(options: GssapiOptions = {}): SaslMechanism {
  const { serviceName = 'kafka', principal } = options;
  return {
    name: 'GSSAPI',
    async *authenticate({ host, port }: SaslContext) {
      const kerberos = options.kerberos ?? (await loadKerberos());
      const failed = (what: string, cause: unknown) =>
        new AuthenticationError(
          'SASL_AUTHENTICATION_FAILED',
          `Kerberos for ${serviceName}@${host} (broker ${host}:${port}): ${what}`,
          { cause },
        );
      let client: KerberosClient;
      try {
        const mechanism = kerberos.GSS_MECH_OID_KRB5;
        client = await kerberos.initializeClient(`${serviceName}@${host}`, {
          ...(mechanism === undefined ? {} : { mechOID: mechanism }),
          ...(principal === undefined ? {} : { principal }),
        });
      } catch (cause) {
        throw failed('no ticket can be used: run kinit, and check the principal and the ticket cache', cause);
      }

      let challenge: Uint8Array = new Uint8Array(0);
      while (!client.contextComplete) {
        let token: string | null;
        try {
          token = await client.step(base64(challenge));
        } catch (cause) {
          throw failed("the exchange failed: check the broker's principal and both clocks", cause);
        }
        challenge = yield Buffer.from(token ?? '', 'base64');
      }

      let reply: string;
      try {
        const offer = Buffer.from(await client.unwrap(base64(challenge)), 'base64');
        if (offer.length !== 4 || (offer[0]! & NO_LAYER) === 0) throw new Error('no usable security layer offered');
        const choice = Buffer.from([NO_LAYER, 0, 0, 0]);
        const user = client.username ?? principal;
        const message = user == null ? choice : Buffer.concat([choice, Buffer.from(user, 'utf8')]);
        reply = await client.wrap(message.toString('base64'));
      } catch (cause) {
        throw failed('the security layer cannot be agreed on', cause);
      }
      yield Buffer.from(reply, 'base64');
    },
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

async function loadKerberos(): Promise<KerberosModule> {
  // A variable, so that neither the compiler nor a bundler looks for a package that need not be there.
  const name: string = 'kerberos';
  try {
    const loaded = (await import(name)) as KerberosModule & { default?: KerberosModule };
    return loaded.default ?? loaded;
  } catch (cause) {
    throw new AuthenticationError(
      'SASL_MECHANISM_NOT_INSTALLED',
      'GSSAPI needs the package "kerberos": npm install kerberos@7, with the Kerberos libraries of the system',
      { cause },
    );
  }
}
