import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

/** An arrow of a machine's picture. */
export interface GraphEdge {
  /** `null`: from any state that does not say otherwise. */
  readonly from: string | null;
  readonly to: string;
  /** What takes it, with its guard: `batch.ready`, `after linger`, `[hasRecords]`. */
  readonly labels: readonly string[];
}

/** A flat machine as its picture shows it. */
export interface MachineGraph {
  readonly id: string;
  readonly initial: string;
  readonly states: readonly { readonly name: string; readonly isFinal: boolean }[];
  /** One for each pair of states; transitions that stay where they are, are left out. */
  readonly edges: readonly GraphEdge[];
}

/** Reads the picture from the running definition, so that it cannot differ from it. */
export function graphOf(machine: AnyStateMachine): MachineGraph {
  const nodes = Object.values(machine.root.states) as AnyStateNode[];
  const edges = new Map<string, { from: string | null; to: string; labels: string[] }>();
  const add = (from: string | null, transition: AnyTransitionDefinition): void => {
    const to = transition.target?.[0]?.key;
    if (to === undefined || to === from) return;
    const key = `${from} ${to}`;
    const edge = edges.get(key) ?? { from, to, labels: [] };
    edge.labels.push(labelOf(transition));
    edges.set(key, edge);
  };
  for (const node of nodes) {
    for (const transition of node.always ?? []) add(node.key, transition);
    for (const transition of [...node.transitions.values()].flat()) add(node.key, transition);
  }
  for (const transition of [...machine.root.transitions.values()].flat()) add(null, transition);
  return {
    id: machine.id,
    initial: String(machine.root.initial.target[0]!.key),
    states: nodes.map(({ key, type }) => ({ name: key, isFinal: type === 'final' })),
    edges: [...edges.values()],
  };
}

function labelOf({ eventType, guard }: AnyTransitionDefinition): string {
  const after = /^xstate\.after\.([^.]+)\./.exec(eventType);
  const event = after === null ? eventType : `after ${after[1]}`;
  const condition = typeof guard === 'string' ? `[${guard}]` : '';
  return [event, condition].filter(Boolean).join(' ') || 'at once';
}
