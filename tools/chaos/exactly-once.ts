import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createProducer } from '@kiel/producer';
import { startKafka } from '../kafka/index.ts';
import { committedIn, countNumbers, describeCount, outOfOrder } from './exactly-once-check.ts';
import { coordinatorPort } from './exactly-once-input.ts';
import { readBack } from './read-back.ts';

/**
 * `npm run chaos:transactions -- [--version 4.4.0] [--records 100000] [--rate 1000]`: a worker reads whole numbers from
 * one topic and writes them to another, with its group's offsets, in transactions. Meanwhile it and the coordinators
 * and leaders are killed (SIGKILL), and some workers only stopped, to come back when a younger one has their name.
 * Java's console consumer and this project's own reader then look for each number once. Exit code 1 if they do not
 * find it so, or if a stopped worker was not fenced.
 */
const { values } = parseArgs({
  options: {
    version: { type: 'string', default: '4.4.0' },
    records: { type: 'string', default: '100000' },
    batch: { type: 'string', default: '100' },
    rate: { type: 'string', default: '1000' },
  },
});
const records = Number(values.records);
const inputs = 3;
const outputs = 6;
const input = 'numbers';
const output = 'numbers-done';
const id = 'exactly-once';
const startedMs = performance.now();
const tell = (line: string): void => {
  process.stdout.write(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s  ${line}\n`);
};

const counts = {
  lives: 0,
  workersKilled: 0,
  workersStopped: 0,
  workersFenced: 0,
  transactionCoordinatorsKilled: 0,
  groupCoordinatorsKilled: 0,
  leadersKilled: 0,
  errorsMet: 0,
};
const faults: string[] = [];
let reached = 0;
let isDone = false;
const children = new Set<ChildProcess>();
const fencings: Promise<void>[] = [];
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

const cluster = await startKafka({
  version: values.version,
  brokers: 3,
  config: { 'min.insync.replicas': 2, 'transaction.state.log.min.isr': 2 },
});
try {
  for (const [topic, partitions] of [
    [input, inputs],
    [output, outputs],
  ] as const) {
    await cluster.createTopic(topic, { partitions, replicationFactor: 3 });
  }
  await fill();
  await Promise.all([live(), harass()]);
  await Promise.all(fencings);
  tell(`all is written: ${JSON.stringify(counts)}`);
  process.exitCode = (await judge()) ? 0 : 1;
} finally {
  await cluster.stop();
}

async function fill(): Promise<void> {
  await using producer = createProducer({ brokers: cluster.bootstrap.split(','), serializer: String, lingerMs: 20 });
  for (let n = 0; n < records; n++) {
    producer.produce(input, String(n), { partition: n % inputs });
    if (n % 10_000 === 9_999) await producer.flush();
  }
  await producer.flush();
  tell(`${records} records wait in "${input}"`);
}

/** One worker after the other until all is written. */
async function live(): Promise<void> {
  const progress = setInterval(() => tell(`${reached} of ${records}`), 10_000);
  while (!isDone) {
    const ports = cluster.brokers.map(({ port }) => port).join(',');
    const args = [ports, input, String(inputs), output, String(outputs), values.batch, values.rate];
    const child = fork(new URL('exactly-once-worker.ts', import.meta.url), args, {
      execArgv: ['--conditions=@kiel/source'],
    });
    children.add(child);
    child.once('exit', () => children.delete(child));
    if ((await lifeOf(child, ++counts.lives)) === 'done') isDone = true;
  }
  clearInterval(progress);
}

/** Resolves when the worker's time is over: it has done all, has ended, or was killed or stopped. */
function lifeOf(child: ChildProcess, life: number): Promise<'done' | 'over'> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const end = () => {
      if (counts.workersKilled <= counts.workersStopped) {
        counts.workersKilled++;
        tell(`worker ${life} is killed, at ${reached}`);
        child.kill('SIGKILL');
        return;
      }
      counts.workersStopped++;
      tell(`worker ${life} is stopped, at ${reached}`);
      child.kill('SIGSTOP');
      fencings.push(fenced(child, life));
      resolve('over');
    };
    child.on('message', (message: { began?: number; reached?: number; met?: string; ended?: string }) => {
      if (message.reached !== undefined) reached = Math.max(reached, message.reached);
      if (message.met !== undefined || message.ended !== undefined) counts.errorsMet++;
      if (message.met !== undefined) tell(`worker ${life} met ${message.met}`);
      if (message.ended !== undefined) tell(`worker ${life} ends: ${message.ended}`);
      if (message.began === undefined) return;
      tell(`worker ${life} begins at ${message.began}`);
      timer ??= setTimeout(end, 3_000 + Math.random() * 9_000);
    });
    child.once('exit', (code) => {
      clearTimeout(timer);
      resolve(code === 0 ? 'done' : 'over');
    });
  });
}

/** Lets a stopped worker go on once a younger one has its name and has worked: it must do no more, and say why. */
async function fenced(child: ChildProcess, life: number): Promise<void> {
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  let code = '';
  child.on('message', (message: { code?: string }) => {
    code = message.code ?? code;
  });
  const before = reached;
  while (!isDone && reached < before + 5 * Number(values.batch)) await sleep(200);
  child.kill('SIGCONT');
  const late = setTimeout(() => child.kill('SIGKILL'), 90_000);
  const status = await exit;
  clearTimeout(late);
  if (status === 3 && ['PRODUCER_FENCED', 'INVALID_PRODUCER_EPOCH', 'INVALID_PRODUCER_ID_MAPPING'].includes(code)) {
    counts.workersFenced++;
    tell(`worker ${life} came back and was fenced: ${code}`);
  } else {
    faults.push(`worker ${life} came back and ended with status ${status}, code "${code}"`);
  }
}

/** Kills one broker after the other, chosen by what it does for the worker, and starts it again. */
async function harass(): Promise<void> {
  for (let i = 0; !isDone; i++) {
    await sleep(4_000);
    if (isDone) return;
    const ports = cluster.brokers.map(({ port }) => port);
    const what = (['transactionCoordinators', 'groupCoordinators', 'leaders'] as const)[i % 3]!;
    const port =
      what === 'leaders'
        ? ports[((i / 3) % 3) | 0]!
        : await coordinatorPort(ports, what === 'groupCoordinators' ? 'group' : 'transaction', id);
    const broker = cluster.brokers.find((each) => each.port === port)!;
    await broker.kill();
    counts[`${what}Killed`]++;
    tell(`broker ${broker.id} is killed, of the ${what}, at ${reached}`);
    await sleep(2_000);
    await broker.start();
  }
}

async function judge(): Promise<boolean> {
  // One more is asked for than there should be, so it waits in vain in the end
  const { stdout } = await cluster.runTool(
    'consoleConsumer',
    [
      ...['--bootstrap-server', cluster.bootstrap, '--topic', output, '--from-beginning'],
      ...['--isolation-level', 'read_committed', '--max-messages', String(records + 1), '--timeout-ms', '30000'],
    ],
    { mayFail: true, timeoutMs: 300_000 },
  );
  const byJava = countNumbers(
    stdout.split('\n').filter((line) => line !== ''),
    records,
  );
  const logs = (await readBack(cluster, output)).map(committedIn);
  const byUs = countNumbers(
    logs.flatMap((log) => log.values),
    records,
  );
  const sum = (key: 'commits' | 'aborts' | 'open') => logs.reduce((total, log) => total + log[key], 0);
  const wrongOrder = logs.reduce((total, log) => total + outOfOrder(log.values, inputs), 0);
  tell(`markers: ${sum('commits')} of commits, ${sum('aborts')} of aborts; open transactions ${sum('open')}`);
  if (wrongOrder > 0) faults.push(`${wrongOrder} records lie out of order`);
  if (sum('open') > 0) faults.push(`${sum('open')} transactions are open`);
  for (const fault of faults) process.stdout.write(`fault: ${fault}\n`);
  const isExact = [byJava, byUs].every(
    ({ read, missing, twice, foreign }) => read === records && missing === 0 && twice === 0 && foreign === 0,
  );
  process.stdout.write(
    `Kafka ${values.version}, ${records} records: Java ${describeCount(byJava)}; own reader ${describeCount(byUs)}; ` +
      `workers killed ${counts.workersKilled}, fenced ${counts.workersFenced} of ${counts.workersStopped} stopped; ` +
      `killed: transaction coordinators ${counts.transactionCoordinatorsKilled}, ` +
      `group coordinators ${counts.groupCoordinatorsKilled}, leaders ${counts.leadersKilled}; ` +
      `${isExact && faults.length === 0 ? 'exactly once' : 'NOT exactly once'}\n`,
  );
  return isExact && faults.length === 0;
}
