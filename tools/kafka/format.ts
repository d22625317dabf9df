import { createHash, randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from './jars.ts';
import { type Properties, propertiesText } from './properties.ts';
import type { Release } from './releases.ts';
import { runJava } from './tool.ts';

export interface FormatOptions {
  readonly classpath: string;
  readonly release: Release;
  readonly logDir: string;
  readonly nodeId: number;
  readonly clusterId: string;
  readonly role: 'broker' | 'controller' | 'broker,controller';
  readonly scram: readonly string[];
}

/**
 * Makes a log folder as `kafka-storage format` does. What that tool writes beside the ids depends on the release, the
 * role and the first users alone, so it runs once for each of these and later starts copy its work: a second saved for
 * each node of each cluster.
 */
export async function formatStorage(options: FormatOptions): Promise<void> {
  const { release, role, scram, logDir, nodeId, clusterId } = options;
  const kind = createHash('sha256')
    .update(JSON.stringify([role, scram]))
    .digest('hex')
    .slice(0, 12);
  const template = join(cacheFolder(), `kafka-${release.version}-format-${kind}`);
  if (!existsSync(template)) await makeTemplate(options, template);
  mkdirSync(logDir, { recursive: true });
  cpSync(template, logDir, { recursive: true });
  const meta: Properties = { version: 1, 'cluster.id': clusterId, 'node.id': nodeId, 'directory.id': newId() };
  writeFileSync(join(logDir, 'meta.properties'), propertiesText(meta));
}

/** Sixteen random bytes in the text form of Kafka's ids, which must not begin with a dash. */
export function newId(): string {
  return randomBytes(16).toString('base64url').replace(/^-/, 'A');
}

async function makeTemplate(options: FormatOptions, template: string): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'kiel-format-'));
  try {
    const data = join(work, 'data');
    const isController = options.role !== 'broker';
    const listeners = options.role === 'broker' ? 'PLAINTEXT://127.0.0.1:1' : 'CONTROLLER://127.0.0.1:2';
    const properties: Properties = {
      'process.roles': options.role,
      'node.id': 1,
      'controller.listener.names': 'CONTROLLER',
      'controller.quorum.voters': `${isController ? 1 : 2}@127.0.0.1:2`,
      listeners: options.role === 'broker,controller' ? `PLAINTEXT://127.0.0.1:1,${listeners}` : listeners,
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      'log.dirs': data,
    };
    const file = join(work, 'format.properties');
    writeFileSync(file, propertiesText(properties));
    const users = options.scram.flatMap((user) => ['--add-scram', user]);
    await runJava(options.classpath, 'kafka.tools.StorageTool', ['format', '-t', newId(), '-c', file, ...users]);
    rmSync(join(data, 'meta.properties'));
    mkdirSync(cacheFolder(), { recursive: true });
    const partial = `${template}.partial-${process.pid}`;
    cpSync(data, partial, { recursive: true });
    if (existsSync(template)) rmSync(partial, { recursive: true });
    else renameSync(partial, template);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
