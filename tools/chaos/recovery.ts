import type { Broker, KafkaCluster } from '../kafka/index.ts';
import { clock, type Load } from './load.ts';
import { pictureOf, until } from './picture.ts';

/** How the loss of a broker was lived through, all in milliseconds since it was lost. */
export interface Recovery {
  readonly broker: number;
  /** Partitions that it led. */
  readonly partitions: number;
  /** When the cluster itself had named new leaders for all of them, as a surviving broker told over Metadata. */
  readonly electedMs: number;
  /** When a record had been acknowledged again in the last of them. */
  readonly recoveredMs: number;
}

/** Loses a broker by `lose`, and sees how long the cluster and then the producers need to go on without it. */
export async function measureRecovery(
  cluster: KafkaCluster,
  load: Load,
  victim: Broker,
  lose: () => void | Promise<void>,
): Promise<Recovery> {
  const survivor = cluster.brokers.find((broker) => broker !== victim && broker.isRunning);
  if (survivor === undefined) throw new Error('no broker would be left');
  const topics = load.books.map(({ topic }) => topic);
  const led = (await pictureOf(cluster, topics, survivor.id)).filter(({ leader }) => leader === victim.id);
  const lostMs = clock.now();
  await lose();
  const isOrphan = ({ leader }: { leader: number }) => leader === victim.id || leader < 0;
  await until(
    `broker ${victim.id} is replaced`,
    async () => !(await pictureOf(cluster, topics, survivor.id)).some(isOrphan),
    20,
  );
  const electedMs = clock.now() - lostMs;
  // What the lost broker had answered may still come in for a moment; half way to the election it is over.
  const quietMs = lostMs + electedMs / 2;
  const recoveredAt = () => led.map(({ topic, partition }) => load.firstAckAfter(topic, partition, quietMs));
  await until(`records reach all ${led.length} partitions again`, () => recoveredAt().every(Number.isFinite), 20);
  const recoveredMs = Math.max(...recoveredAt(), lostMs) - lostMs;
  return { broker: victim.id, partitions: led.length, electedMs, recoveredMs };
}

export function describeRecovery({ broker, partitions, electedMs, recoveredMs }: Recovery): string {
  const ratio = (recoveredMs / electedMs).toFixed(2);
  return (
    `broker ${broker} led ${partitions} partitions: the cluster elected in ${seconds(electedMs)}, ` +
    `records were acknowledged in all of them after ${seconds(recoveredMs)}: ${seconds(recoveredMs - electedMs)} later, ` +
    `ratio ${ratio}`
  );
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
