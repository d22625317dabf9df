import { describe, expect, test } from 'vitest';
import { playRound, type RoundResult } from '../../tools/chaos/round.ts';
import { requireKafka } from '../../tools/kafka/index.ts';

/** Some thousands of records of several producers: all delivered, and all promises kept. */
function expectKept({ verdicts, faults }: RoundResult): void {
  expect(faults).toEqual([]);
  for (const { topic, verdict } of verdicts) {
    expect(verdict.violations.map(({ kind, text }) => `${topic}: ${kind}: ${text}`)).toEqual([]);
    expect(verdict.failed).toBe(0);
    expect(verdict.acked).toBe(verdict.offered);
    expect(verdict.stored).toBeGreaterThanOrEqual(verdict.offered);
    expect(verdict.offered).toBeGreaterThan(500);
  }
}

// The long form, with every scenario and every release, is `npm run chaos`.
describe.skipIf(!requireKafka())('several producers under load while real brokers are lost', () => {
  test('Kafka 4.4.0: a leader killed and back, then leaders moved by the admin tools', async () => {
    const result = await playRound({
      version: '4.4.0',
      brokers: 3,
      scenarios: ['kill-one', 'leaders-once'],
      recordsPerSecond: 600,
    });
    expectKept(result);
    const exact = result.verdicts.find(({ topic }) => topic === 'orders')?.verdict;
    expect(exact?.stored).toBe(exact?.offered);
    const [recovery] = result.recoveries;
    expect(recovery?.partitions).toBeGreaterThan(0);
    // One backoff more than the cluster itself took to elect; measured by that time, since a busy machine slows both.
    expect(recovery!.recoveredMs / recovery!.electedMs).toBeLessThan(3);
  });

  test('Kafka 0.8.2.2, without idempotence: the leader killed and back', async () => {
    const result = await playRound({
      version: '0.8.2.2',
      brokers: 2,
      scenarios: ['kill-one'],
      recordsPerSecond: 300,
    });
    expectKept(result);
    expect(result.recoveries[0]?.partitions).toBeGreaterThan(0);
  });
});
