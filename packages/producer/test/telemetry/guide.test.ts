import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withTables } from '../../../../tools/telemetry/table.ts';

test('the guide’s tables are those of the code: node tools/telemetry/table.ts makes them', () => {
  const page = readFileSync(new URL('../../../../docs/guide/telemetry.md', import.meta.url), 'utf8');
  expect(withTables(page)).toBe(page);
});

test('the package’s entry loads neither OpenTelemetry nor what pushes metrics', () => {
  const entry = new URL('../../src/index.ts', import.meta.url).href;
  const program = `
    import { registerHooks } from 'node:module';
    const urls = [];
    registerHooks({
      resolve(specifier, context, next) {
        const found = next(specifier, context);
        urls.push(found.url);
        return found;
      },
    });
    await import(${JSON.stringify(entry)});
    console.log(JSON.stringify(urls));
  `;
  const output = execFileSync(process.execPath, ['--conditions=@kiel/source', '--input-type=module', '-e', program]);
  const urls = JSON.parse(String(output)) as string[];
  expect(urls).toContain(entry);
  expect(urls.filter((url) => /opentelemetry|metrics-push|telemetry-machine|otlp/.test(url))).toEqual([]);
});
