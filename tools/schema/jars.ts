import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const cache = join(import.meta.dirname, '../../node_modules/.cache/kiel/jars');

/** Path of a published jar, fetched through Maven on first use. */
export function fetchJar(coordinates: string): string {
  const [, artifact, version] = coordinates.split(':');
  const path = join(cache, `${artifact}-${version}.jar`);
  if (existsSync(path)) return path;
  mkdirSync(cache, { recursive: true });
  execFileSync('mvn', ['-q', 'dependency:copy', `-Dartifact=${coordinates}`, `-DoutputDirectory=${cache}`], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return path;
}
