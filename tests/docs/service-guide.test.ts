import { rmSync, writeFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { pathOf, programsFolder, writePrograms } from '../../tools/docs/blocks/pages.ts';
import { problemWith } from '../../tools/docs/blocks/run.ts';

const service = writePrograms().findLast(
  ({ page, language }) => page === 'docs/guide/service.md' && language === 'ts',
)!;

afterAll(() => rmSync(programsFolder, { recursive: true, force: true }));

test.each([
  ['a commit is stored and never answered', 'EndTxn: once, append-then-mute'],
  ['a coordinator takes in nothing for a while', 'EndTxn: 3 times, black-hole'],
  ['an answer to a record is lost', 'Produce: once, append-then-drop-reply'],
])('the service of the guide goes on when %s', async (_, fault) => {
  // The same program, with less patience than two minutes.
  const text = service.text.replace(
    "clientId: 'order-service',",
    '$& maxBlockMs: 1_500, requestTimeoutMs: 500, deliveryTimeoutMs: 20_000,',
  );
  expect(text).not.toBe(service.text);
  writeFileSync(pathOf(service), text);
  // Its notes ask for twenty orders, stored once each, and an end after SIGTERM.
  expect(await problemWith(service, (cluster) => void cluster.fault(fault))).toBeNull();
});
