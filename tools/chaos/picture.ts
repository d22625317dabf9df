import { setTimeout as sleep } from 'node:timers/promises';
import { isAtLeast, type KafkaCluster } from '../kafka/index.ts';
import { askMetadata } from '../kafka/wire.ts';
import { clock } from './load.ts';

export interface PartitionPlace {
  readonly topic: string;
  readonly partition: number;
  readonly leader: number;
  readonly isr: readonly number[];
}

/** Waits for something that must come; the limit is there to end a run that hangs, and asserts nothing. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, everyMs = 50): Promise<void> {
  const deadline = clock.now() + 180_000;
  while (!(await condition())) {
    if (clock.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await sleep(everyMs);
  }
}

/** The partitions of some topics as the broker with this id sees them. */
export async function pictureOf(
  cluster: KafkaCluster,
  topics: readonly string[],
  brokerId: number,
): Promise<PartitionPlace[]> {
  const broker = cluster.brokers.find(({ id }) => id === brokerId);
  if (broker === undefined) throw new Error(`no broker ${brokerId}`);
  const picture = await askMetadata(broker.port, topics);
  return picture.topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partition, leader, isr }) => ({ topic: name, partition, leader, isr })),
  );
}

/** Every partition has all of its replicas in sync again, and every broker says so. */
export function untilWhole(cluster: KafkaCluster, topics: readonly string[], replicas: number): Promise<void> {
  return until('all replicas are in sync', async () => {
    if (!isAtLeast(cluster.version, '0.9')) return isWholeInZooKeeper(cluster, topics, replicas);
    for (const { id } of cluster.brokers) {
      try {
        const places = await pictureOf(cluster, topics, id);
        const isWhole = places.every(({ isr, leader }) => isr.length === replicas && leader >= 0);
        if (places.length === 0 || !isWhole) return false;
      } catch {
        return false; // it has only just come back
      }
    }
    return true;
  });
}

/** Metadata of 0.8 goes on naming the in-sync replicas of the last election, whatever has come back since. */
async function isWholeInZooKeeper(
  cluster: KafkaCluster,
  topics: readonly string[],
  replicas: number,
): Promise<boolean> {
  const { stdout } = await cluster.runTool('topics', ['--zookeeper', cluster.zookeeper ?? '', '--describe']);
  const lines = stdout.split('\n').filter((line) => topics.some((topic) => line.includes(`\tTopic: ${topic}\t`)));
  return lines.length > 0 && lines.every((line) => /Isr: (.*)$/.exec(line)?.[1]?.split(',').length === replicas);
}
