import { expect, test } from 'vitest';
import { fuzz } from '../../../tools/fuzz/fuzz.ts';
import { targets } from '../../../tools/fuzz/targets.ts';

test('mutated bytes give a value or a CodecError, whatever takes them', () => {
  const report = fuzz(targets(), { seed: 20_261, goOn: (inputs) => inputs < 25_000 });
  expect(report.failures).toEqual([]);
  // It got somewhere: thousands of messages and places, not one error over and over
  expect(report.kinds).toBeGreaterThan(1_500);
}, 120_000);

test('the fuzzer notices a target that throws something else', () => {
  const leaky = {
    name: 'leaky',
    seeds: [Uint8Array.of(1, 2, 3)],
    run: (bytes: Uint8Array) => (bytes.length < 3 ? String(bytes[5]!.toFixed()) : 'long'),
  };
  const report = fuzz([leaky], { seed: 1, goOn: (inputs) => inputs < 4_000 });
  expect(report.failures[0]?.problem).toMatch(/TypeError/);
});
