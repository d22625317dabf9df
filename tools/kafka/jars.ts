import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { javaVersion } from './java.ts';
import { releaseOf } from './releases.ts';

const run = promisify(execFile);

/** Where fetched jars and things made from them stay between runs. */
export function cacheFolder(): string {
  const shared = process.env['XDG_CACHE_HOME'];
  if (shared !== undefined && shared !== '') return join(shared, 'kiel');
  return fileURLToPath(new URL('../../node_modules/.cache/kiel', import.meta.url));
}

/** A folder of jars, complete: it is renamed into place only after Maven has ended well. */
export interface Jars {
  readonly folder: string;
  readonly classpath: string;
}

/** The jars of a Kafka release with all that its broker needs. The first call needs the network, later ones do not. */
export function kafkaJars(version: string): Promise<Jars> {
  const release = releaseOf(version);
  return fetchJars(`kafka-${version}`, [`org.apache.kafka:kafka_${release.scala}:${version}`, ...release.extra]);
}

/** The class data archive of a release: its JVM reads it in place of the jars. Only the Java that made it can. */
export function archiveFile(version: string): string {
  return join(cacheFolder(), `kafka-${version}-java-${javaVersion()}.jsa`);
}

/**
 * Fetches artifacts (`group:artifact:version`; with a star at the end, without dependencies) through Maven. Processes
 * that ask for the same name at once wait for one of them to fetch it.
 */
export async function fetchJars(name: string, artifacts: readonly string[]): Promise<Jars> {
  const folder = join(cacheFolder(), name);
  const wanted = artifacts.join('\n');
  if (!isComplete(folder, wanted)) {
    mkdirSync(cacheFolder(), { recursive: true });
    await withLock(`${folder}.lock`, async () => {
      if (!isComplete(folder, wanted)) await fetchInto(folder, artifacts, wanted);
    });
  }
  const jars = readdirSync(folder).filter((file) => file.endsWith('.jar'));
  return {
    folder,
    classpath: jars
      .sort()
      .map((jar) => join(folder, jar))
      .join(':'),
  };
}

function isComplete(folder: string, wanted: string): boolean {
  try {
    return readFileSync(join(folder, 'artifacts.txt'), 'utf8') === wanted;
  } catch {
    return false;
  }
}

async function fetchInto(folder: string, artifacts: readonly string[], wanted: string): Promise<void> {
  const partial = `${folder}.partial-${process.pid}`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  try {
    writeFileSync(join(partial, 'pom.xml'), pomFor(artifacts));
    const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
    const args = ['-q', '-B', goal, `-DoutputDirectory=${partial}`, '-DincludeScope=runtime'];
    await run('mvn', args, { cwd: partial, timeout: 600_000, maxBuffer: 1 << 24 });
    writeFileSync(join(partial, 'artifacts.txt'), wanted);
    rmSync(folder, { recursive: true, force: true });
    renameSync(partial, folder);
  } catch (error) {
    const output = String((error as { stdout?: string }).stdout ?? '').trim();
    throw new Error(`Maven could not fetch ${artifacts.join(', ')}\n${output}`, { cause: error });
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

function pomFor(artifacts: readonly string[]): string {
  const alone = '<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>';
  const dependencies = artifacts.map((text) => {
    const [group, artifact, version] = text.replace('*', '').split(':');
    const exclusions = text.endsWith('*') ? alone : '';
    return (
      `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId>` +
      `<version>${version}</version>${exclusions}</dependency>`
    );
  });
  return `<project><modelVersion>4.0.0</modelVersion>
<groupId>kiel</groupId><artifactId>jars</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>${dependencies.join('\n')}</dependencies></project>
`;
}

/** Runs `work` while holding a lock folder; a lock whose owner is dead is taken over. */
async function withLock(lock: string, work: () => Promise<void>): Promise<void> {
  while (!tryLock(lock)) await sleep(200);
  try {
    await work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function tryLock(lock: string): boolean {
  try {
    mkdirSync(lock);
    writeFileSync(join(lock, 'pid'), String(process.pid));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (isAbandoned(lock)) rmSync(lock, { recursive: true, force: true });
    return false;
  }
}

function isAbandoned(lock: string): boolean {
  try {
    process.kill(Number(readFileSync(join(lock, 'pid'), 'utf8')), 0);
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true;
    if ((error as NodeJS.ErrnoException).code === 'EPERM') return false;
  }
  // No pid yet: its owner is between making the folder and writing into it, or died there.
  try {
    return Date.now() - statSync(lock).mtimeMs > 10_000;
  } catch {
    return false;
  }
}
