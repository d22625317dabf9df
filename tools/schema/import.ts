/**
 * Makes `packages/codec/schema/` anew out of the message definitions inside the published Kafka jars. Needs Maven
 * and the network the first time; the results are committed, so that nothing else does.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Definition } from './definition.ts';
import { formatJson } from './format-json.ts';
import { fetchJar } from './jars.ts';
import { type KafkaMessage, parseKafkaJson } from './kafka-json.ts';
import { merge } from './merge.ts';
import { newestRelease, olderRelease } from './releases.ts';
import { readZipText } from './zip.ts';

const schemaFolder = join(import.meta.dirname, '../../packages/codec/schema');

/** Newest first: what the newest knows, it decides. */
const clientReleases = [newestRelease, olderRelease];

const internalRelease = newestRelease;
const internalModules = [
  'kafka-group-coordinator',
  'kafka-group-coordinator-api',
  'kafka-transaction-coordinator',
  'kafka-share-coordinator',
  'kafka-metadata',
  'kafka-storage',
  'kafka-raft',
];

importClientMessages();
importInternalTopics();

/** Messages meet by API key, since an API may change its name; the rest by name. */
function importClientMessages(): void {
  const groups = new Map<string, Map<string, KafkaMessage>>();
  for (const release of clientReleases) {
    for (const message of readDefinitions('kafka-clients', release)) {
      const id = message.apiKey === undefined ? message.name : `${message.type} ${message.apiKey}`;
      const group = groups.get(id) ?? new Map<string, KafkaMessage>();
      groups.set(id, group.set(release, message));
    }
  }
  writeAll(schemaFolder, [...groups.values()]);
}

function importInternalTopics(): void {
  const groups: Map<string, KafkaMessage>[] = [];
  for (const module of internalModules) {
    for (const message of readDefinitions(module, internalRelease)) {
      groups.push(new Map([[internalRelease, message]]));
    }
  }
  writeAll(join(schemaFolder, 'internal-topics'), groups);
}

function readDefinitions(module: string, release: string): KafkaMessage[] {
  const jar = readFileSync(fetchJar(`org.apache.kafka:${module}:${release}`));
  const files = readZipText(jar, (name) => /^(common\/)?(message|metadata)\/.*\.json$/.test(name));
  return [...files.values()].map(parseKafkaJson);
}

function writeAll(folder: string, groups: readonly ReadonlyMap<string, KafkaMessage>[]): void {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) if (name.endsWith('.json')) rmSync(join(folder, name));
  const definitions: Definition[] = [];
  for (const group of groups) {
    const definition = merge(group);
    if (definition === null) continue;
    definitions.push(definition);
    writeFileSync(join(folder, `${definition.name}.json`), formatJson(definition));
  }
  console.log(`${definitions.length} definitions in ${folder}`);
}
