import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startKafka } from '../kafka/index.ts';

/**
 * `node --conditions=@kiel/source tools/chaos/exactly-once.ts [--version 4.4.0] [--records 100000]`: a worker writes
 * whole numbers and its place among them in transactions, while brokers and the worker itself are killed (SIGKILL).
 * Java reads back with read_committed: each number must be there once. Exit code 1 if not.
 */
const { values } = parseArgs({
  options: {
    version: { type: 'string', default: '4.4.0' },
    records: { type: 'string', default: '100000' },
    batch: { type: 'string', default: '100' },
  },
});
const records = Number(values.records);
const partitions = 6;
const topic = 'numbers';
const startedMs = performance.now();
const tell = (line: string): void => {
  process.stdout.write(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s  ${line}\n`);
};

const cluster = await startKafka({ version: values.version, brokers: 3 });
const counts = { workerKills: 0, brokerKills: 0, lives: 0, errors: 0 };
let reached = 0;
let isDone = false;
try {
  await cluster.createTopic(topic, { partitions, replicationFactor: 3, config: { 'min.insync.replicas': '2' } });
  const work = live();
  await Promise.all([work, harass()]);
  tell(`done: ${JSON.stringify(counts)}`);
  // One more is asked for than there should be, so it waits in vain in the end
  const { stdout } = await cluster.runTool(
    'consoleConsumer',
    [
      ...['--bootstrap-server', cluster.bootstrap, '--topic', topic, '--from-beginning'],
      ...['--isolation-level', 'read_committed', '--max-messages', String(records + 1), '--timeout-ms', '20000'],
    ],
    { mayFail: true, timeoutMs: 240_000 },
  );
  const lines = stdout.split('\n').filter((line) => line !== '');
  const seen = new Map<number, number>();
  for (const line of lines) seen.set(Number(line), (seen.get(Number(line)) ?? 0) + 1);
  let missing = 0;
  let twice = 0;
  for (let n = 0; n < records; n++) {
    const count = seen.get(n) ?? 0;
    if (count === 0) missing++;
    else if (count > 1) twice++;
  }
  const isRight = missing === 0 && twice === 0 && lines.length === records;
  process.stdout.write(
    `Kafka ${values.version}: read ${lines.length} of ${records}, missing ${missing}, twice ${twice}, ` +
      `workers killed ${counts.workerKills}, brokers killed ${counts.brokerKills}, errors met ${counts.errors}\n`,
  );
  process.exitCode = isRight ? 0 : 1;
} finally {
  await cluster.stop();
}

/** One worker after the other until all is written; some are killed in the midst of it. */
async function live(): Promise<void> {
  while (!isDone) {
    const ports = cluster.brokers.map(({ port }) => port).join(',');
    const args = [ports, topic, String(partitions), String(records), values.batch];
    const child = fork(new URL('exactly-once-worker.ts', import.meta.url), args, {
      execArgv: ['--conditions=@kiel/source'],
    });
    counts.lives++;
    const code = await lifeOf(child);
    if (code === 0) isDone = true;
  }
}

function lifeOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    child.on('message', (message: { began?: number; reached?: number; error?: string }) => {
      if (message.reached !== undefined) reached = message.reached;
      if (message.error !== undefined) {
        counts.errors++;
        tell(`worker ${counts.lives}: ${message.error}`);
      }
      if (message.began === undefined) return;
      tell(`worker ${counts.lives} begins at ${message.began}`);
      // The later ones are left alone in the end
      if (counts.workerKills >= 12) return;
      timer = setTimeout(
        () => {
          counts.workerKills++;
          child.kill('SIGKILL');
        },
        1_000 + Math.random() * 4_000,
      );
    });
    child.on('exit', (code) => {
      clearTimeout(timer);
      resolve(code);
    });
  });
}

/** Kills one broker after the other, and starts it again; each of them coordinates something. */
async function harass(): Promise<void> {
  for (let i = 0; !isDone; i++) {
    await sleep(3_000);
    if (isDone) return;
    const broker = cluster.brokers[i % cluster.brokers.length]!;
    await broker.kill();
    counts.brokerKills++;
    tell(`broker ${broker.id} killed, at ${reached}`);
    await sleep(2_000);
    await broker.start();
    await sleep(3_000);
  }
}
