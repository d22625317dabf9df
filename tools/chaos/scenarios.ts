import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaCluster } from '../kafka/index.ts';
import { clock, type Load } from './load.ts';
import { pictureOf, until, untilWhole } from './picture.ts';
import { describeRecovery, measureRecovery, type Recovery } from './recovery.ts';
import { recreateTopic } from './recreate.ts';

export interface Stage {
  readonly cluster: KafkaCluster;
  readonly load: Load;
  readonly replicas: number;
  /** How long `pause` freezes a broker. */
  readonly pauseMs: number;
  readonly recoveries: Recovery[];
  /** What went wrong apart from the judgement of the logs. */
  readonly faults: string[];
  /** Says what was seen. */
  readonly tell: (line: string) => void;
}

export type Scenario = (stage: Stage) => Promise<void>;

/** How long a state of the cluster is looked at before the next blow. */
const HOLD_MS = 2000;

async function settle({ cluster, load, replicas }: Stage): Promise<void> {
  const topics = load.books.map(({ topic }) => topic);
  await untilWhole(cluster, topics, replicas);
  const sinceMs = clock.now();
  await until('every producer delivers again', () => load.flowsSince(sinceMs));
}

async function loseAndRestart(stage: Stage, victims: KafkaCluster['brokers']): Promise<void> {
  for (const victim of victims) {
    const recovery = await measureRecovery(stage.cluster, stage.load, victim, () => victim.kill());
    stage.recoveries.push(recovery);
    stage.tell(describeRecovery(recovery));
    await sleep(HOLD_MS);
    await victim.start(120_000);
    await settle(stage);
  }
}

export const scenarios: Readonly<Record<string, Scenario>> = {
  /** SIGKILL and restart each broker in turn. */
  kill: (stage) => loseAndRestart(stage, stage.cluster.brokers),

  /** SIGKILL and restart the broker that leads the most. */
  async 'kill-one'(stage) {
    const { cluster, load } = stage;
    const topics = load.books.map(({ topic }) => topic);
    const places = await pictureOf(cluster, topics, cluster.brokers[0]!.id);
    const led = (id: number) => places.filter(({ leader }) => leader === id).length;
    await loseAndRestart(stage, [...cluster.brokers].sort((a, b) => led(b.id) - led(a.id)).slice(0, 1));
  },

  /** SIGSTOP: the sockets stay open and nothing answers; then it comes back as if nothing had been. */
  async pause(stage) {
    const victim = stage.cluster.brokers[1]!;
    const sinceMs = clock.now();
    const recovery = await measureRecovery(stage.cluster, stage.load, victim, () => victim.pause());
    stage.recoveries.push(recovery);
    stage.tell(describeRecovery(recovery));
    await sleep(Math.max(0, stage.pauseMs - (clock.now() - sinceMs)));
    victim.resume();
    await settle(stage);
  },

  /** A rolling restart, as an operator does it: each hands its leaders over, ends, and comes back. */
  async roll(stage) {
    for (const broker of stage.cluster.brokers) {
      await broker.stop(60_000);
      await sleep(HOLD_MS);
      await broker.start(120_000);
      await settle(stage);
    }
  },

  /** A rolling restart of the first broker alone. */
  async 'stop-one'(stage) {
    const broker = stage.cluster.brokers[0]!;
    await broker.stop(60_000);
    await sleep(HOLD_MS);
    await broker.start(120_000);
    await settle(stage);
  },

  /** Other replicas become the preferred leaders, and then the leaders; and again. */
  async leaders(stage) {
    await moveLeaders(stage, 1);
    await moveLeaders(stage, 2);
  },

  /** The same, once. */
  'leaders-once': (stage) => moveLeaders(stage, 1),

  /** A quota far below the load: brokers ask for pauses, and nothing may be lost over them. */
  async quota(stage) {
    const { cluster, load } = stage;
    const entity = ['--bootstrap-server', cluster.bootstrap, '--entity-type', 'clients', '--entity-name', 'chaos'];
    const before = load.throttled;
    await cluster.runTool('configs', ['--alter', ...entity, '--add-config', 'producer_byte_rate=20000']);
    try {
      await until('a producer is throttled', () => load.throttled > before);
      await sleep(5 * HOLD_MS);
    } finally {
      await cluster.runTool('configs', ['--alter', ...entity, '--delete-config', 'producer_byte_rate']);
    }
    stage.tell(`throttled ${load.throttled - before} times`);
    await settle(stage);
  },

  /** A topic of its own is deleted and created again under a producer's feet. */
  recreate: recreateTopic,
};

async function moveLeaders(stage: Stage, step: number): Promise<void> {
  const { cluster, load, replicas } = stage;
  const topics = load.books.map(({ topic }) => topic);
  const ids = cluster.brokers.map(({ id }) => id);
  const places = await pictureOf(cluster, topics, ids[0]!);
  const partitions = places.map(({ topic, partition }) => ({
    topic,
    partition,
    replicas: Array.from({ length: replicas }, (_, i) => ids[(partition + step + i) % ids.length]!),
  }));
  const file = join(cluster.folder, `reassignment-${step}.json`);
  writeFileSync(file, JSON.stringify({ version: 1, partitions }));
  const where = ['--bootstrap-server', cluster.bootstrap];
  const reassign = 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand';
  await cluster.run(reassign, [...where, '--reassignment-json-file', file, '--execute']);
  // Fails where all of the leaders are the preferred ones already, as they may be: the picture tells.
  const election = ['--election-type', 'preferred', '--all-topic-partitions'];
  await cluster.run('org.apache.kafka.tools.LeaderElectionCommand', [...where, ...election], { mayFail: true });
  await until('the preferred replicas lead', async () => {
    const now = await pictureOf(cluster, topics, ids[0]!);
    return partitions.every(({ topic, partition, replicas: [preferred] }) =>
      now.some((place) => place.topic === topic && place.partition === partition && place.leader === preferred),
    );
  });
  const moved = (await pictureOf(cluster, topics, ids[0]!)).map(({ leader }) => leader);
  stage.tell(`leaders moved by the admin tools, to ${moved.join(' ')}`);
  await settle(stage);
}
