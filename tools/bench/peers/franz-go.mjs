import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** A client in Go, where Go is. A call a record with a callback is its only way. */
export const peer = { name: 'franz-go', ways: ['queue'], takes: 'file' };

const source = new URL('franz-go', import.meta.url).pathname;

export function build(folder) {
  const program = join(folder, 'franz-go-peer');
  if (!existsSync(program)) {
    execFileSync('go', ['build', '-o', program, '.'], { cwd: source, stdio: ['ignore', 'ignore', 'pipe'] });
  }
  return [program];
}

export function command([program], options) {
  const { broker, topic, way, compression, records, warmup, lingerMs, dataFile } = options;
  const args = { broker, topic, way, compression, records, warmup, linger: lingerMs, data: dataFile };
  return [program, ...Object.entries(args).map(([name, value]) => `${name}=${value}`)];
}
