import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { diagramOf } from '../../../../tools/machines/diagram.ts';
import {
  brokerMachine,
  idempotenceMachine,
  metadataMachine,
  producerMachine,
  transactionMachine,
} from '../../src/index.ts';

function page(path: string): string {
  return readFileSync(new URL(`../../../../docs/${path}`, import.meta.url), 'utf8');
}

test("the pages' diagrams are what the machines are", () => {
  const states = page('concepts/states.md');
  for (const machine of [producerMachine, brokerMachine, metadataMachine, idempotenceMachine, transactionMachine]) {
    expect(states).toContain(`\`\`\`mermaid\n${diagramOf(machine)}\n\`\`\``);
  }
  expect(page('guide/transactions.md')).toContain(diagramOf(transactionMachine));
});
