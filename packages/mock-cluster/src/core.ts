import type { Compressions } from '@kiel/codec';
import type { SeededRandom } from './clock/random.ts';
import type { Rules } from './faults/rule.ts';
import type { Address } from './ports.ts';
import type { SaslPort } from './session.ts';
import type { BrokerNode, ClusterState, ClusterView } from './state/cluster-state.ts';
import type { GroupMembers } from './state/group-members.ts';
import type { Groups } from './state/groups.ts';
import type { Telemetry } from './state/telemetry.ts';
import type { Transactions } from './state/transactions.ts';

export type TransportKind = 'tcp' | 'memory';

/** What a handler reaches besides the request: everything the brokers of one cluster share. */
export interface Core {
  readonly state: ClusterState;
  readonly transactions: Transactions;
  readonly groups: Groups;
  readonly members: GroupMembers;
  readonly rules: Rules;
  readonly random: SeededRandom;
  readonly compressions: Required<Compressions>;
  /** Imperative faults that a rule may ask for; the cluster's own methods. */
  /** Whether somebody may look at requests later: then what they hold must stay as it came. */
  keepsRequests(): boolean;
  readonly acts: ClusterActs;
  /** Null where clients need not say who they are. */
  readonly sasl: SaslPort | null;
  readonly coordinators: Coordinators;
  readonly telemetry: Telemetry;
}

/** The part of the cluster's public face that rules use. */
export interface ClusterActs {
  killBroker(id: number): void;
  replaceAllBrokers(): unknown;
  moveLeader(topic: string, partition: number, to?: number): void;
  addPartitions(topic: string, count: number): void;
  deleteTopic(topic: string): void;
  recreateTopic(topic: string): void;
  forgetProducers(): void;
  moveCoordinator(key: string, to?: number): void;
  expireTransaction(id: string): void;
}

/** Where clients of this kind reach a broker. */
export function addressFor(node: BrokerNode, kind: TransportKind): Address {
  return kind === 'memory' ? node.memory : (node.tcp ?? node.memory);
}

/** Which broker coordinates a group or a transactional id; moves with `moveCoordinator` and when brokers die. */
export class Coordinators {
  readonly #state: ClusterState;
  readonly #moved = new Map<string, number>();

  constructor(state: ClusterState) {
    this.#state = state;
  }

  of(key: string): number {
    const moved = this.#moved.get(key);
    if (moved !== undefined && this.#state.nodes.get(moved)?.isUp) return moved;
    const live = this.#state.liveBrokers();
    if (live.length === 0) return -1;
    return live[javaHash(key) % live.length]!.id;
  }

  /** @param to - another live broker, if absent. */
  move(key: string, to?: number): void {
    const now = this.of(key);
    const target = to ?? this.#state.liveBrokers().find((node) => node.id !== now)?.id;
    if (target !== undefined) this.#moved.set(key, target);
  }
}

/** The hash of Java's strings without its sign, by which Kafka spreads coordinators. */
function javaHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0;
  return hash & 0x7fffffff;
}

export type { ClusterView };
