import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../../tools/kafka/jars.ts';
import { npm } from './npm.ts';

/**
 * Packages that only a few tests need and that are too heavy for every installation: fetched once, and kept beside the
 * jars. Null, and a line that says so, where the registry does not give them.
 *
 * @param packages - names and exact versions, or `npm:` aliases.
 */
export async function onDemand(what: string, packages: Readonly<Record<string, string>>): Promise<string | null> {
  const manifest = JSON.stringify({ private: true, dependencies: packages });
  const digest = createHash('sha256').update(manifest).digest('hex').slice(0, 12);
  const cache = cacheFolder();
  const folder = join(cache, `npm-${digest}`);
  if (existsSync(folder)) return join(folder, 'node_modules');
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(join(cache, 'npm-'));
  try {
    writeFileSync(join(fresh, 'package.json'), manifest);
    await npm(fresh, ['install']);
    if (!existsSync(folder)) renameSync(fresh, folder);
    return join(folder, 'node_modules');
  } catch (error) {
    const [why] = String((error as { stderr?: string }).stderr ?? error).split('\n');
    process.stderr.write(`${what.toUpperCase()} CANNOT BE HAD, AND IS NOT TESTED: ${why}\n`);
    return null;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}
