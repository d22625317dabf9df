import type { MockCluster } from '@kiel/mock-cluster';

/** After so many records the broker goes, and after so many it comes back. */
const KILL_AFTER = 1500;
const RESTART_AFTER = 3500;

/** Loses one broker of an embedded cluster on the way, the one that leads most partitions, and brings it back. */
export class BrokerOutage {
  readonly #cluster: MockCluster;
  readonly #topic: string;
  #killed: number | null = null;
  /** On the clock of `performance.now`; null before. */
  killedAtMs: number | null = null;
  #restarting: Promise<void> | null = null;

  constructor(cluster: MockCluster, topic: string) {
    this.#cluster = cluster;
    this.#topic = topic;
  }

  /** @param seen - records sent so far. */
  step(seen: number, tell: (text: string) => void): void {
    if (seen === KILL_AFTER) this.#kill(tell);
    if (seen === RESTART_AFTER) this.#restart(tell);
  }

  /** The cluster is whole again when it resolves. */
  async end(tell: (text: string) => void): Promise<void> {
    if (this.#killed !== null && this.#restarting === null) this.#restart(tell);
    await this.#restarting;
  }

  #kill(tell: (text: string) => void): void {
    const { partitions = 0 } = this.#cluster.topics().find(({ name }) => name === this.#topic) ?? {};
    const led = new Map<number, number[]>();
    for (let partition = 0; partition < partitions; partition++) {
      const leader = this.#cluster.leader(this.#topic, partition);
      led.set(leader, [...(led.get(leader) ?? []), partition]);
    }
    const [id, theirs] = [...led].sort(([, a], [, b]) => b.length - a.length)[0]!;
    this.#killed = id;
    this.killedAtMs = performance.now();
    this.#cluster.killBroker(id);
    tell(`Broker ${id} was killed; it led partitions ${theirs.join(', ')}.`);
  }

  #restart(tell: (text: string) => void): void {
    const id = this.#killed;
    if (id === null) return;
    this.#restarting = this.#cluster.startBroker(id);
    tell(`Broker ${id} is coming back.`);
  }
}
