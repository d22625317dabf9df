import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const here = import.meta.dirname;

/** Runs RecordVectors.java against one release of Kafka's client, and gives what it prints. */
export function runRecordVectors(kafkaVersion: string, args: readonly string[], input = ''): string {
  const lib = join(here, 'target', kafkaVersion);
  mkdirSync(lib, { recursive: true });
  const copy = ['-q', '-f', join(here, 'pom.xml'), `-Dkafka.version=${kafkaVersion}`, `-DoutputDirectory=${lib}`];
  execFileSync('mvn', [...copy, 'dependency:copy-dependencies'], { stdio: ['ignore', 'ignore', 'inherit'] });
  // Kafka 4.2 moved these classes to packages that say that they are internal.
  const [major = 0, minor = 0] = kafkaVersion.split('.').map(Number);
  const moved = major > 4 || (major === 4 && minor >= 2);
  const source = readFileSync(join(here, 'RecordVectors.java'), 'utf8')
    .replaceAll('RECORDS.', moved ? 'internal.' : '')
    .replaceAll('INTERNALS.', moved ? 'internals.' : '');
  const folder = mkdtempSync(join(tmpdir(), 'kiel-records-'));
  try {
    const file = join(folder, 'RecordVectors.java');
    writeFileSync(file, source);
    return execFileSync('java', ['-cp', join(lib, '*'), file, ...args], {
      input,
      encoding: 'utf8',
      maxBuffer: 1 << 30,
    });
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new Error(`Kafka ${kafkaVersion}'s classes failed: ${stderr ?? error}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
