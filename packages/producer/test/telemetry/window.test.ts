import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Rate, Spread } from '../../src/telemetry/window.ts';

// Made by tools/telemetry out of Java's own classes: moments, what was recorded then (-1: nothing), and what was read.
const histories = readFileSync(new URL('java-windows.txt', import.meta.url), 'utf8')
  .trim()
  .split(/^# /m)
  .slice(1)
  .map((text) => text.trim().split('\n'));

describe('rates, averages and maxima are those of Java', () => {
  test.each(histories.map(([seed, ...lines]) => ({ seed, lines })))('history $seed', ({ lines }) => {
    const rate = new Rate();
    const average = new Spread();
    const maximum = new Spread();
    let total = 0;
    expect(lines.length).toBe(60);
    for (const line of lines) {
      const [now, value, ...expected] = line.split(' ').map(Number) as [number, number, number, number, number];
      if (value >= 0) {
        total += value;
        for (const each of [rate, average, maximum]) each.record(value, now);
      }
      const read = [rate.perSecond(now), average.average(now), maximum.maximum(now)];
      for (const [i, wanted] of expected.entries()) {
        if (Number.isNaN(wanted)) expect(read[i]).toBeNaN();
        else expect(read[i]).toBeCloseTo(wanted, 9);
      }
    }
    expect(rate.total).toBe(total);
  });
});
