import { type ExecFileSyncOptions, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { chromium } from 'playwright-core';

const candidates = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/opt/google/chrome/chrome',
];

/** No background traffic: a test's browser talks to loopback alone. */
const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The browser's path: one that is there, or Debian's package when this process may install it. */
export function findChromium(): string | null {
  const found = candidates.find((path) => existsSync(path));
  if (found !== undefined) return found;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return null;
  const options: ExecFileSyncOptions = {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  };
  try {
    execFileSync('apt-get', ['update', '-qq'], options);
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], options);
  } catch (error) {
    process.stderr.write(`installing Debian's chromium failed: ${(error as Error).message}\n`);
  }
  return candidates.find((path) => existsSync(path)) ?? null;
}

/**
 * A headless browser, or null where none can be had; with `CI=true` that is an error.
 * The caller closes it.
 */
export async function launchChromium(): Promise<Browser | null> {
  const executablePath = findChromium();
  if (executablePath === null) {
    const message = 'NO CHROMIUM HERE: THE BROWSER TESTS ARE SKIPPED (install the package chromium)';
    if (process.env['CI'] === 'true') throw new Error(message);
    process.stderr.write(`${message}\n`);
    return null;
  }
  return chromium.launch({ executablePath, headless: true, args: quiet });
}
