import type { BrokerLink } from '../../broker-link.ts';
import type { MetricsPush, MetricsPushParts } from './metrics-push.ts';

/** GetTelemetrySubscriptions: brokers list it where they have a plugin that takes metrics. */
const subscriptionsKey = 71;

export interface PushStarterParts extends Omit<MetricsPushParts, 'link'> {
  links(): Iterable<BrokerLink>;
}

/** Begins to push metrics when a broker turns out to take them; until then nothing of it is loaded. */
export class PushStarter {
  readonly #parts: PushStarterParts;
  #push: Promise<MetricsPush | null> | null = null;
  #isClosed = false;

  constructor(parts: PushStarterParts) {
    this.#parts = parts;
  }

  linkReady(link: BrokerLink): void {
    if (this.#push !== null || this.#isClosed || !listsMetrics(link)) return;
    this.#push = this.#start();
  }

  /** Tells the rest; null where nothing was ever told. */
  close(): Promise<void> | null {
    this.#isClosed = true;
    return this.#push === null ? null : this.#push.then((push) => push?.close());
  }

  async #start(): Promise<MetricsPush | null> {
    const { MetricsPush } = await import('./metrics-push.ts');
    if (this.#isClosed) return null;
    const { links, ...rest } = this.#parts;
    return new MetricsPush({
      ...rest,
      // The same one as long as its connection stands: brokers know their clients from the last time.
      link: (previous) => {
        if (previous !== null && takesMetrics(previous)) return previous;
        for (const link of links()) if (takesMetrics(link)) return link;
        return null;
      },
    });
  }
}

function takesMetrics(link: BrokerLink): boolean {
  return link.isReady && listsMetrics(link);
}

function listsMetrics(link: BrokerLink): boolean {
  return link.connection?.versions?.has(subscriptionsKey) === true;
}
