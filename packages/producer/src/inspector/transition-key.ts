import type { AnyTransitionDefinition } from 'xstate';

/**
 * Names a transition by what its definition says, so that a machine that runs and a chart that was drawn of its
 * definition mean the same: `state|event|index`, the machine's own id instead of a state for transitions from
 * anywhere, and the index among those of one event.
 */
export function transitionKey(transition: AnyTransitionDefinition): string {
  const { source, eventType } = transition;
  const siblings = eventType === '' ? source.always : source.transitions.get(eventType);
  return `${source.key}|${eventName(eventType)}|${Math.max(0, siblings?.indexOf(transition) ?? 0)}`;
}

/** An event as people know it: `always` for none, `after linger` for a delay that ended. */
export function eventName(type: string): string {
  if (type === '') return 'always';
  const delay = /^xstate\.after\.([^.]+)\./.exec(type);
  return delay === null ? type : `after ${delay[1]}`;
}
