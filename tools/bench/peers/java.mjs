import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Java's client through Maven, on whatever JDK is there. It gets a long warm-up, for its compiler's sake. */
export const peer = { name: 'java', ways: ['queue'], takes: 'file', warmupTimes: 3 };

const version = '4.4.0';
const source = new URL('JavaPeer.java', import.meta.url).pathname;

export function build(folder) {
  const home = join(folder, 'java');
  if (!existsSync(join(home, 'JavaPeer.class'))) {
    mkdirSync(home, { recursive: true });
    const dependency = (group, artifact, number) =>
      `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${number}</version></dependency>`;
    const clients = dependency('org.apache.kafka', 'kafka-clients', version);
    const silence = dependency('org.slf4j', 'slf4j-nop', '1.7.36');
    writeFileSync(
      join(home, 'pom.xml'),
      `<project><modelVersion>4.0.0</modelVersion><groupId>bench</groupId><artifactId>peer</artifactId><version>1</version><dependencies>${clients}${silence}</dependencies></project>`,
    );
    const copy = ['-q', '-f', join(home, 'pom.xml'), 'dependency:copy-dependencies', `-DoutputDirectory=${home}/libs`];
    execFileSync('mvn', copy, { stdio: ['ignore', 'ignore', 'pipe'] });
    execFileSync('javac', ['-cp', `${home}/libs/*`, '-d', home, source], { stdio: ['ignore', 'ignore', 'pipe'] });
  }
  return ['java', '-Xms512m', '-Xmx512m', '-cp', `${home}:${home}/libs/*`, 'JavaPeer'];
}

export function command(program, options) {
  const { broker, topic, way, compression, records, warmup, lingerMs, dataFile } = options;
  const args = { version, broker, topic, way, compression, records, warmup, linger: lingerMs, data: dataFile };
  return [...program, ...Object.entries(args).map(([name, value]) => `${name}=${value}`)];
}
