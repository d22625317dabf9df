import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/** librdkafka in C. A call a record is its only way; it is measured where a C compiler and its header are. */
export const peer = { name: 'librdkafka', ways: ['queue'], takes: 'file' };

const source = new URL('librdkafka.c', import.meta.url).pathname;

/**
 * Builds against LIBRDKAFKA (a shared library), or the newest that PyPI's confluent-kafka carries, or the system's.
 *
 * @returns the command to run.
 */
export function build(folder) {
  const program = join(folder, 'librdkafka-peer');
  if (existsSync(program)) return [program];
  const library = join(folder, 'librdkafka.so.1');
  if (!existsSync(library)) findLibrary(folder, library);
  const link = existsSync(library) ? [`-L${folder}`, '-l:librdkafka.so.1', '-Wl,-rpath,$ORIGIN'] : ['-lrdkafka'];
  execFileSync('gcc', ['-O2', '-o', program, source, ...link], { stdio: ['ignore', 'ignore', 'pipe'] });
  return [program];
}

function findLibrary(folder, library) {
  if (process.env.LIBRDKAFKA) {
    copyFileSync(process.env.LIBRDKAFKA, library);
  } else {
    try {
      const wheel = ['download', '-q', '--no-deps', '-d', folder, 'confluent-kafka==2.16.1'];
      execFileSync('pip', wheel, { stdio: 'ignore' });
      const file = readdirSync(folder).find((name) => name.endsWith('.whl'));
      execFileSync('unzip', ['-qojd', folder, join(folder, file), 'confluent_kafka.libs/librdkafka-*']);
      copyFileSync(
        join(
          folder,
          readdirSync(folder).find((name) => name.startsWith('librdkafka-')),
        ),
        library,
      );
    } catch {
      return; // the system's, then
    }
  }
  const soname = /SONAME\s+(\S+)/.exec(execFileSync('objdump', ['-p', library], { encoding: 'utf8' }))?.[1];
  if (soname && !existsSync(join(folder, soname))) symlinkSync('librdkafka.so.1', join(folder, soname));
}

export function command([program], options) {
  const { broker, topic, way, compression, records, warmup, lingerMs, dataFile } = options;
  const args = { broker, topic, way, compression, records, warmup, linger: lingerMs, data: dataFile };
  return [program, ...Object.entries(args).map(([name, value]) => `${name}=${value}`)];
}
