import { SaslServer } from '@kiel/mock-cluster';
import { createInspector } from '@statelyai/inspect';
import { expect, test } from 'vitest';
import type { InspectionEvent } from 'xstate';
import { ConfigError, createProducer } from '../../src/index.ts';
import { start } from '../start.ts';

test('inspect takes a function or an observer, and both see the same', async () => {
  const seen: string[][] = [[], []];
  for (const [index, events] of seen.entries()) {
    const next = (event: InspectionEvent) => void events.push(event.type);
    await using it = await start({}, { inspect: index === 0 ? next : { next } });
    await it.warm();
  }
  expect(seen[0]).toEqual(seen[1]);
  expect(new Set(seen[0])).toEqual(
    new Set(
      [
        '@xstate.actor',
        '@xstate.event',
        '@xstate.snapshot',
        '@xstate.microstep',
        '@xstate.transition',
        '@xstate.action',
      ].filter((type) => seen[0]!.includes(type)),
    ),
  );
  expect(seen[0]!.length).toBeGreaterThan(50);
});

test('what is no observer is refused by name', () => {
  expect(() => createProducer({ brokers: 'a', inspect: {} })).toThrow(ConfigError);
  expect(() => createProducer({ brokers: 'a', inspect: 'yes' as never })).toThrow(
    /"inspect" must be a function, or an observer/,
  );
});

test('an observer that throws is logged, and costs no record', async () => {
  const said: string[] = [];
  const logger = { debug() {}, info() {}, warn() {}, error: (_: unknown, message: string) => void said.push(message) };
  const inspect = () => {
    throw new Error('from the observer');
  };
  await using it = await start({}, { inspect, logger });
  await it.run(it.producer.produce('orders', 'safe'));
  expect(it.values()).toEqual(['safe']);
  expect(said).toContain('the observer given as "inspect" threw');
});

/** Everything that can be reached from what an observer is given, as text: getters are read, functions are not. */
function everythingIn(events: readonly unknown[]): string {
  const seen = new Set<unknown>();
  const texts: string[] = [];
  const visit = (value: unknown, depth: number): void => {
    if (typeof value === 'string' || typeof value === 'bigint' || typeof value === 'number') texts.push(String(value));
    if (value instanceof Uint8Array) texts.push(Buffer.from(value).toString('latin1'));
    if (typeof value !== 'object' || value === null || seen.has(value) || depth > 40) return;
    seen.add(value);
    const parts = value instanceof Map ? [...value].flat() : value instanceof Set ? [...value] : Reflect.ownKeys(value);
    for (const part of parts) {
      if (value instanceof Map || value instanceof Set) visit(part, depth + 1);
      else {
        if (typeof part === 'string') texts.push(part);
        visit((value as Record<PropertyKey, unknown>)[part as PropertyKey], depth + 1);
      }
    }
  };
  visit(events, 0);
  return texts.join('\n');
}

const secret = 'nobody-may-see';

async function runWith(inspect: (event: InspectionEvent) => void): Promise<void> {
  const users = { app: `a-password-that-${secret}` };
  await using it = await start({ sasl: new SaslServer({ users }) } as never, {
    sasl: { mechanism: 'plain', username: 'app', password: users.app },
    inspect,
    retryBackoffMs: 10,
  });
  const options = { key: `a-key-that-${secret}`, headers: { trace: `a-header-that-${secret}` } };
  await it.run(it.producer.produce('orders', `a-value-that-${secret}`, options));
  it.mock.killBroker(it.mock.leader('orders', 0));
  await it.run(it.producer.produce('orders', `a-value-that-${secret}`, options));
  const parked = it.producer.produce('unknown-topic-that-waits', `a-value-that-${secret}`);
  parked.catch(() => {});
  await it.run(it.producer.close({ timeoutMs: 100 }));
}

test('no observer can reach a message or a secret, in events, contexts, inputs, definitions or actors', async () => {
  const events: InspectionEvent[] = [];
  const texts: string[] = [];
  await runWith((event) => {
    events.push(event);
    // At once, while records wait and are on their way.
    texts.push(everythingIn([event]));
  });
  expect(events.length).toBeGreaterThan(100);
  expect(texts.some((text) => text.includes('metadata.stale'))).toBe(true);
  expect(texts.filter((text) => text.includes(secret))).toEqual([]);
});

test("Stately's inspector takes the producer's events, and sends nothing of messages or secrets out", async () => {
  const sent: { type: string; name?: string; definition?: string; snapshot?: { value?: unknown } }[] = [];
  const inspector = createInspector({ send: (event) => void sent.push(JSON.parse(JSON.stringify(event))) });
  await runWith((event) => inspector.inspect.next?.(event));
  // It sends in a turn of its own.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const text = JSON.stringify(sent);
  expect(text).not.toContain(secret);
  expect(text).not.toContain('a-password');
  const definitions = sent.flatMap(({ definition }) => (definition === undefined ? [] : [JSON.parse(definition)]));
  const ids = new Set(definitions.map((definition: { id?: string }) => definition.id));
  expect([...ids]).toEqual(expect.arrayContaining(['producer', 'metadata', 'idempotence', 'transaction', 'broker']));
  const states = new Set(sent.map(({ snapshot }) => snapshot?.value));
  expect(states).toContain('healing');
  expect(states).toContain('flushing');
  expect(states).toContain('closed');
});
