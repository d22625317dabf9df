import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { kafkaJars } from '../kafka/index.ts';

const run = promisify(execFile);

/**
 * Compiles classes of this folder against a Kafka release.
 *
 * @returns a class path with them and all of that release.
 */
export async function compileJava(version: string, names: readonly string[], folder: string): Promise<string> {
  const { classpath } = await kafkaJars(version);
  const files = names.map((name) => fileURLToPath(new URL(`java/${name}.java`, import.meta.url)));
  await run('javac', ['-nowarn', '-cp', classpath, '-d', folder, ...files]);
  // Last, so that archives of the release's own classes go on to fit.
  return `${classpath}:${folder}`;
}
