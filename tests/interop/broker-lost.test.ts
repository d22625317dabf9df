import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type KafkaCluster, requireKafka, startKafka } from '../../tools/kafka/index.ts';
import { askMetadata } from '../../tools/kafka/wire.ts';
import { consumeByJava, firstDifference } from './java-tools.ts';
import { startKiel } from './kiel-command.ts';

const topic = 'orders';
const keys = 48;

/** Each line says which key it has and how many of that key came before it. */
const line = (i: number) => `key-${i % keys}\t${Math.floor(i / keys)} ${'x'.repeat(i % 50)}`;

/** The partitions' leaders as a broker that stays sees them. */
async function leaders(cluster: KafkaCluster, askedId: number): Promise<number[]> {
  const port = cluster.brokers.find(({ id }) => id === askedId)?.port ?? 0;
  const { topics } = await askMetadata(port, [topic]);
  return topics[0]?.partitions.map(({ leader }) => leader) ?? [];
}

/** The sum of all end offsets, by Java's own tool. */
async function storedCount(cluster: KafkaCluster, askedId: number): Promise<number> {
  const bootstrap = `127.0.0.1:${cluster.brokers.find(({ id }) => id === askedId)?.port}`;
  const { stdout } = await cluster.runTool('getOffsets', ['--bootstrap-server', bootstrap, '--topic', topic]);
  return stdout
    .trim()
    .split('\n')
    .reduce((sum, text) => sum + Number(text.split(':')[2]), 0);
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await sleep(100);
  }
}

describe.skipIf(!requireKafka())('kiel produce while a broker of three is lost', () => {
  test('killed and started again, nothing is lost, nothing is there twice, and the order holds', async () => {
    await using cluster = await startKafka({ version: '4.4.0', brokers: 3, config: { 'min.insync.replicas': 2 } });
    await cluster.createTopic(topic, { partitions: 6, replicationFactor: 3 });
    const [survivor, victim] = [cluster.brokers[0], cluster.brokers[1]];
    if (survivor === undefined || victim === undefined) throw new Error('three brokers were asked for');
    expect(await leaders(cluster, survivor.id)).toContain(victim.id);

    const args = ['produce', '-b', cluster.bootstrap, '-t', topic, '--key-separator', '\t', '--json', '-'];
    const { child, ended } = startKiel(args);
    let sent = 0;
    const feed = (count: number) => {
      const lines = Array.from({ length: count }, (_, i) => line(sent + i));
      sent += count;
      child.stdin.write(`${lines.join('\n')}\n`);
    };
    /** Keeps records flowing while something happens to the cluster. */
    const feedUntil = async (what: string, condition: () => Promise<boolean>) => {
      await until(what, async () => {
        feed(500);
        return condition();
      });
    };
    feed(5000);
    await until('records arrive', async () => (await storedCount(cluster, survivor.id)) > 1000);
    await victim.kill();
    await feedUntil('its partitions have other leaders', async () =>
      (await leaders(cluster, survivor.id)).every((leader) => leader !== victim.id && leader >= 0),
    );
    feed(5000);
    await Promise.all([victim.start(), feedUntil('it is back', async () => victim.isRunning)]);
    feed(5000);
    child.stdin.end();

    const { code, stdout, stderr } = await ended;
    expect(code, stderr + stdout).toBe(0);
    const properties = ['print.key=true'];
    const found = await consumeByJava(cluster, topic, sent, { properties, args: ['--timeout-ms', '20000'] });
    expect(found.length).toBe(sent);
    expect(await storedCount(cluster, survivor.id)).toBe(sent);
    for (let key = 0; key < keys; key++) {
      const expected = Array.from({ length: sent }, (_, i) => i)
        .filter((i) => i % keys === key)
        .map(line);
      const mine = found.filter((text) => text.startsWith(`key-${key}\t`));
      expect(firstDifference(mine, expected), `key ${key}`).toBeUndefined();
    }
  });
});
