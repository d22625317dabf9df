/** What a state means to whoever looks, and so its colour. */
export type Tone = 'calm' | 'wait' | 'good' | 'warn' | 'bad' | 'end';

const tones: Readonly<Record<string, Readonly<Record<string, Tone>>>> = {
  producer: { idle: 'calm', batching: 'wait', flushing: 'good', healing: 'warn', closing: 'end', closed: 'end' },
  broker: {
    disconnected: 'calm',
    connecting: 'wait',
    authenticating: 'wait',
    ready: 'good',
    throttled: 'warn',
    backingOff: 'warn',
    closed: 'end',
  },
  metadata: { unknown: 'calm', fetching: 'wait', fresh: 'good', backingOff: 'warn' },
  idempotence: {
    unidentified: 'calm',
    identifying: 'wait',
    identified: 'good',
    backingOff: 'warn',
    unsupported: 'calm',
    denied: 'bad',
  },
  transaction: {
    uninitialized: 'calm',
    initializing: 'wait',
    ready: 'good',
    inTransaction: 'wait',
    committing: 'wait',
    aborting: 'warn',
    abortableError: 'warn',
    fatalError: 'bad',
  },
};

export function toneOf(machine: string, state: string): Tone {
  return tones[machine]?.[state] ?? 'calm';
}

export const producerStates = ['idle', 'batching', 'flushing', 'healing', 'closing', 'closed'] as const;
