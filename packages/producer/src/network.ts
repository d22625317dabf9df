import {
  InitProducerIdRequest,
  SaslAuthenticateRequest,
  SaslAuthenticateResponse,
  SaslHandshakeRequest,
  SaslHandshakeResponse,
} from '@kiel/codec/client';
import { legacyRanges, newestCommon } from './api-versions.ts';
import { backoffMs, clampDelay } from './backoff.ts';
import { BrokerLink } from './broker-link.ts';
import type { brokerMachine } from './broker-machine.ts';
import { Connection } from './connection.ts';
import { ConnectionError, KafkaError, toError } from './errors.ts';
import type { SafeLogger } from './logger.ts';
import type { Settings } from './options.ts';
import type { Address, Clock, Random, Transport } from './ports.ts';
import type { Producer } from './producer.ts';
import {
  authenticate,
  notAllowedText,
  type ResolveBroker,
  reauthenticateAfterMs,
  renewalFailure,
  resolveAddress,
  type SaslMechanism,
  unreachableText,
} from './security/index.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

export interface NetworkPorts {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: SafeLogger;
  readonly telemetry: Telemetry;
  /** Named to whoever traces requests. */
  readonly owner: Producer;
  readonly sasl: SaslMechanism | null;
  readonly resolveBroker: ResolveBroker | undefined;
  /** Whether a cluster may send this client there; absent, it may. */
  readonly isAllowed?: ((host: string, port: number, nodeId: number) => boolean) | undefined;
}

/** What the rest of the producer hears of connections. */
export interface NetworkEvents {
  /** A machine for this link is needed: asked again until it has one. */
  linkNeeded(link: BrokerLink): void;
  linkRemoved(link: BrokerLink): void;
  /** Requests can be written. */
  linkReady(link: BrokerLink): void;
  /** A connection could not be made, or ended before it was of use. */
  linkFailed(link: BrokerLink, error: ConnectionError): void;
  /** A connection in use has ended. */
  linkLost(link: BrokerLink, error: ConnectionError): void;
  throttled(link: BrokerLink, throttleMs: number): void;
  /** This broker cannot work with this client, and trying again does not change it. */
  refused(link: BrokerLink, error: Error): void;
  /** The cluster's id, once it is known (KIP-1242). */
  readonly clusterId: string | null;
}

/** Brokers before 0.10 close the connection on a request they do not know: after so many closings it is believed. */
const silentClosingsOfOld = 2;
/** The same where it would be the end of the producer, since idempotence was asked for by name. */
const silentClosingsOfHopeless = 6;

/** All links to brokers, and what their machines do. */
export class Network {
  readonly links = new Map<string, BrokerLink>();
  readonly #settings: Settings;
  readonly #ports: NetworkPorts;
  readonly #events: NetworkEvents;
  #bootstrap: BrokerLink[] = [];
  #isClosed = false;
  #serial = 0;
  /** How often an address has closed connections on being asked for its versions. Links come and go. */
  readonly #silentClosings = new Map<string, number>();
  /** Some broker has told its versions: closings are no sign of age any more. */
  #knowsVersions = false;

  constructor(settings: Settings, ports: NetworkPorts, events: NetworkEvents) {
    this.#settings = settings;
    this.#ports = ports;
    this.#events = events;
  }

  /** Links to the entries of `brokers`, made when they are first needed. */
  bootstrapLinks(): readonly BrokerLink[] {
    if (this.#bootstrap.length === 0) {
      this.#bootstrap = this.#settings.brokers.map(({ host, port }) => this.add(null, host, port, null));
    }
    return this.#bootstrap;
  }

  add(nodeId: number | null, host: string, port: number, rack: string | null): BrokerLink {
    const name = nodeId === null ? 'bootstrap' : `node ${nodeId}`;
    const key = `${name} ${host}:${port} #${++this.#serial}`;
    const meters = this.#ports.telemetry.node(nodeId);
    const link = new BrokerLink(key, nodeId, host, port, rack, meters, (each) => this.#events.linkNeeded(each));
    this.links.set(link.key, link);
    return link;
  }

  /** A connection that stands to an entry of `brokers` becomes that of the node behind it. */
  adopt(nodeId: number, host: string, port: number, rack: string | null): BrokerLink | null {
    const link = this.#bootstrap.find((each) => each.host === host && each.port === port && each.isReady);
    if (link === undefined) return null;
    this.#bootstrap = this.#bootstrap.filter((each) => each !== link);
    link.nodeId = nodeId;
    link.rack = rack;
    this.#ports.telemetry.adopted(link.meters, nodeId);
    return link;
  }

  /** The link is not used for anything new, and ends when its last answer is in. */
  retire(link: BrokerLink): void {
    link.isLeaving = true;
    link.failCalls(new ConnectionError('CLOSED', `${link.name} is not used any more`));
    if (link.connection === null || link.connection.pendingRequests === 0) this.#remove(link);
  }

  /** Entries of `brokers` have done their work; kept are those that are being asked. */
  retireBootstrap(): void {
    const links = this.#bootstrap;
    this.#bootstrap = [];
    for (const link of links) this.retire(link);
  }

  /** Called after each answer: a link that was to leave may go now. */
  settle(link: BrokerLink): void {
    if (link.isLeaving && link.connection?.pendingRequests === 0) this.#remove(link);
  }

  /** All brokers that are connected hand out producer ids, as they say. */
  get knowsProducerIds(): boolean {
    let knows = false;
    for (const { connection } of this.links.values()) {
      if (connection?.versions == null) continue;
      if (newestCommon(connection.versions, InitProducerIdRequest) < 0) return false;
      knows = true;
    }
    return knows;
  }

  /** KIP-219: the broker asks for a pause. */
  throttle(link: BrokerLink, throttleMs: number): void {
    if (throttleMs <= 0) return;
    link.connection?.extendDeadlines(throttleMs);
    link.actor?.send({ type: 'throttled', throttleMs: clampDelay(throttleMs) });
  }

  /** Every socket ends, and nothing is connected any more. */
  close(): void {
    this.#isClosed = true;
    for (const link of this.links.values()) {
      link.isLeaving = true;
      link.failCalls(closedError());
      link.connection?.close(closedError());
    }
    this.links.clear();
  }

  /** What a broker's machine does, asks and waits for. */
  implementations(): Parameters<typeof brokerMachine.provide>[0] {
    const { clock, random } = this.#ports;
    const settings = this.#settings;
    const linkOf = (context: { broker: string }) => this.links.get(context.broker);
    return {
      guards: {
        isWanted: ({ context, event }) => {
          const link = linkOf(context);
          return link?.isWanted === true || (event.type === 'socket.closed' && link?.isRefusing === true);
        },
        isUnused: ({ context }) => {
          const connection = linkOf(context)?.connection;
          if (connection == null) return true;
          const idleMs = clock.now() - connection.usedAtMs;
          return connection.pendingRequests === 0 && idleMs >= settings.connectionsMaxIdleMs - 1;
        },
      },
      delays: {
        setupTimeout: () => settings.connectionSetupTimeoutMs,
        backoff: ({ context }) =>
          backoffMs(context.failures, settings.reconnectBackoffMs, settings.reconnectBackoffMaxMs, random),
        idle: ({ context }) => {
          const usedAtMs = linkOf(context)?.connection?.usedAtMs ?? clock.now();
          return clampDelay(usedAtMs + settings.connectionsMaxIdleMs - clock.now());
        },
        reauthentication: ({ context }) =>
          clampDelay((linkOf(context)?.connection?.reauthenticateAtMs ?? Number.POSITIVE_INFINITY) - clock.now()),
      },
      actions: {
        openSocket: ({ context }) => this.#open(linkOf(context)),
        authenticate: ({ context }) => this.#setUp(linkOf(context)),
        closeSocket: ({ context }) => this.#letGo(linkOf(context)),
        timeOutSocket: ({ context }) => this.#timeOut(linkOf(context)),
        reportReady: ({ context }) => this.#ready(linkOf(context)),
        reportFailure: ({ context }) => this.#failed(linkOf(context)),
        reportThrottled: ({ context }) => {
          const link = linkOf(context);
          if (link !== undefined) this.#events.throttled(link, context.throttleMs);
        },
      },
    };
  }

  #remove(link: BrokerLink): void {
    if (!this.links.delete(link.key)) return;
    link.connection?.close(closedError());
    this.#forget(link);
    this.#events.linkRemoved(link);
  }

  /** What was measured there goes too, unless the same node has another address now. */
  #forget(link: BrokerLink): void {
    for (const { meters } of this.links.values()) if (meters === link.meters) return;
    this.#ports.telemetry.forgotten(link.meters);
  }

  /**
   * The machine ends the connection by itself and knows. Were it told once more, it would take that for the end of
   * the next connection, if one was wanted at once, and open a third beside it.
   */
  #letGo(link: BrokerLink | undefined): void {
    const connection = link?.connection;
    if (link === undefined || connection == null) return;
    link.connection = null;
    if (connection.versions === legacyRanges) this.#countClosing(link);
    connection.close(closedError());
  }

  #countClosing(link: BrokerLink): void {
    const address = addressOf(link);
    this.#silentClosings.set(address, (this.#silentClosings.get(address) ?? 0) + 1);
  }

  #open(link: BrokerLink | undefined): void {
    if (link === undefined || this.#isClosed) return;
    const { clock, transport, resolveBroker, telemetry } = this.#ports;
    const connection = new Connection(
      {
        name: link.name,
        clientId: this.#settings.clientId,
        requestTimeoutMs: this.#settings.requestTimeoutMs,
        clock,
        peer: link,
        owner: this.#ports.owner,
        // A listener with SASL tells its versions to anybody, and closes on whatever else comes.
        earlyEndHint: this.#ports.sasl === null ? '. If its listener wants SASL, set "sasl"' : '',
      },
      {
        opened: () => {
          telemetry.opened();
          link.actor?.send({ type: 'socket.opened' });
        },
        drained: () => {
          if (link.isReady) this.#events.linkReady(link);
        },
        closed: (error) => {
          if (connection.hasOpened) telemetry.closed();
          this.#closed(link, connection, error);
        },
      },
    );
    link.connection = connection;
    if (link.nodeId !== null && this.#ports.isAllowed?.(link.host, link.port, link.nodeId) === false) {
      const text = notAllowedText({ host: link.host, port: link.port }, link.nodeId);
      connection.close(new ConnectionError('ADDRESS_NOT_ALLOWED', text, { retriable: false }));
      return;
    }
    const connect = (target: Address) => {
      if (link.connection === connection) connection.attach(transport.connect(target, connection));
    };
    if (resolveBroker === undefined) {
      connect({ host: link.host, port: link.port, nodeId: link.nodeId, serverName: link.host } as Address);
      return;
    }
    resolveAddress(resolveBroker, { host: link.host, port: link.port }, link.nodeId).then(
      ({ connectTo, serverName }) => connect({ ...connectTo, nodeId: link.nodeId, serverName } as Address),
      (thrown: unknown) =>
        connection.close(
          new ConnectionError('CONNECT_FAILED', `resolveBroker failed for ${link.name}: ${toError(thrown).message}`, {
            cause: thrown,
          }),
        ),
    );
  }

  /** Agrees on versions, and proves who we are; once more for the latter when the session ends. */
  #setUp(link: BrokerLink | undefined): void {
    const connection = link?.connection;
    if (link === undefined || connection == null) return;
    this.#introduce(link, connection).then(
      () => {
        if (link.connection === connection) link.actor?.send({ type: 'authenticated' });
      },
      (thrown: unknown) => this.#setUpFailed(link, connection, thrown),
    );
  }

  async #introduce(link: BrokerLink, connection: Connection): Promise<void> {
    if (connection.versions === null) {
      const closings = this.#silentClosings.get(addressOf(link)) ?? 0;
      const enough = this.#settings.idempotentByName ? silentClosingsOfHopeless : silentClosingsOfOld;
      if (!this.#knowsVersions && closings >= enough && closings % 2 === 0) {
        connection.versions = legacyRanges;
      } else {
        const { clusterId } = this.#events;
        const { nodeId } = link;
        await connection.negotiate(clusterId === null || nodeId === null ? null : { clusterId, nodeId });
        this.#knowsVersions = true;
      }
    }
    const { sasl, clock, random, telemetry } = this.#ports;
    if (sasl === null) return;
    const context = { host: link.host, port: link.port, nodeId: link.nodeId, signal: connection.signal };
    const isAgain = connection.isAuthenticated;
    const startedMs = clock.now();
    const { lifetimeMs } = await authenticate(sasl, context, exchangeOver(connection)).catch((thrown: unknown) => {
      if (!(thrown instanceof ConnectionError)) telemetry.unauthenticated(isAgain);
      throw isAgain ? renewalFailure(thrown) : thrown;
    });
    connection.isAuthenticated = true;
    telemetry.authenticated(isAgain, startedMs, lifetimeMs !== null);
    connection.reauthenticateAtMs =
      lifetimeMs === null ? Number.POSITIVE_INFINITY : clock.now() + reauthenticateAfterMs(lifetimeMs, random);
  }

  #setUpFailed(link: BrokerLink, connection: Connection, thrown: unknown): void {
    const error = toError(thrown);
    const { retriable } = error as { retriable?: boolean };
    if (link.connection === connection) {
      connection.close(
        error instanceof ConnectionError
          ? error
          : new ConnectionError('CONNECT_FAILED', `${link.name} cannot be used: ${error.message}`, {
              cause: error,
              retriable: retriable === true,
            }),
      );
    }
    if (retriable === false && !(error instanceof ConnectionError && error.code === 'CLOSED')) {
      this.#refuse(link, connection, error);
    }
  }

  /** Once a connection: its end is told by more than one. */
  #refuse(link: BrokerLink, connection: Connection, error: Error): void {
    if (connection.isRefused) return;
    connection.isRefused = true;
    const { cause } = error;
    this.#events.refused(link, error instanceof ConnectionError && cause instanceof KafkaError ? cause : error);
  }

  #timeOut(link: BrokerLink | undefined): void {
    const { connectionSetupTimeoutMs } = this.#settings;
    link?.connection?.close(
      new ConnectionError('REQUEST_TIMEOUT', `${link.name} was not ready in ${connectionSetupTimeoutMs} ms`),
    );
  }

  #ready(link: BrokerLink | undefined): void {
    if (link?.connection == null) return;
    link.lastError = null;
    link.runCalls();
    this.#events.linkReady(link);
  }

  #closed(link: BrokerLink, connection: Connection, error: ConnectionError): void {
    if (link.connection !== connection) return;
    const { wasReady } = link;
    // A pause before the next one: what is refused for good without acknowledgements would cost a connection each time.
    link.isRefusing = this.#settings.requiredAcks === 0 && this.#ports.clock.now() - connection.usedAtMs < justUsedMs;
    const { versions, hasHeard } = connection;
    // A broker that begins to answer knows what it was asked: an answer that is cut says nothing of its age. One that
    // is taken for old is asked again after the connection has ended: it may have closed the others for other reasons.
    const isTelling = versions === legacyRanges || (versions === null && !hasHeard);
    if (error.code === 'CONNECTION_LOST' && isTelling) this.#countClosing(link);
    link.connection = null;
    link.lastError = this.#explain(link, error);
    this.#ports.logger.debug('connection ended', { broker: link.name, reason: error.message });
    if (wasReady && error.code !== 'CLOSED') this.#events.linkLost(link, error);
    if (!error.retriable && error.code !== 'CLOSED' && !connection.isRefused) this.#refuse(link, connection, error);
    if (!this.#isClosed) link.actor?.send({ type: 'socket.closed' });
    if (link.isLeaving) this.#remove(link);
  }

  #failed(link: BrokerLink | undefined): void {
    if (link === undefined) return;
    const error = link.lastError ?? closedError();
    link.failCalls(error);
    this.#events.linkFailed(link, error);
  }

  #explain(link: BrokerLink, error: ConnectionError): ConnectionError {
    const { cause, retriable } = error;
    if (error.code !== 'CONNECT_FAILED' || link.nodeId === null || !retriable) return error;
    const text = unreachableText({ host: link.host, port: link.port }, link.nodeId, this.#settings.brokers);
    return new ConnectionError('CONNECT_FAILED', `${text} (${error.message})`, { cause });
  }
}

/** A connection that ends so soon after something was written has probably ended for that. */
const justUsedMs = 1_000;

/** The two SASL requests over a connection, in the form that its broker has. */
function exchangeOver(connection: Connection): Parameters<typeof authenticate>[2] {
  const versions = connection.versions!;
  const handshakeVersion = Math.max(0, newestCommon(versions, SaslHandshakeRequest));
  const authenticateVersion = newestCommon(versions, SaslAuthenticateRequest);
  return {
    handshake: (mechanism) =>
      connection.call(SaslHandshakeRequest, SaslHandshakeResponse, handshakeVersion, { mechanism }),
    authenticate: async (authBytes) => {
      if (handshakeVersion === 0 || authenticateVersion < 0) {
        const token = await connection.callRaw(authBytes);
        return { errorCode: 0, errorMessage: null, authBytes: token, sessionLifetimeMs: 0 };
      }
      return connection.call(SaslAuthenticateRequest, SaslAuthenticateResponse, authenticateVersion, { authBytes });
    },
  };
}

function addressOf(link: BrokerLink): string {
  return `${link.host}:${link.port}`;
}

export function closedError(): ConnectionError {
  return new ConnectionError('CLOSED', 'the producer closed the connection');
}
