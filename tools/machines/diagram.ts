import type { AnyStateMachine } from 'xstate';
import { graphOf } from './graph.ts';

/** A flat machine as a Mermaid state diagram: one arrow for each transition, with its event and guard. */
export function diagramOf(machine: AnyStateMachine): string {
  const { initial, states, edges } = graphOf(machine);
  const lines = ['stateDiagram-v2', `  [*] --> ${initial}`];
  if (edges.some(({ from }) => from === null)) lines.push('  state "any state" as any');
  for (const { from, to, labels } of edges) {
    for (const label of labels) lines.push(`  ${from ?? 'any'} --> ${to}: ${label}`);
  }
  for (const { name, isFinal } of states) if (isFinal) lines.push(`  ${name} --> [*]`);
  return lines.join('\n');
}
