import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Histogram } from '../../src/inspector/histogram.ts';

test('percentiles are off by 13 % at most, the maximum by nothing, whatever was added', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.1, max: 100_000, noNaN: true }), { minLength: 1, maxLength: 500 }),
      (all) => {
        const histogram = new Histogram();
        for (const ms of all) histogram.add(ms);
        const sorted = [...all].sort((a, b) => a - b);
        const taken = histogram.take()!;
        expect(taken.count).toBe(all.length);
        expect(taken.max).toBeCloseTo(sorted.at(-1)!, 1);
        for (const [share, found] of [
          [0.5, taken.p50],
          [0.95, taken.p95],
          [0.99, taken.p99],
        ] as const) {
          const exact = sorted[Math.ceil(all.length * share) - 1]!;
          expect(Math.abs(found - exact)).toBeLessThanOrEqual(exact * 0.13 + 0.01);
        }
        expect(histogram.take()).toBeNull();
      },
    ),
  );
});

test('times that are none do no harm', () => {
  const histogram = new Histogram();
  for (const ms of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) histogram.add(ms);
  expect(histogram.take()).toMatchObject({ count: 4, p50: 0.06 });
});
