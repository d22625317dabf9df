import type { SaslMechanism } from './mechanism.ts';
import { Secret } from './secret.ts';

/** Options of PLAIN: the password goes over the wire as it is, so use it over TLS only. */
export interface PlainOptions {
  username: string;
  password: string;
  /** Act as this user instead, where the broker allows it. */
  authorizationId?: string;
}

/** RFC 4616. The password itself goes to the broker: use it over TLS only. */
export function plain(options: PlainOptions): SaslMechanism {
  const { username, authorizationId = '' } = options;
  const password = new Secret(options.password);
  return {
    name: 'PLAIN',
    async *authenticate() {
      yield Buffer.from(`${authorizationId}\0${username}\0${password.reveal()}`, 'utf8');
    },
  };
}
