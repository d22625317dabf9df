import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Address } from '../ports.ts';
import { configError } from './config-error.ts';

/**
 * Where a broker really is, for tunnels, port-forwards and proxies. Called before every connection; answering
 * `undefined` or the same address changes nothing. `nodeId` is null for a bootstrap address.
 */
export type ResolveBroker = (
  host: string,
  port: number,
  nodeId: number | null,
) => BrokerRoute | undefined | Promise<BrokerRoute | undefined>;

/** Where to connect instead of the advertised address. */
export interface BrokerRoute extends Address {
  /** The name to send and to verify with TLS. Absent, the advertised one: a tunnel does not change who answers. */
  readonly serverName?: string;
}

/**
 * Makes the connection below TLS, for proxies that have a protocol of their own. Resolves when bytes can be sent;
 * rejecting is the same as a refused connection. `host` and `port` are those of `resolveBroker`, if there is one.
 */
export type SocketFactory = (target: {
  host: string;
  port: number;
  /** `null` for a bootstrap address. */
  nodeId: number | null;
  /** Aborted when the connection is given up. */
  signal: AbortSignal;
}) => Duplex | Promise<Duplex>;

/** Where to connect, and who is expected there. */
export interface ResolvedBroker {
  readonly connectTo: Address;
  readonly serverName: string;
}

/** Asks `resolveBroker`, if there is one, where a broker really is. */
export async function resolveAddress(
  resolve: ResolveBroker | undefined,
  advertised: Address,
  nodeId: number | null,
): Promise<ResolvedBroker> {
  const { host, port } = advertised;
  const route = await resolve?.(host, port, nodeId);
  if (route === undefined) return { connectTo: { host, port }, serverName: host };
  checkRoute(route);
  return { connectTo: { host: route.host, port: route.port }, serverName: route.serverName ?? host };
}

function checkRoute(route: BrokerRoute): void {
  const isHost = typeof route?.host === 'string' && route.host !== '';
  if (isHost && Number.isInteger(route.port) && route.port > 0 && route.port < 65_536) return;
  throw configError('resolveBroker', 'must return { host, port } or undefined');
}

/**
 * Which addresses a cluster may advertise: each entry is `host`, `host:port`, or either with a leading `*.`
 * for all names below a domain. Bootstrap addresses are always allowed. A function decides by itself.
 */
export type AllowedBrokers = readonly string[] | ((host: string, port: number, nodeId: number) => boolean);

type IsAllowed = (host: string, port: number, nodeId: number) => boolean;

/** @throws ConfigError for an entry that can match nothing. */
export function allowList(allowed: AllowedBrokers | undefined, bootstrap: readonly Address[]): IsAllowed {
  if (allowed === undefined) return () => true;
  if (typeof allowed === 'function') return allowed;
  const entries = allowed.map(parseEntry);
  for (const { host, port } of bootstrap) entries.push({ host: canonical(host), port, below: false });
  return (host, port) => {
    const name = canonical(host);
    return entries.some(
      (entry) =>
        (entry.port === null || entry.port === port) &&
        (entry.below ? name.endsWith(entry.host) && isIP(name) === 0 : name === entry.host),
    );
  };
}

interface Entry {
  readonly host: string;
  readonly port: number | null;
  /** True: any name that ends with `host`, which then begins with a dot. */
  readonly below: boolean;
}

function parseEntry(entry: string): Entry {
  const match = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^:[\]\s]+)|([0-9A-Fa-f:.]+))(?::(\d{1,5}))?$/.exec(String(entry));
  const host = match?.[1] ?? match?.[2] ?? match?.[3];
  const port = match?.[4] === undefined ? null : Number(match[4]);
  const isBelow = host?.startsWith('*.') === true;
  const rest = isBelow ? host.slice(1) : host;
  if (rest === undefined || rest.includes('*') || (port !== null && (port < 1 || port > 65_535))) {
    throw configError(
      'allowedBrokers',
      `has an entry that is no "host", "host:port" or "*.domain": ${JSON.stringify(entry)}`,
    );
  }
  return { host: canonical(rest), port, below: isBelow };
}

/** Names compare without case and without the root's dot, addresses in one spelling. */
function canonical(host: string): string {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  if (isIP(bare) === 6 && !bare.includes('%')) return new URL(`http://[${bare}]`).hostname.slice(1, -1);
  return bare.toLowerCase().replace(/\.$/, '');
}

/** The error for a broker that cannot be reached where its cluster says it is. */
export function unreachableText(
  advertised: Address,
  nodeId: number | null,
  bootstrap: readonly Address[],
  connectedTo: Address = advertised,
): string {
  if (nodeId === null) return `bootstrap address ${show(advertised)} is unreachable`;
  const via = show(connectedTo) === show(advertised) ? '' : ` (tried as ${show(connectedTo)})`;
  return (
    `advertised address ${show(advertised)} of node ${nodeId} is unreachable${via}; ` +
    `bootstrap was ${bootstrap.slice(0, 5).map(show).join(', ')}. ` +
    'Behind a tunnel or proxy set "resolveBroker", or correct the broker\'s advertised.listeners'
  );
}

/** Says that the cluster sends this client where it may not go. */
export function notAllowedText(advertised: Address, nodeId: number): string {
  return (
    `the cluster advertises node ${nodeId} at ${show(advertised)}, which "allowedBrokers" does not allow: ` +
    'nothing was sent there'
  );
}

function show({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
