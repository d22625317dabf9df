import { setTimeout as sleep } from 'node:timers/promises';
import { nodeCompressions } from '@kiel/codec/node';
import { verifyLogs } from '@kiel/mock-cluster';
import { askMetadata } from '../kafka/wire.ts';
import { bookOf, clock, Load } from './load.ts';
import { until } from './picture.ts';
import { readBack } from './read-back.ts';
import type { Stage } from './scenarios.ts';

let round = 0;

/**
 * Judged apart: what the old topic held is gone, whatever was acknowledged. Of the rest all promises hold: each record
 * settles once, none is there that was reported as not persisted, none twice, in order; and what was offered once
 * records flowed again is there.
 */
export async function recreateTopic(stage: Stage): Promise<void> {
  const { cluster, replicas } = stage;
  const topic = `recreated-${++round}`;
  const book = bookOf(topic, 3, { idempotent: true });
  const creation = { partitions: 3, replicationFactor: replicas };
  await cluster.createTopic(topic, creation);
  const plan = {
    name: 'recreated',
    topic,
    options: { lingerMs: 5, batchSize: 500 },
    valueBytes: 100,
    place: (n: number) => ({ partition: n % 3 }),
  };
  const load = new Load(cluster.bootstrap, [book], [plan], 300);
  load.start();
  let flowsSinceMs = Number.POSITIVE_INFINITY;
  try {
    await until('it delivers', () => load.flowsSince(0));
    await sleep(1000);
    await cluster.runTool('topics', ['--bootstrap-server', cluster.bootstrap, '--delete', '--topic', topic]);
    await until('the topic is gone', async () => {
      const pictures = await Promise.all(cluster.brokers.map(({ port }) => askMetadata(port, [topic])));
      return pictures.every(({ topics }) => topics[0]?.errorCode !== 0);
    });
    await sleep(1000);
    await cluster.createTopic(topic, creation);
    const createdMs = clock.now();
    await until('it delivers to the new topic', () => load.flowsSince(createdMs));
    flowsSinceMs = clock.now();
    await until('and goes on', () => load.flowsSince(flowsSinceMs));
    await sleep(1000);
  } finally {
    await load.stop();
  }
  judge(stage, topic, book.recorder, flowsSinceMs, await readBack(cluster, topic));
}

function judge(
  stage: Stage,
  topic: string,
  recorder: Load['books'][number]['recorder'],
  flowsSinceMs: number,
  logs: Awaited<ReturnType<typeof readBack>>,
): void {
  const compressions = nodeCompressions;
  const purged = verifyLogs(recorder, logs, { compressions, purgedTopics: new Set([topic]) });
  stage.tell(`${topic}: ${purged}`);
  if (!purged.ok) stage.faults.push(`${topic}: ${purged}`);
  const isLate = (id: number) => recorder.offered[id]!.atMs > flowsSinceMs;
  const late = verifyLogs(recorder, logs, { compressions }).violations.filter(({ records }) => records.some(isLate));
  for (const { kind, text } of late) stage.faults.push(`${topic}, after it was created again: ${kind}: ${text}`);
  const failedLate = recorder.reports.filter(({ id, outcome }) => outcome === 'failed' && isLate(id));
  if (failedLate.length > 0) stage.faults.push(`${topic}: ${failedLate.length} failed after records flowed again`);
}
