import { pino } from 'pino';
import { expect, test } from 'vitest';
import { type Logger, SafeLogger } from '../../src/logger.ts';
import { start } from '../start.ts';

/** A real pino whose lines are kept. */
function keeper() {
  const lines: Record<string, unknown>[] = [];
  const logger: Logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { logger, lines, said: () => lines.map(({ level, msg, suppressed }) => [level, msg, suppressed ?? 0]) };
}

test('pino takes it as it is, and a child tells the producers apart', async () => {
  const { logger, lines } = keeper();
  await using t = await start({ brokers: 1 }, { logger, clientId: 'billing', maxBlockMs: 1_000 });
  t.mock.killBroker(1);
  t.producer.produce('orders', 'a').catch(() => {});
  await t.mock.clock.advance(2_000);
  const warning = lines.find(({ level }) => level === 40);
  expect(warning).toMatchObject({ clientId: 'billing', msg: expect.stringContaining('metadata') });
});

test('a line is not repeated within half a minute, and the next one says how many were held back', () => {
  const { logger, said } = keeper();
  let nowMs = 0;
  const safe = new SafeLogger(logger, 'kiel', () => nowMs);
  for (let i = 0; i < 100; i++) safe.warn('no way to it', { broker: 'a:1', attempt: i });
  safe.warn('no way to it', { broker: 'b:1' });
  safe.error('no way to it', { broker: 'a:1' });
  expect(said()).toEqual([
    [40, 'no way to it', 0],
    [40, 'no way to it', 0],
    [50, 'no way to it', 0],
  ]);
  nowMs = 30_000;
  safe.warn('no way to it', { broker: 'a:1' });
  expect(said().slice(3)).toEqual([[40, 'no way to it', 99]]);
});

test('what was held back last is told as a number in the end', () => {
  const { logger, lines } = keeper();
  const safe = new SafeLogger(logger, 'kiel', () => 0);
  for (let i = 0; i < 3; i++) safe.warn('throttled', { broker: 'a:1', throttleMs: i });
  safe.warn('other', {});
  safe.end();
  expect(lines.slice(2)).toMatchObject([{ msg: 'throttled', throttleMs: 2, suppressed: 2 }]);
});

test('what is remembered for that is bounded, and nothing held back is forgotten', () => {
  const { logger, lines } = keeper();
  const safe = new SafeLogger(logger, 'kiel', () => 0);
  for (let round = 0; round < 2; round++) {
    for (let topic = 0; topic < 499; topic++) safe.warn('full', { topic: `t${topic}` });
  }
  for (let topic = 0; topic < 100; topic++) safe.warn('new', { topic: `t${topic}` });
  // 499 first ones, 100 new ones, and for each of the 99 that had to make room, what was held back of it.
  expect(lines.length).toBe(499 + 100 + 99);
});

test('debug is not held back, and a logger without trace and child will do', () => {
  const lines: string[] = [];
  const note = (details: object, message: string) => void lines.push(`${message} ${JSON.stringify(details)}`);
  const safe = new SafeLogger({ debug: note, info: note, warn: note, error: note }, 'kiel', () => 0);
  safe.debug('a');
  safe.debug('a');
  safe.info('b', { broker: 'x' });
  expect(lines).toEqual(['a {}', 'a {}', 'b {"broker":"x"}']);
});
