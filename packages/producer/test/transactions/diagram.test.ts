import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { diagramOf } from '../../../../tools/machines/diagram.ts';
import { transactionMachine } from '../../src/index.ts';

test("the guide's diagram is what the machine is", () => {
  const guide = readFileSync(new URL('../../../../docs/guide/transactions.md', import.meta.url), 'utf8');
  expect(guide).toContain(`\`\`\`mermaid\n${diagramOf(transactionMachine)}\n\`\`\``);
});
