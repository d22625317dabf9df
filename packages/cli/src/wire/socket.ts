import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { type Address, showAddress } from '../config/connection-options.ts';
import { codeOf, Failure, messageOf } from '../failure.ts';

/** Why one address could not be used. */
export class Unreachable extends Failure {
  readonly address: string;
  readonly reason: string;

  constructor(address: Address, reason: string, cause?: unknown) {
    super(`${showAddress(address)}: ${reason}`, { cause });
    this.address = showAddress(address);
    this.reason = reason;
  }
}

const faults: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name service does not answer',
  ETIMEDOUT: 'it does not answer',
  EPROTO: 'it does not speak TLS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate signs itself; trust it with --tls-ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate ends in an unknown authority; trust it with --tls-ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of an unknown authority; trust it with --tls-ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is of an unknown authority; trust it with --tls-ca',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

export function reasonOf(error: unknown): string {
  // Several addresses of one name were tried: the first failure stands for them.
  const single = error instanceof AggregateError && error.errors.length > 0 ? (error.errors[0] as unknown) : error;
  const code = codeOf(single) ?? codeOf(error);
  const known = code === undefined ? undefined : faults[code];
  return known === undefined ? messageOf(single) : `${known} (${code})`;
}

/** @throws Unreachable */
export function openSocket(address: Address, tls: ConnectionOptions | undefined, timeoutMs: number): Promise<Socket> {
  const { host, port } = address;
  return new Promise((resolve, reject) => {
    const socket =
      tls === undefined
        ? connectTcp({ host, port, noDelay: true, autoSelectFamily: true })
        : connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...tls });
    const timer = setTimeout(() => {
      socket.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }));
    }, timeoutMs);
    const fail = (error: unknown) => {
      clearTimeout(timer);
      const hint = tls !== undefined && codeOf(error) === 'ECONNRESET' ? ' at the TLS greeting: is it a TLS port?' : '';
      reject(new Unreachable(address, `${reasonOf(error)}${hint}`, error));
    };
    socket.once('error', fail);
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}
