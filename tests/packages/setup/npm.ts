import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Runs npm in a folder; scripts of packages do not run. `npm test` says where its npm is, else it is looked for.
 *
 * @returns what it printed.
 */
export async function npm(folder: string, args: readonly string[]): Promise<string> {
  const script = process.env['npm_execpath'];
  const own = script?.endsWith('npm-cli.js') === true;
  const all = [...args, '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier', '--prefer-offline'];
  const { stdout } = await run(own ? process.execPath : 'npm', own ? [script, ...all] : all, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    shell: !own && process.platform === 'win32',
    env: cleanEnvironment(),
  });
  return stdout;
}

/** What `npm test` sets about the repository itself would be taken for settings of the project below. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(package|lifecycle|config_local_prefix)/.test(name)),
  );
}
