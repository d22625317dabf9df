import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kafkaJars } from '../../../tools/kafka/index.ts';

/** A message for Java's generated classes to decode and encode. */
export interface JavaCase {
  readonly name: string;
  /** Java's constant: `METADATA`. */
  readonly api: string;
  readonly type: 'request' | 'response';
  readonly version: number;
  readonly bytes: Uint8Array;
}

/** Nanoseconds that Kafka 4.4.0's classes take, in a JVM that was warm. */
export async function timeJava(cases: readonly JavaCase[]): Promise<{ decodeNs: number; encodeNs: number }[]> {
  const { classpath } = await kafkaJars('4.4.0');
  const folder = mkdtempSync(join(tmpdir(), 'kiel-bench-'));
  try {
    const args = cases.map(({ api, type, version, bytes }, i) => {
      const file = join(folder, String(i));
      writeFileSync(file, bytes);
      return [api, type, version, file].join(',');
    });
    const program = join(import.meta.dirname, 'java/MessageBench.java');
    const output = execFileSync('java', ['-cp', classpath, program, ...args], { encoding: 'utf8' });
    return output
      .trim()
      .split('\n')
      .map((line) => {
        const [decodeNs, encodeNs] = line.split(' ').map(Number);
        return { decodeNs: decodeNs!, encodeNs: encodeNs! };
      });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
