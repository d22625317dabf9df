import { spawnSync } from 'node:child_process';

/** What this machine lacks for starting real brokers; empty if nothing. */
export function missingForKafka(): string[] {
  const missing: string[] = [];
  const java = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const major = Number(/version "(\d+)/.exec(java.stderr ?? '')?.[1] ?? 0);
  if (java.error !== undefined || java.status !== 0) missing.push('java');
  else if (major < 17) missing.push(`java 17 or newer (found ${major})`);
  const maven = spawnSync('mvn', ['--version'], { encoding: 'utf8' });
  if (maven.error !== undefined || maven.status !== 0) missing.push('mvn');
  return missing;
}

let missing: string[] | undefined;

/** True where `java` (17 or newer) and `mvn` can be run. */
export function javaAvailable(): boolean {
  missing ??= missingForKafka();
  return missing.length === 0;
}

/**
 * For the head of a test file: `describe.skipIf(!requireKafka())`. Without Java or Maven it says so in capitals and
 * answers false; with `CI=true` it throws instead, so that nobody takes a run without brokers for a proof.
 */
export function requireKafka(): boolean {
  if (javaAvailable()) return true;
  const line = `NO REAL KAFKA HERE, ITS TESTS ARE SKIPPED: MISSING ${missing?.join(' AND ').toUpperCase()}`;
  if (process.env['CI'] === 'true') throw new Error(line);
  console.warn(line);
  return false;
}

let version: string | undefined;

/** The version of `java`, for names of things that only that very Java can read. */
export function javaVersion(): string {
  version ??= /version "([^"]+)"/.exec(spawnSync('java', ['-version'], { encoding: 'utf8' }).stderr ?? '')?.[1];
  return version ?? 'unknown';
}
