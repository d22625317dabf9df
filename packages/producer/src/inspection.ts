import type { InspectionEvent } from 'xstate';
import { toError } from './errors.ts';
import type { SafeLogger } from './logger.ts';

/** What xstate's `inspect` takes: a function, or an observer with `next`. */
export type InspectOption = ((event: InspectionEvent) => void) | { next?: (event: InspectionEvent) => void };

/** Passes on to the user's observer, and survives it: xstate would throw into whatever is being done. */
export function survivable(inspect: InspectOption, logger: SafeLogger): (event: InspectionEvent) => void {
  const observer = typeof inspect === 'function' ? { next: inspect } : inspect;
  return (event) => {
    try {
      observer.next?.(event);
    } catch (thrown) {
      logger.error('the observer given as "inspect" threw', { reason: toError(thrown).message });
    }
  };
}
