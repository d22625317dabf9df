import { parseArgs } from 'node:util';
import { startKafka } from './cluster.ts';
import { kafkaVersions } from './releases.ts';

const usage = `node tools/kafka/run.ts [--version V] [--brokers N] [--topic NAME:PARTITIONS]… [--config KEY=VALUE]…

Starts real Apache Kafka on free loopback ports and runs until it is stopped (Ctrl-C).
Tried versions: ${kafkaVersions.join(', ')}.`;

const { values } = parseArgs({
  options: {
    version: { type: 'string', default: '4.4.0' },
    brokers: { type: 'string', default: '1' },
    topic: { type: 'string', multiple: true, default: [] },
    config: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) {
  console.log(usage);
} else {
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  const config = Object.fromEntries(
    values.config.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
  const started = performance.now();
  await using cluster = await startKafka({ version: values.version, brokers: Number(values.brokers), config });
  for (const text of values.topic) {
    const [name, partitions = '1'] = text.split(':');
    await cluster.createTopic(name ?? '', { partitions: Number(partitions) });
  }
  console.log(`Kafka ${values.version} serves after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  for (const broker of cluster.brokers) {
    console.log(`broker ${broker.id}: ${broker.host}:${broker.port}, pid ${broker.pid}, ${broker.log}`);
  }
  console.log(`bootstrap servers: ${cluster.bootstrap}`);
  const idle = setInterval(() => {}, 1 << 30); // the brokers alone do not keep this process
  await stopped;
  clearInterval(idle);
}
