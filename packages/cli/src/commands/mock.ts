import {
  FaultSyntaxError,
  MockCluster,
  profileVersions,
  type RequestEntry,
  type TopicOptions,
} from '@kiel/mock-cluster';
import { codeOf, exitCodes, Failure, messageOf, usage } from '../failure.ts';
import { Interrupt } from '../terminal/interrupt.ts';
import type { Output, Terminal } from '../terminal/output.ts';
import { plural } from '../terminal/quantity.ts';

export interface MockFlags {
  port?: number;
  host: string;
  brokers: number;
  topic?: string[];
  version?: string;
  fault?: string[];
  autoCreate: boolean;
  log?: boolean;
}

/** Serves until Ctrl-C. */
export async function mock(flags: MockFlags, terminal: Terminal): Promise<number> {
  const { out } = terminal;
  using interrupt = new Interrupt(terminal, () => 'Stopping.');
  await using cluster = await start(flags);
  for (const sentence of flags.fault ?? []) addFault(cluster, sentence);
  out.line(`A mock of Kafka ${cluster.profile.version} is running. Point any client at it:`);
  out.line(`  ${out.paint('bold', cluster.brokers.join(','))}`);
  for (const { name, partitions } of cluster.topics()) out.line(`  topic ${name}, ${plural(partitions, 'partition')}`);
  for (const rule of cluster.rules) out.line(`  fault ${rule}`);
  out.line('Ctrl-C stops it; nothing is kept.');
  if (flags.log === true) cluster.observe({}, (entry) => logRequest(entry, out));
  await new Promise<void>((resolve) => {
    if (interrupt.happened) resolve();
    interrupt.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  return exitCodes.done;
}

async function start(flags: MockFlags): Promise<MockCluster> {
  const { port, host, version } = flags;
  const brokers = Array.from({ length: flags.brokers }, (_, index) =>
    port === undefined || port === 0 ? {} : { port: port + index },
  );
  try {
    return await MockCluster.start({
      brokers,
      host,
      topics: Object.fromEntries((flags.topic ?? []).map(readTopic)),
      autoCreateTopics: flags.autoCreate,
      ...(version === undefined ? {} : { version }),
    });
  } catch (error) {
    if (codeOf(error) === 'EADDRINUSE') {
      throw new Failure(`Port ${port} is taken${flags.brokers > 1 ? ', or one after it' : ''}.`, {
        hint: 'Choose another --port, or leave it out for free ones.',
      });
    }
    if (codeOf(error) === 'EADDRNOTAVAIL' || codeOf(error) === 'EACCES') {
      throw new Failure(`${host}:${port ?? 0} cannot be listened on (${codeOf(error)}).`);
    }
    if (error instanceof RangeError && version !== undefined) {
      throw usage(`There is no mock of Kafka ${version}.`, `There is ${profileVersions.join(', ')}.`);
    }
    throw error;
  }
}

/** `orders`, `orders:6`. */
function readTopic(text: string): [string, TopicOptions] {
  const [name = '', partitions = '1', ...rest] = text.split(':');
  const count = Number(partitions);
  if (!/^[\w.-]{1,249}$/.test(name) || rest.length > 0 || !Number.isInteger(count) || count < 1 || count > 100_000) {
    throw usage(`--topic ${text} is no topic.`, 'Write NAME or NAME:PARTITIONS, for example orders:6.');
  }
  return [name, { partitions: count }];
}

function addFault(cluster: MockCluster, sentence: string): void {
  try {
    cluster.fault(sentence);
  } catch (error) {
    if (error instanceof FaultSyntaxError || error instanceof RangeError || error instanceof TypeError) {
      throw usage(
        `--fault '${sentence}': ${messageOf(error)}`,
        "For example --fault 'Produce: 2 times, error NOT_LEADER_OR_FOLLOWER'.",
      );
    }
    throw error;
  }
}

function logRequest(entry: RequestEntry, out: Output): void {
  const { atMs, broker, api, version, correlationId, client, bytes, outcome, reason, faults, touched, answeredMs } =
    entry;
  const places = [...new Set(touched.map(({ topic, partition }) => `${topic}[${partition}]`))].slice(0, 6).join(' ');
  const took = answeredMs < 0 ? '' : `${(answeredMs - atMs).toFixed(1)} ms`;
  const parts = [
    out.paint('gray', `${(atMs / 1000).toFixed(3)} s`),
    `broker ${broker}`,
    out.paint('bold', api === null ? 'unreadable' : `${api} v${version}`),
    out.paint('gray', `id ${correlationId}`),
    `${bytes} B`,
    client === null ? '' : out.paint('gray', `from ${client}`),
    places,
    outcome === 'answered' ? took : out.paint('yellow', outcome),
    reason === null ? '' : out.paint('red', reason),
    faults.length === 0 ? '' : out.paint('magenta', `fault: ${faults.join('; ')}`),
  ];
  out.line(parts.filter((part) => part !== '').join('  '));
}
