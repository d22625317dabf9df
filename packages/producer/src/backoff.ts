import type { Random } from './ports.ts';

/** The longest delay that timers take: 2^31-1 ms, about 24.8 days. */
export const maxDelayMs = 0x7fff_ffff;

/** Any number as a delay that every timer accepts; what is no number is no delay. */
export function clampDelay(delayMs: number): number {
  if (!(delayMs > 0)) return 0;
  return Math.min(delayMs, maxDelayMs);
}

/**
 * How long to wait before attempt number `failures + 1`: doubling from `baseMs` to `maxMs`, then 20 % more or less,
 * so that clients that failed together do not come back together.
 *
 * @param failures - at least 1: the failures in a row so far.
 */
export function backoffMs(failures: number, baseMs: number, maxMs: number, random: Random): number {
  const exponent = Math.min(Math.max(failures, 1) - 1, 30);
  const steady = Math.min(baseMs * 2 ** exponent, Math.max(maxMs, baseMs));
  return clampDelay(steady * (0.8 + random() * 0.4));
}
