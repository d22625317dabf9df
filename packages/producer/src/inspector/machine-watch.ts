import { type AnyActorRef, type AnyTransitionDefinition, type InspectionEvent, StateMachine } from 'xstate';
import type { MachineView, Step } from './feed-format.ts';
import { mostBrokers } from './feed-format.ts';
import { eventName, transitionKey } from './transition-key.ts';

/** Different steps that are kept between two frames. */
const mostSteps = 200;
/** A text of a context is cut here: a reason for a failure may be long. */
const mostText = 300;

interface Taken {
  readonly at: number;
  readonly actor: string;
  readonly machine: string;
  readonly event: string;
  readonly from: string;
  readonly to: string;
  readonly key: string;
  count: number;
  lastAt: number;
}

interface Known {
  readonly name: string;
  readonly machine: string;
  state: string;
  /** By their transition, which has one target: the same one from the same state is counted, not told again. */
  readonly taken: Map<AnyTransitionDefinition, Map<string, Taken>>;
}

/**
 * Follows every machine of a producer through xstate's inspection, as it says itself what it does. Of equal steps one
 * is kept with a count, so that a busy machine costs a few lookups a step and no memory.
 */
export class MachineWatch {
  readonly #root: AnyActorRef;
  readonly #nowMs: () => number;
  readonly #epochMs: () => number;
  readonly #known = new WeakMap<object, Known>();
  readonly #subscription: { unsubscribe(): void };
  #touched = new Set<Known>();
  #steps: Taken[] = [];
  #dropped = 0;
  #spent = new Map<string, number>();
  #sinceMs: number;

  constructor(root: AnyActorRef, nowMs: () => number, epochMs: () => number) {
    this.#root = root;
    this.#nowMs = nowMs;
    this.#epochMs = epochMs;
    this.#sinceMs = nowMs();
    for (const actor of this.#actors()) this.#knownOf(actor);
    this.#subscription = root.system.inspect((event) => {
      // What the machines do must not depend on who looks.
      if (event.type === '@xstate.microstep') this.#note(event);
    });
  }

  get hasSteps(): boolean {
    return this.#steps.length > 0;
  }

  stop(): void {
    this.#subscription.unsubscribe();
  }

  /** What has happened since the last call. */
  take(): { steps: Step[]; dropped: number; spent: Record<string, number> } {
    for (const known of this.#touched) known.taken.clear();
    this.#touched = new Set();
    const [steps, dropped] = [this.#steps, this.#dropped];
    this.#steps = [];
    this.#dropped = 0;
    this.#spend(this.#knownOf(this.#root)?.state ?? '');
    const spent = Object.fromEntries([...this.#spent].map(([state, ms]) => [state, Math.round(ms * 100) / 100]));
    this.#spent = new Map();
    return { steps, dropped, spent };
  }

  /** How the machines are. */
  views(): MachineView[] {
    return this.#actors().map((actor) => {
      const snapshot = actor.getSnapshot() as { value: unknown; context: Record<string, unknown> };
      const { logic } = actor as unknown as { logic: { id: string } };
      return {
        actor: this.#nameOf(actor),
        machine: logic.id,
        state: String(snapshot.value),
        context: printable(snapshot.context),
      };
    });
  }

  #actors(): AnyActorRef[] {
    const children = Object.values((this.#root.getSnapshot() as { children: Record<string, AnyActorRef> }).children);
    return [this.#root, ...children].filter((actor) => isMachine(actor)).slice(0, mostBrokers);
  }

  #note(event: Extract<InspectionEvent, { type: '@xstate.microstep' }>): void {
    const known = this.#knownOf(event.actorRef as AnyActorRef);
    const transition = event._transitions[0];
    if (known === null) return;
    const from = known.state;
    const to = String((event.snapshot as { value?: unknown }).value);
    known.state = to;
    if (known.name === 'producer' && from !== to) this.#spend(from);
    if (transition === undefined) return;
    const byState = known.taken.get(transition);
    const taken = byState?.get(from);
    if (taken !== undefined) {
      taken.count++;
      taken.lastAt = this.#epochMs();
      return;
    }
    if (this.#steps.length >= mostSteps) {
      this.#dropped++;
      return;
    }
    const at = this.#epochMs();
    const step: Taken = {
      at,
      actor: known.name,
      machine: known.machine,
      event: eventName(transition.eventType),
      from,
      to,
      key: transitionKey(transition),
      count: 1,
      lastAt: at,
    };
    this.#steps.push(step);
    this.#touched.add(known);
    if (byState === undefined) known.taken.set(transition, new Map([[from, step]]));
    else byState.set(from, step);
  }

  #spend(state: string): void {
    const nowMs = this.#nowMs();
    this.#spent.set(state, (this.#spent.get(state) ?? 0) + nowMs - this.#sinceMs);
    this.#sinceMs = nowMs;
  }

  #knownOf(actor: AnyActorRef): Known | null {
    const found = this.#known.get(actor);
    if (found !== undefined) return found;
    if (!isMachine(actor)) return null;
    const { logic } = actor as unknown as { logic: { id: string; root: { initial: { target: { key: string }[] } } } };
    const snapshot = actor.getSnapshot() as { value?: unknown } | undefined;
    const known: Known = {
      name: this.#nameOf(actor),
      machine: logic.id,
      // One that is just being made has no snapshot yet.
      state: snapshot?.value === undefined ? logic.root.initial.target[0]!.key : String(snapshot.value),
      taken: new Map(),
    };
    this.#known.set(actor, known);
    return known;
  }

  #nameOf(actor: AnyActorRef): string {
    return actor === this.#root ? 'producer' : actor.id;
  }
}

function isMachine(actor: AnyActorRef): boolean {
  return (actor as unknown as { logic: unknown }).logic instanceof StateMachine;
}

function printable(context: Record<string, unknown>): Record<string, string | number | null> {
  const shown: Record<string, string | number | null> = {};
  for (const [name, value] of Object.entries(context)) {
    if (typeof value === 'string') shown[name] = value.slice(0, mostText);
    else if (typeof value === 'number' || value === null) shown[name] = value;
  }
  return shown;
}
