import type { ClusterView } from '../state/cluster-state.ts';
import type { ErrorAction } from './action.ts';
import type { Rule } from './rule.ts';

/** What the rules that took a request ask of its handler; empty for most. */
export class RequestFaults {
  readonly errors: { readonly rule: Rule; readonly action: ErrorAction }[] = [];
  throttleMs = 0;
  /** Metadata is answered from this picture. */
  staleView: ClusterView | null = null;
  /** The broker dies of this request. */
  killsBroker = false;
  /** Whether answers name the present leader; null leaves it to the profile. */
  hint: boolean | null = null;

  /** The error for one partition instead of doing anything. */
  errorFor(topic: string, partition: number): ErrorAction | null {
    return this.#find(topic, partition, false);
  }

  /** The error to answer for one partition although its part was done. */
  errorAfter(topic: string, partition: number): ErrorAction | null {
    return this.#find(topic, partition, true);
  }

  /** The first error, wherever it was meant. */
  get any(): ErrorAction | null {
    return this.errors[0]?.action ?? null;
  }

  #find(topic: string, partition: number, after: boolean): ErrorAction | null {
    for (const { rule, action } of this.errors) {
      if ((action.afterAppend ?? false) === after && rule.isAbout(topic, partition)) return action;
    }
    return null;
  }
}
