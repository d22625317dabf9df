import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { transitionKey } from '../../packages/producer/src/inspector/transition-key.ts';

/** A flat machine as a graph to be laid out: what its definition says, and nothing of where it is drawn. */
export interface Chart {
  readonly id: string;
  readonly initial: string;
  readonly states: readonly ChartState[];
  readonly edges: readonly ChartEdge[];
}

export interface ChartState {
  /** The name of the state, or `*` for "whatever the state": where transitions of the machine itself begin. */
  readonly id: string;
  readonly isFinal: boolean;
  /** Actions on entry. */
  readonly entry: readonly string[];
  /** Transitions that stay where they are: only their actions run. */
  readonly internal: readonly ChartTransition[];
}

export interface ChartTransition {
  /** As the feed names it, see `transitionKey`. */
  readonly key: string;
  readonly event: string;
  readonly guard: string | null;
  readonly actions: readonly string[];
}

/** All transitions from one state to one other share a line. */
export interface ChartEdge {
  readonly from: string;
  readonly to: string;
  readonly transitions: readonly ChartTransition[];
}

export const anyState = '*';

/** @throws Error for a nested machine: the layout knows one level. */
export function chartOf(machine: AnyStateMachine): Chart {
  const { root } = machine;
  const nodes: AnyStateNode[] = Object.values(root.states);
  if (nodes.some((node) => Object.keys(node.states).length > 0)) throw new Error(`machine "${machine.id}" is nested`);
  const edges = new Map<string, { from: string; to: string; transitions: ChartTransition[] }>();
  const states: ChartState[] = [];
  for (const node of [root, ...nodes] as AnyStateNode[]) {
    const id = node === root ? anyState : node.key;
    const internal: ChartTransition[] = [];
    for (const transition of transitionsOf(node)) {
      const target = transition.target?.[0];
      const told = describe(transition);
      if (target === undefined) {
        // A transition without target and actions says that an event is not heard here.
        if (told.actions.length > 0) internal.push(told);
        continue;
      }
      const name = `${id} ${target.key}`;
      const edge = edges.get(name) ?? { from: id, to: target.key, transitions: [] };
      edge.transitions.push(told);
      edges.set(name, edge);
    }
    const isUsed = internal.length > 0 || [...edges.values()].some(({ from }) => from === id);
    if (id === anyState && !isUsed) continue;
    states.push({ id, isFinal: node.type === 'final', entry: namesOf(node.entry), internal });
  }
  return { id: machine.id, initial: String(root.initial.target[0]!.key), states, edges: [...edges.values()] };
}

function transitionsOf(node: AnyStateNode): AnyTransitionDefinition[] {
  return [...(node.always ?? []), ...[...node.transitions.values()].flat()];
}

function describe(transition: AnyTransitionDefinition): ChartTransition {
  const { guard } = transition;
  const [, event] = transitionKey(transition).split('|') as [string, string];
  return {
    key: transitionKey(transition),
    event,
    guard: typeof guard === 'string' ? guard : null,
    actions: namesOf(transition.actions),
  };
}

function namesOf(actions: readonly unknown[]): string[] {
  return actions.filter((action) => typeof action === 'string');
}
