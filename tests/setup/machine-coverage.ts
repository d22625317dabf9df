import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll } from 'vitest';
import type { AnyStateMachine, AnyTransitionDefinition } from 'xstate';
import { Actor, StateMachine } from 'xstate';
import { coverageFolder, removeTransition, statesOf, transitionKeys } from '../../tools/machines/transitions.ts';

/**
 * Runs in every test file: notes which states and transitions of which machine were taken, for the report at
 * the end of the run. With `KIEL_WITHOUT_TRANSITION` set to a transition's key, that transition is taken out
 * of its machine first: `npm run machines:mutate` does so with each of them, and some test must fail.
 */
interface Seen {
  readonly states: Set<string>;
  readonly transitions: Set<string>;
  readonly allStates: readonly string[];
  readonly allTransitions: readonly string[];
  readonly keys: Map<AnyTransitionDefinition, string>;
}

const without = process.env['KIEL_WITHOUT_TRANSITION'];
const seen = new Map<string, Seen>();
const known = new WeakMap<AnyStateMachine, Seen>();

function seenOf(machine: AnyStateMachine): Seen {
  const cached = known.get(machine);
  if (cached !== undefined) return cached;
  const keys = transitionKeys(machine);
  const first = seen.get(machine.id);
  const entry: Seen = {
    states: first?.states ?? new Set(),
    transitions: first?.transitions ?? new Set(),
    allStates: statesOf(machine),
    allTransitions: [...keys.values()],
    keys,
  };
  if (first === undefined) seen.set(machine.id, entry);
  known.set(machine, entry);
  return entry;
}

const getInitialSnapshot = StateMachine.prototype.getInitialSnapshot;
StateMachine.prototype.getInitialSnapshot = function (this: AnyStateMachine, ...args) {
  if (without !== undefined) removeTransition(this, without);
  seenOf(this);
  return getInitialSnapshot.apply(this, args);
};

interface Microstep {
  readonly type: string;
  readonly actorRef: { readonly logic?: unknown };
  readonly snapshot?: { readonly _nodes?: readonly { readonly id: string }[] };
  readonly _transitions?: readonly AnyTransitionDefinition[];
}

function note(event: Microstep): void {
  const { logic } = event.actorRef;
  if (!(logic instanceof StateMachine)) return;
  const entry = seenOf(logic as AnyStateMachine);
  for (const node of event.snapshot?._nodes ?? []) entry.states.add(node.id);
  for (const transition of event._transitions ?? []) {
    const key = entry.keys.get(transition);
    if (key !== undefined) entry.transitions.add(key);
  }
}

const observed = new WeakSet<object>();
const start = Actor.prototype.start;
Actor.prototype.start = function (...args) {
  if (!observed.has(this.system)) {
    observed.add(this.system);
    this.system.inspect({ next: (event) => note(event as unknown as Microstep) });
  }
  return start.apply(this, args);
};

afterAll(() => {
  if (seen.size === 0) return;
  mkdirSync(coverageFolder, { recursive: true });
  const report = Object.fromEntries(
    [...seen].map(([id, { states, transitions, allStates, allTransitions }]) => [
      id,
      { states: [...states], transitions: [...transitions], allStates, allTransitions },
    ]),
  );
  writeFileSync(`${coverageFolder}/${process.pid}-${crypto.randomUUID()}.json`, JSON.stringify(report));
});
