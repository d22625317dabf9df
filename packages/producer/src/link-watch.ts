import type { ActorRefFrom } from 'xstate';
import type { Batch } from './batch.ts';
import { refusedBy } from './batch-errors.ts';
import type { BrokerLink } from './broker-link.ts';
import type { brokerMachine } from './broker-machine.ts';
import { type ConnectionError, type DeliveryError, KafkaError } from './errors.ts';
import type { EventSink } from './events.ts';
import type { SafeLogger } from './logger.ts';
import type { NetworkEvents } from './network.ts';
import type { Clock } from './ports.ts';
import type { producerMachine } from './producer-machine.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

export interface LinkWatchParts {
  readonly events: EventSink;
  readonly logger: SafeLogger;
  readonly telemetry: Telemetry;
  /**
   * With acks=0 the end of a connection is all that a broker says. So often, at the most, it leads to fresh metadata:
   * what is refused for good is refused again and again. Null where Produce is answered.
   */
  readonly hearsAgainAfterMs: number | null;
  readonly clock: Clock;
  /** The machine; it starts after the network was made. */
  actor(): ActorRefFrom<typeof producerMachine>;
  clusterId(): string | null;
  /** All brokers that are connected hand out producer ids. */
  idsKnown(): void;
  knowsProducerIds(): boolean;
  /** Requests can be written there. */
  linkReady(link: BrokerLink): void;
  failLedBy(link: BrokerLink, errorFor: (batch: Batch) => DeliveryError): void;
  fatal(error: KafkaError): void;
}

/** Tells the machine what happens to connections, and gives each link the machine of its own. */
export class LinkWatch implements NetworkEvents {
  readonly #parts: LinkWatchParts;
  /** Their machines are about to be. */
  readonly #starting = new Set<BrokerLink>();
  /** A connection has been of use: wrong credentials would have shown. */
  #hasConnected = false;
  /** When the end of a connection was taken for an answer. */
  #heardAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: LinkWatchParts) {
    this.#parts = parts;
  }

  get clusterId(): string | null {
    return this.#parts.clusterId();
  }

  linkNeeded(link: BrokerLink): void {
    const actor = this.#parts.actor();
    if (link.isLeaving || this.#starting.has(link) || actor.getSnapshot().status !== 'active') return;
    actor.send({ type: 'broker.found', broker: link.key });
    this.#attach(link);
    if (link.actor !== null) return;
    // The machine is at work, and spawns after what it is doing now.
    this.#starting.add(link);
    queueMicrotask(() => {
      this.#starting.delete(link);
      this.#attach(link);
      if (link.actor !== null && !link.isLeaving) link.wake();
    });
  }

  #attach(link: BrokerLink): void {
    const child = this.#parts.actor().getSnapshot().children[link.key];
    link.actor = (child as ActorRefFrom<typeof brokerMachine> | undefined) ?? null;
  }

  linkRemoved(link: BrokerLink): void {
    const actor = this.#parts.actor();
    // In the end the machine is done before the last link is.
    if (actor.getSnapshot().status !== 'active') return;
    if (link.actor === null && !this.#starting.has(link)) return;
    link.actor?.send({ type: 'close' });
    actor.send({ type: 'broker.gone', broker: link.key });
  }

  linkReady(link: BrokerLink): void {
    this.#hasConnected = true;
    if (this.#parts.knowsProducerIds()) this.#parts.idsKnown();
    this.#parts.linkReady(link);
  }

  linkFailed(link: BrokerLink, error: ConnectionError): void {
    this.#parts.telemetry.linkFailed(link, error);
    if (link.ready.size > 0) this.#parts.actor().send({ type: 'metadata.stale' });
  }

  linkLost(link: BrokerLink, error: ConnectionError): void {
    this.#parts.telemetry.linkLost(link, error);
    if (link.ready.size > 0 || this.#isNews()) this.#parts.actor().send({ type: 'metadata.stale' });
  }

  #isNews(): boolean {
    const { hearsAgainAfterMs, clock } = this.#parts;
    const nowMs = clock.now();
    if (hearsAgainAfterMs === null || nowMs - this.#heardAtMs < hearsAgainAfterMs) return false;
    this.#heardAtMs = nowMs;
    return true;
  }

  throttled(link: BrokerLink, throttleMs: number): void {
    this.#parts.telemetry.throttled(link, throttleMs);
    this.#parts.events.emit('throttled', { broker: link.name, throttleMs });
  }

  refused(link: BrokerLink, error: Error): void {
    const { logger, failLedBy, fatal } = this.#parts;
    logger.warn('a broker refuses this client', { broker: link.name, reason: error.message });
    const cause = error instanceof KafkaError ? error : new KafkaError(codeOf(error), error.message, { cause: error });
    // Once it worked elsewhere with the same settings, it may be that broker alone: what waits for it fails at once,
    // since trying again with the same credentials would only lock an account.
    if (this.#hasConnected) failLedBy(link, (batch) => refusedBy(link, cause, batch));
    else fatal(cause);
  }
}

function codeOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : 'CONNECT_FAILED';
}
