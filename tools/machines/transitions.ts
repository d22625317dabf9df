import { fileURLToPath } from 'node:url';
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

/** Where test files leave what they took, one JSON file each. */
export const coverageFolder: string = fileURLToPath(
  new URL('../../node_modules/.cache/kiel/machine-coverage', import.meta.url),
);

/** What one test file took of one machine. */
export interface MachineCoverage {
  readonly states: readonly string[];
  readonly transitions: readonly string[];
  readonly allStates: readonly string[];
  readonly allTransitions: readonly string[];
}

function nodesOf(machine: AnyStateMachine): AnyStateNode[] {
  const nodes: AnyStateNode[] = [];
  const visit = (node: AnyStateNode): void => {
    nodes.push(node);
    for (const child of Object.values(node.states) as AnyStateNode[]) visit(child);
  };
  visit(machine.root);
  return nodes;
}

/** Every state a machine can be in, but for its root. */
export function statesOf(machine: AnyStateMachine): string[] {
  return nodesOf(machine)
    .filter((node) => node.parent !== undefined)
    .map((node) => node.id);
}

function keyOf(machine: AnyStateMachine, node: AnyStateNode, event: string, index: number): string {
  return [machine.id, node.id, event || 'always', index].join(' | ');
}

/** Every transition with its name: machine, state, event, and which of that event's transitions it is. */
export function transitionKeys(machine: AnyStateMachine): Map<AnyTransitionDefinition, string> {
  const keys = new Map<AnyTransitionDefinition, string>();
  for (const node of nodesOf(machine)) {
    for (const [event, transitions] of node.transitions) {
      for (const [index, transition] of transitions.entries()) keys.set(transition, keyOf(machine, node, event, index));
    }
    for (const [index, transition] of (node.always ?? []).entries()) {
      keys.set(transition, keyOf(machine, node, 'always', index));
    }
  }
  return keys;
}

/** Takes the transition with this key out of the machine, as if it had never been written. */
export function removeTransition(machine: AnyStateMachine, key: string): void {
  if (!key.startsWith(`${machine.id} | `)) return;
  for (const node of nodesOf(machine)) {
    for (const [event, transitions] of node.transitions) {
      const index = transitions.findIndex((_, i) => keyOf(machine, node, event, i) === key);
      if (index < 0) continue;
      // Once only: a second call must not take out the one that moved into its place.
      if (removed.has(transitions)) continue;
      removed.add(transitions);
      transitions.splice(index, 1);
    }
    const { always } = node;
    if (always === undefined || removed.has(always)) continue;
    const index = always.findIndex((_, i) => keyOf(machine, node, 'always', i) === key);
    if (index < 0) continue;
    removed.add(always);
    always.splice(index, 1);
  }
}

const removed = new WeakSet<object>();
