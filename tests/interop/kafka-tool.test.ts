import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { requireKafka, startKafka } from '../../tools/kafka/index.ts';
import { askMetadata, RawConnection, request } from '../../tools/kafka/wire.ts';

const index = fileURLToPath(new URL('../../tools/kafka/index.ts', import.meta.url));

const isAlive = (pid: number) => spawnSync('kill', ['-0', String(pid)]).status === 0;

async function untilGone(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (condition() && performance.now() < deadline) await sleep(50);
}

describe.skipIf(!requireKafka())('the tool that starts real brokers', () => {
  test('no broker and no file outlives a process that was killed outright', async () => {
    const program = `
      import { startKafka } from ${JSON.stringify(index)};
      const kafka = await startKafka({ version: '4.4.0' });
      console.log(JSON.stringify({ pid: kafka.brokers[0].pid, folder: kafka.folder }));
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: parent.stdout });
    const first = await lines[Symbol.asyncIterator]().next();
    const { pid, folder } = JSON.parse(first.value ?? '{}') as { pid: number; folder: string };
    expect([isAlive(pid), existsSync(folder)]).toEqual([true, true]);
    parent.kill('SIGKILL');
    await untilGone(() => isAlive(pid) || existsSync(folder));
    expect([isAlive(pid), existsSync(folder)]).toEqual([false, false]);
  });

  test('a broker can be paused, and keeps its port and data when it is stopped or killed and started again', async () => {
    await using kafka = await startKafka({ version: '4.4.0' });
    const broker = kafka.brokers[0];
    if (broker === undefined) throw new Error('one broker was asked for');
    const { port, pid } = broker;
    await kafka.createTopic('kept', { partitions: 3 });

    const connection = await RawConnection.open(port);
    broker.pause();
    connection.send(request(18, 0, 1));
    expect(await connection.frame(500)).toBeNull();
    expect(connection.ending).toBeUndefined();
    broker.resume();
    expect(await connection.frame()).not.toBeNull();
    connection.close();

    await broker.stop();
    await expect(askMetadata(port)).rejects.toThrow('ECONNREFUSED');
    await broker.start();
    await broker.kill();
    await broker.start();
    expect(broker.pid).not.toBe(pid);
    const { topics } = await askMetadata(port, ['kept']);
    expect(topics[0]?.partitions.length).toBe(3);
  });

  test('a broker that cannot start is told of with its own words', async () => {
    const start = startKafka({ version: '4.4.0', config: { 'log.segment.bytes': 'many' } });
    await expect(start).rejects.toThrow(/ended while starting[\s\S]*log\.segment\.bytes/);
  });
});

describe('where Java is missing', () => {
  const ask = (env: Record<string, string>) =>
    spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { requireKafka } from ${JSON.stringify(index)}; console.log(requireKafka());`,
      ],
      {
        encoding: 'utf8',
        env: { PATH: '/nowhere', ...env },
      },
    );

  test('suites are skipped with a line in capitals', () => {
    const { stdout, stderr } = ask({});
    expect(stdout.trim()).toBe('false');
    expect(stderr).toContain('NO REAL KAFKA HERE, ITS TESTS ARE SKIPPED: MISSING JAVA AND MVN');
  });

  test('with CI=true that is a failure', () => {
    const { status, stderr } = ask({ CI: 'true' });
    expect(status).not.toBe(0);
    expect(stderr).toContain('MISSING JAVA AND MVN');
  });
});
