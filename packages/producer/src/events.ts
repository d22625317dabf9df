import type { ProducerState } from './engine.ts';
import type { DeliveryError } from './errors.ts';
import { toError } from './errors.ts';
import type { SafeLogger } from './logger.ts';

/** What `on` can listen to. All of it is plain data but for errors and bigints. */
export interface ProducerEvents {
  /** A batch was stored. */
  delivered: { topic: string; partition: number; baseOffset: bigint; count: number };
  /** A record was not delivered, and nobody awaits it. */
  deliveryFailed: { topic: string; partition: number; error: DeliveryError };
  stateChanged: { from: ProducerState; to: ProducerState };
  /** A broker asked for a pause (KIP-219). */
  throttled: { broker: string; throttleMs: number };
  /** No known broker was of use: the entries of `brokers` are asked again. */
  rebootstrapped: { reason: string };
  /** Something is not as it was asked for, and records flow all the same. */
  warning: { code: string; message: string };
}

/** Calls listeners, and survives them. */
export class EventSink {
  readonly #listeners = new Map<keyof ProducerEvents, Set<(event: never) => void>>();
  readonly #logger: SafeLogger;

  constructor(logger: SafeLogger) {
    this.#logger = logger;
  }

  has(name: keyof ProducerEvents): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0;
  }

  add<Name extends keyof ProducerEvents>(name: Name, listener: (event: ProducerEvents[Name]) => void): () => void {
    let listeners = this.#listeners.get(name);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(name, listeners);
    }
    listeners.add(listener as (event: never) => void);
    return () => listeners.delete(listener as (event: never) => void);
  }

  emit<Name extends keyof ProducerEvents>(name: Name, event: ProducerEvents[Name]): void {
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) return;
    for (const listener of [...listeners]) {
      try {
        (listener as (event: ProducerEvents[Name]) => void)(event);
      } catch (thrown) {
        // A listener that throws must not cost anybody a record.
        this.#logger.error(`a listener of "${name}" threw`, { reason: toError(thrown).message });
      }
    }
  }
}
