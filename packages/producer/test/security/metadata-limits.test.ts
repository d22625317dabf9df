import { describe, expect, test } from 'vitest';
import { addressProblem, metadataProblem } from '../../src/security/metadata-limits.ts';

const broker = { nodeId: 1, host: 'kafka-1.example', port: 9092 };
const topic = (...indexes: number[]) => ({
  name: 't',
  partitions: indexes.map((partitionIndex) => ({ partitionIndex })),
});

describe('what a cluster says of itself', () => {
  test('is believed when it is as clusters are', () => {
    expect(metadataProblem({ brokers: [broker, { ...broker, host: '::1' }], topics: [topic(0, 1, 5)] })).toBeNull();
  });

  test('is refused when a few bytes would make millions of objects', () => {
    expect(metadataProblem({ brokers: Array(10_001).fill(broker), topics: [] })).toContain('10001 brokers');
    expect(metadataProblem({ brokers: [broker], topics: [topic(0, 2_147_483_647)] })).toContain('partition 2147483647');
    expect(metadataProblem({ brokers: [broker], topics: [topic(-1)] })).toContain('partition -1');
  });

  test.each([
    { nodeId: -5 },
    { host: '' },
    { host: 'x'.repeat(256) },
    { host: 'a\nERROR forged' },
    { host: 'a b' },
    { port: 0 },
    { port: -1 },
    { port: 65_536 },
  ])('has no broker like %o', (wrong) => {
    expect(addressProblem({ ...broker, ...wrong })).toMatch(/^lists [\x20-\x7e]+$/);
  });
});
