import { brokerError } from '@kiel/codec';

/** A broker's error code as people know it: `NOT_LEADER_OR_FOLLOWER (6)`. */
export function errorText(code: number): string {
  return `${brokerError(code).name} (${code})`;
}

/** The same with what it means. */
export function errorSentence(code: number): string {
  const { name, meaning } = brokerError(code);
  return `${name} (${code}). ${meaning}`;
}
