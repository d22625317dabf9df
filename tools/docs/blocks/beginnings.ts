/** What blocks of many pages begin with and do not show: by name, for `<!-- with: NAME -->`. */
export const beginnings: Readonly<Record<string, string>> = {
  producer: `import { createProducer } from '@kiel/producer';
await using producer = createProducer({ brokers: ['localhost:9092'] });
`,
  transactional: `import { createProducer } from '@kiel/producer';
await using producer = createProducer({ brokers: ['localhost:9092'], transactionalId: 'example' });
`,
  createProducer: `import { createProducer } from '@kiel/producer';
`,
  MockCluster: `import { MockCluster } from '@kiel/mock-cluster';
`,
  assert: `import assert from 'node:assert/strict';
`,
};
