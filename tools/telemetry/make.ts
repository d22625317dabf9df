import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startKafka } from '../kafka/index.ts';
import { runJava } from '../kafka/tool.ts';
import { compileJava } from './compile.ts';

/**
 * Writes down what Java's producer measures and how: the metrics of a running one, what its windows say of values at
 * given moments, and the descriptors by which it tells brokers of them. Tests compare with it; `node tools/telemetry/make.ts` leaves no difference.
 */
const version = '4.4.0';
const target = fileURLToPath(new URL('../../packages/producer/test/telemetry/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'kiel-telemetry-'));
try {
  const classpath = await compileJava(version, ['ProducerMetricNames', 'WindowVectors', 'OtlpDescriptors'], folder);
  await using kafka = await startKafka({ version });
  await kafka.createTopic('measured', { partitions: 2 });
  const names = await runJava(classpath, 'ProducerMetricNames', [kafka.bootstrap, 'measured']);
  const metrics = names.stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [group = '', name = '', tags = ''] = line.split('\t');
      return { group, name, tags: tags.split(',') };
    });
  const lines = metrics.map((metric) => `  ${JSON.stringify(metric)}`);
  writeFileSync(join(target, 'java-metrics.json'), `[\n${lines.join(',\n')}\n]\n`);
  const vectors = await runJava(classpath, 'WindowVectors', ['20']);
  writeFileSync(join(target, 'java-windows.txt'), vectors.stdout);
  const descriptors = await runJava(classpath, 'OtlpDescriptors', []);
  writeFileSync(join(target, 'otlp-descriptors.txt'), descriptors.stdout);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
