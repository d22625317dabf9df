import { expect, test } from 'vitest';
import { SeededRandom } from '../src/clock/random.ts';
import { VirtualClock, VirtualTimeError } from '../src/clock/virtual-clock.ts';

test('timers run in order of time, ties in order of setting, and an hour takes no real time', async () => {
  const clock = new VirtualClock();
  const seen: string[] = [];
  const start = performance.now();
  clock.setTimeout(() => seen.push('hour'), 3_599_000);
  clock.setTimeout(() => seen.push('b1'), 50);
  clock.setTimeout(() => seen.push('b2'), 50);
  const cancelled = clock.setTimeout(() => seen.push('never'), 10);
  clock.setTimeout(() => seen.push('a'), 20);
  clock.clearTimeout(cancelled);
  await clock.run(clock.sleep(3_600_000), { limitMs: 3_600_001 });
  expect(seen).toEqual(['a', 'b1', 'b2', 'hour']);
  expect(clock.now()).toBe(3_600_000);
  expect(performance.now() - start).toBeLessThan(5_000);
  clock.stop();
});

test('promise jobs are done between two callbacks, and immediates come after what is due at the moment', async () => {
  const clock = new VirtualClock();
  const seen: string[] = [];
  clock.setTimeout(async () => {
    seen.push('first');
    clock.setImmediate(() => seen.push('immediate'));
    await null;
    await null;
    seen.push('first, continued');
  }, 5);
  clock.setTimeout(() => seen.push('second'), 5);
  clock.setTimeout(() => seen.push('later'), 6);
  await clock.advance(10);
  expect(seen).toEqual(['first', 'first, continued', 'second', 'immediate', 'later']);
  clock.stop();
});

test('time stands still while nobody runs the clock, and what is due now happens all the same', async () => {
  const clock = new VirtualClock();
  let immediate = false;
  let timer = false;
  clock.setImmediate(() => {
    immediate = true;
  });
  clock.setTimeout(() => {
    timer = true;
  }, 1);
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  expect({ immediate, timer, now: clock.now() }).toEqual({ immediate: true, timer: false, now: 0 });
  clock.stop();
});

test('a run that passes its limit is rejected at the limit', async () => {
  const clock = new VirtualClock();
  clock.setTimeout(() => {}, 20_000);
  const never = new Promise(() => {});
  const error = await clock.run(never, { limitMs: 10_000 }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(VirtualTimeError);
  expect(error).toMatchObject({ code: 'TIME_LIMIT' });
  expect(clock.now()).toBe(10_000);
  clock.stop();
});

test('a run that nothing can settle says so', async () => {
  const clock = new VirtualClock();
  await expect(clock.run(new Promise(() => {}))).rejects.toMatchObject({ code: 'NOTHING_LEFT' });
  clock.stop();
});

test('what a callback throws rejects the run', async () => {
  const clock = new VirtualClock();
  clock.setTimeout(() => {
    throw new Error('from a timer');
  }, 3);
  await expect(clock.run(clock.sleep(100))).rejects.toThrow('from a timer');
  clock.stop();
});

test('a close that nobody runs the clock for still comes to its end', async () => {
  const clock = new VirtualClock();
  await clock.sleep(1_500);
  expect(clock.now()).toBeGreaterThanOrEqual(1_500);
  clock.stop();
});

test('cancelling many timers keeps the order of the rest', async () => {
  const clock = new VirtualClock();
  const random = new SeededRandom(7);
  const seen: number[] = [];
  const expected: number[] = [];
  for (let i = 0; i < 2_000; i++) {
    const at = 1 + random.below(500);
    const id = clock.setTimeout(() => seen.push(at), at);
    if (i % 3 === 0) expected.push(at);
    else clock.clearTimeout(id);
  }
  expect(clock.pendingTimers).toBe(expected.length);
  await clock.advance(1_000);
  expect(seen).toEqual(expected.sort((a, b) => a - b));
  clock.stop();
});

test('the same seed gives the same numbers, another seed others, and a fork its own', () => {
  const draw = (random: SeededRandom) => Array.from({ length: 5 }, () => random.next());
  expect(draw(new SeededRandom(1))).toEqual(draw(new SeededRandom(1)));
  expect(draw(new SeededRandom(1))).not.toEqual(draw(new SeededRandom(2)));
  const parent = new SeededRandom(1);
  const early = draw(parent.fork('links'));
  draw(parent);
  expect(draw(parent.fork('links'))).toEqual(early);
  const mean =
    Array.from(
      { length: 10_000 },
      (
        (r) => () =>
          r.next()
      )(new SeededRandom(3)),
    ).reduce((a, b) => a + b) / 10_000;
  expect(mean).toBeGreaterThan(0.48);
  expect(mean).toBeLessThan(0.52);
});

test('a timer that cancels itself while it runs leaves the others in their places', async () => {
  const clock = new VirtualClock();
  const seen: string[] = [];
  for (let i = 0; i < 100; i++) {
    const id: unknown = clock.setTimeout(() => clock.clearTimeout(id), 5);
  }
  clock.setTimeout(() => seen.push('late'), 1_000);
  await clock.advance(2_000);
  expect(seen).toEqual(['late']);
  expect(clock.pendingTimers).toBe(0);
  clock.stop();
});
