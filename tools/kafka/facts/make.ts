import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startKafka } from '../cluster.ts';
import { kafkaVersions } from '../releases.ts';
import { askManners } from './manners.ts';
import { askApiVersions, tryApisOf082 } from './ranges.ts';

// `npm run broker-facts [VERSION…]`: asks real brokers what they know and how they behave, and writes it down as
// VERSION.json beside this file. A second run leaves no diff.

const names = apiNames();
const wanted = process.argv.slice(2);
for (const version of wanted.length > 0 ? wanted : kafkaVersions) {
  const started = performance.now();
  await using cluster = await startKafka({ version });
  const port = cluster.brokers[0]?.port ?? 0;
  await cluster.createTopic('facts');
  const ranges = version.startsWith('0.8') ? await tryApisOf082(port, 'facts') : await askApiVersions(port);
  const apis = ranges.apis.map(({ key, min, max }) => ({ key, name: names.get(key) ?? null, min, max }));
  const manners = await askManners(port, ranges.apis);
  const facts = { kafka: version, ...ranges, apis, manners };
  writeFileSync(new URL(`${version}.json`, import.meta.url), print(facts));
  console.log(`${version}: ${apis.length} APIs, ${Object.keys(manners).length} manners, ${secondsSince(started)} s`);
}

function secondsSince(started: number): string {
  return ((performance.now() - started) / 1000).toFixed(1);
}

function apiNames(): Map<number, string> {
  const folder = fileURLToPath(new URL('../../../packages/codec/schema/', import.meta.url));
  const found = new Map<number, string>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('Request.json'))) {
    const { apiKey, name } = JSON.parse(readFileSync(folder + file, 'utf8')) as { apiKey?: number; name: string };
    if (apiKey !== undefined) found.set(apiKey, name.replace(/Request$/, ''));
  }
  return found;
}

/** JSON with one line for each innermost object, so that a change shows as one line. */
function print(value: unknown, indent = ''): string {
  const flat = JSON.stringify(value)
    .replaceAll('":', '": ')
    .replaceAll(',"', ', "')
    .replaceAll(/([{])(?=")/g, '{ ')
    .replaceAll(/(?<=["\d\]el])([}])/g, ' }');
  const isLeaf =
    typeof value !== 'object' ||
    value === null ||
    Object.values(value).every((v) => typeof v !== 'object' || v === null);
  if (isLeaf) return flat;
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    return `[\n${value.map((item) => deeper + print(item, deeper)).join(',\n')}\n${indent}]`;
  }
  const lines = Object.entries(value).map(([key, item]) => `${deeper}${JSON.stringify(key)}: ${print(item, deeper)}`);
  return `{\n${lines.join(',\n')}\n${indent}}${indent === '' ? '\n' : ''}`;
}
