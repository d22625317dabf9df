import type { AnyStateMachine, AnyStateNode } from 'xstate';

/** A flat machine as a Mermaid state diagram: one arrow for each transition, with its event and guard. */
export function diagramOf(machine: AnyStateMachine): string {
  const lines = ['stateDiagram-v2', `  [*] --> ${String(machine.root.initial.target[0]!.key)}`];
  const nodes: AnyStateNode[] = Object.values(machine.root.states);
  const all = [...machine.root.transitions.values()].flat();
  for (const node of nodes) {
    const own = [...node.transitions.values()].flat();
    const handled = new Set(own.map(({ eventType }) => eventType));
    for (const transition of [...own, ...all.filter(({ eventType }) => !handled.has(eventType))]) {
      const target = transition.target?.[0]?.key;
      if (target === undefined) continue;
      const { guard } = transition;
      const label = `${transition.eventType}${typeof guard === 'string' ? ` [${guard}]` : ''}`;
      lines.push(`  ${node.key} --> ${target}: ${label}`);
    }
  }
  return lines.join('\n');
}
