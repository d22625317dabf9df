import type { InMemoryClient } from '@kiel/mock-cluster';

/** Most of each kind in ten seconds: above that it is a storm. Drawn backoffs allow far fewer. */
const MOST_CONNECTS = 400;
const MOST_REQUESTS: Readonly<Record<number, readonly [name: string, most: number]>> = {
  3: ['Metadata', 300],
  22: ['InitProducerId', 300],
};
const WINDOW_MS = 10_000;

type Ports = InMemoryClient;
type Transport = Ports['transport'];

/** The cluster's ports, with a count of what the producer takes from them. */
export class WatchedPorts {
  connects = 0;
  openSockets = 0;
  readonly #client: Ports;
  readonly #timers = new Set<unknown>();
  readonly #windows = new Map<string, number>();

  constructor(client: Ports) {
    this.#client = client;
  }

  /** Timers that the producer has set, and neither run nor cleared. */
  get openTimers(): number {
    return this.#timers.size;
  }

  options(): Ports {
    const { brokers, random } = this.#client;
    return { brokers, random, clock: this.#clock(), transport: this.#transport() };
  }

  /** In which ten seconds there was more than is reasonable. */
  storms(): string[] {
    const found: string[] = [];
    for (const [key, count] of this.#windows) {
      const [name, window] = key.split('@');
      const most =
        name === 'connects' ? MOST_CONNECTS : Object.values(MOST_REQUESTS).find(([each]) => each === name)![1];
      if (count > most)
        found.push(`a storm: ${count} ${name} within ten seconds, from ${Number(window) * WINDOW_MS} ms on`);
    }
    return found;
  }

  #clock(): Ports['clock'] {
    const { clock } = this.#client;
    const timers = this.#timers;
    return {
      now: () => clock.now(),
      epochMs: () => clock.epochMs(),
      setImmediate: (callback) => clock.setImmediate(callback),
      setTimeout(callback, delayMs) {
        const id = clock.setTimeout(() => {
          timers.delete(id);
          callback();
        }, delayMs);
        timers.add(id);
        return id;
      },
      clearTimeout(id) {
        timers.delete(id);
        clock.clearTimeout(id);
      },
    };
  }

  #transport(): Transport {
    return {
      connect: (address, events) => {
        this.connects++;
        this.openSockets++;
        this.#count('connects');
        const socket = this.#client.transport.connect(address, {
          connected: () => events.connected(),
          data: (chunk) => events.data(chunk),
          drained: () => events.drained(),
          closed: (error) => {
            this.openSockets--;
            events.closed(error);
          },
        });
        const write = socket.write.bind(socket);
        socket.write = (chunks) => {
          const apiKey = apiKeyOf(chunks);
          const watched = apiKey === null ? undefined : MOST_REQUESTS[apiKey];
          if (watched !== undefined) this.#count(watched[0]);
          return write(chunks);
        };
        return socket;
      },
    };
  }

  #count(name: string): void {
    const key = `${name}@${Math.floor(this.#client.clock.now() / WINDOW_MS)}`;
    this.#windows.set(key, (this.#windows.get(key) ?? 0) + 1);
  }
}

/** Of a request's frame, as it is written: size, API key, version. */
function apiKeyOf(chunks: readonly Uint8Array[]): number | null {
  const first = chunks[0];
  return first === undefined || first.length < 6 ? null : (first[4]! << 8) | first[5]!;
}
