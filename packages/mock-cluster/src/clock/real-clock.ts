import { performance } from 'node:perf_hooks';
import type { Clock } from '../ports.ts';

/** The clock of the TCP side: this machine's. */
export const realClock: Clock = {
  now: () => performance.now(),
  epochMs: () => Date.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (id) => clearTimeout(id as NodeJS.Timeout),
  setImmediate: (callback) => {
    setImmediate(callback);
  },
};
