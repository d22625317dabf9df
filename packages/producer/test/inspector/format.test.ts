import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytes, roundCeiling, shortened } from '../../viewer/format.ts';

test('axes end at numbers that read well, in powers of 1024 where they are bytes', () => {
  expect([0.3, 1, 1.2, 37, 4999, 50_100].map((value) => roundCeiling(value))).toEqual([0.5, 1, 2, 50, 5000, 100_000]);
  const ends = [700, 1024, 1500, 400_000, 600_000, 1_000_000, 1_100_000, 33_000_000];
  expect(ends.map((value) => bytes(roundCeiling(value, 1024)))).toEqual([
    '1 KiB',
    '1 KiB',
    '2 KiB',
    '500 KiB',
    '1 MiB',
    '1 MiB',
    '2 MiB',
    '50 MiB',
  ]);
});

test('an axis holds its largest value, and no more than two and a half of it stay empty', () => {
  fc.assert(
    fc.property(fc.double({ min: 1, max: 1e12, noNaN: true }), fc.constantFrom(1, 1024), (value, unit) => {
      const end = roundCeiling(value, unit);
      expect(end * 1.0002).toBeGreaterThanOrEqual(value);
      expect(end).toBeLessThanOrEqual(value * 2.5 * 1.0001);
    }),
  );
});

test('a long name keeps its beginning and its end', () => {
  expect(shortened('orders', 20)).toBe('orders');
  expect(shortened('company.sales.orders.placed.v2', 20)).toBe('company.sa…placed.v2');
});
