import { Connection } from './connection.ts';
import type { Core, TransportKind } from './core.ts';
import type { Ending } from './faults/plan.ts';
import type { Rule } from './faults/rule.ts';
import type { ConnectOutcome, Endpoint } from './network/memory-network.ts';
import type { Clock, Peer } from './ports.ts';
import type { RequestLog } from './requests.ts';
import type { BrokerNode, ClusterView } from './state/cluster-state.ts';

/** One broker: the connections it holds and what its process is doing. What it knows is the cluster's. */
export class Broker {
  readonly node: BrokerNode;
  readonly core: Core;
  readonly requests: RequestLog;
  readonly staleViews: ReadonlyMap<Rule, ClusterView>;
  /** Stopped as by SIGSTOP: connections are taken by the kernel, and nothing is answered. */
  isPaused = false;
  /** How often its process has ended: what it had read then, and not handled yet, is gone. */
  deaths = 0;
  readonly #connections = new Set<Connection>();
  readonly #startOf: (clock: Clock) => number;

  constructor(
    node: BrokerNode,
    core: Core,
    requests: RequestLog,
    staleViews: ReadonlyMap<Rule, ClusterView>,
    startOf: (clock: Clock) => number,
  ) {
    this.node = node;
    this.core = core;
    this.requests = requests;
    this.staleViews = staleViews;
    this.#startOf = startOf;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Milliseconds since the cluster's start on the clock of one side. */
  sinceStart(clock: Clock): number {
    return clock.now() - this.#startOf(clock);
  }

  /** The way in for one kind of transport. */
  endpoint(kind: TransportKind, clock: Clock): Endpoint {
    return {
      admit: (remote) => this.#admit(remote, clock),
      accept: (peer) => this.#accept(peer, kind, clock),
    };
  }

  pause(): void {
    this.isPaused = true;
    for (const connection of this.#connections) connection.suspend();
  }

  resume(): void {
    this.isPaused = false;
    for (const connection of [...this.#connections]) connection.resume();
  }

  /** Its process ends, and all connections with it, in this way. */
  disconnect(how: Ending): void {
    this.deaths++;
    for (const connection of [...this.#connections]) connection.abandon(how);
  }

  forget(connection: Connection): void {
    this.#connections.delete(connection);
  }

  #admit(_remote: string, clock: Clock): ConnectOutcome {
    const { rules } = this.core;
    if (rules.isEmpty) return 'accept';
    const occasion = { api: 'Connect', broker: this.node.id, client: null, touched: [], nowMs: this.sinceStart(clock) };
    const actions = rules.take(occasion).flatMap((rule) => rule.actions);
    if (actions.includes('refuse') || actions.includes('close') || actions.includes('reset')) return 'refuse';
    if (actions.includes('black-hole') || actions.includes('mute')) return 'ignore';
    return 'accept';
  }

  #accept(peer: Peer, kind: TransportKind, clock: Clock): void {
    const connection = new Connection(this, peer, kind, clock);
    this.#connections.add(connection);
    peer.events = connection;
    if (this.isPaused) connection.suspend();
  }
}
