import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MockCluster, SaslServer } from '../../packages/mock-cluster/src/index.ts';
import { Authority } from '../security/certificates.ts';
import { findKcat, runKcat } from './kcat.ts';

const kcat = findKcat();
const codecs = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

const bootstrap = (cluster: MockCluster) => cluster.brokers.join(',');

describe.skipIf(kcat === null)('kcat uses the embedded cluster', () => {
  const run = (args: readonly string[], input?: string) => runKcat(kcat!, args, input);

  test.each(Object.entries(codecs))(
    'its records come in the format and the %s it was told to use',
    async (name, codec) => {
      await using cluster = await MockCluster.start({ brokers: 3, topics: { orders: 3 } });
      const lines = Array.from({ length: 600 }, (_, i) => `ключ-${i % 9}:value ${i} ${'x'.repeat(40)}`);
      const place = ['-b', bootstrap(cluster), '-t', 'orders'];
      const produced = await run(['-P', ...place, '-K', ':', '-z', name, '-X', 'linger.ms=50'], lines.join('\n'));
      expect([produced.code, produced.stderr]).toEqual([0, '']);
      const batches = [0, 1, 2].flatMap((partition) => cluster.batches('orders', partition));
      // Without Fetch or FindCoordinator in its list librdkafka falls back to old formats, or to none, and says nothing.
      expect(new Set(batches.map((batch) => batch[16]))).toEqual(new Set([2]));
      expect(new Set(batches.map((batch) => batch[22]! & 7))).toEqual(new Set([codec]));
      expect(batches.reduce((size, batch) => size + batch.length, 0)).toBeLessThan(lines.join('').length / 2);
      const shown = cluster.log('orders').map(({ key, value }) => `${key}:${value}`);
      expect(shown.toSorted()).toEqual(lines.toSorted());
      const consumed = await run(['-C', ...place, '-e', '-q', '-f', '%k:%s\n', '-o', 'beginning']);
      expect(consumed.stdout.trim().split('\n').toSorted()).toEqual(lines.toSorted());
    },
  );

  test('an idempotent producer of it tries again after an error, and each record is there once, in order', async () => {
    await using cluster = await MockCluster.start({ topics: { orders: 1 } });
    cluster.fault('Produce: 1 times, error NOT_LEADER_OR_FOLLOWER');
    const lines = Array.from({ length: 300 }, (_, i) => `n${i}`);
    const args = ['-P', '-b', bootstrap(cluster), '-t', 'orders', '-X', 'enable.idempotence=true'];
    const { code, stderr } = await run(args, lines.join('\n'));
    expect(code, stderr).toBe(0);
    expect(cluster.log('orders', 0).map(({ value }) => value)).toEqual(lines);
    expect(cluster.log('orders', 0)[0]!.producerId).toBeGreaterThanOrEqual(0n);
    expect(cluster.requests({ api: 'Produce' }).length).toBeGreaterThan(1);
  });

  test('its listing shows the brokers, topics and leaders', async () => {
    await using cluster = await MockCluster.start({ brokers: 2, topics: { orders: 2 } });
    const { code, stdout } = await run(['-L', '-J', '-b', bootstrap(cluster)]);
    expect(code).toBe(0);
    const listing = JSON.parse(stdout) as { brokers: unknown[]; topics: { topic: string; partitions: unknown[] }[] };
    expect(listing.brokers).toHaveLength(2);
    expect(listing.topics.map(({ topic, partitions }) => [topic, partitions.length])).toEqual([['orders', 2]]);
  });

  test('as a group it reads every record once', async () => {
    await using cluster = await MockCluster.start({ topics: { orders: 2 } });
    const lines = Array.from({ length: 200 }, (_, i) => `n${i}`);
    await run(['-P', '-b', bootstrap(cluster), '-t', 'orders'], lines.join('\n'));
    const group = ['-G', 'readers', '-b', bootstrap(cluster), '-X', 'auto.offset.reset=earliest', '-q', '-c', '200'];
    const { stdout } = await run([...group, 'orders']);
    expect(stdout.trim().split('\n').toSorted()).toEqual(lines.toSorted());
  });
});

describe.skipIf(kcat === null)('kcat over TLS, by the OpenSSL of librdkafka', () => {
  let authority: Authority;
  let cluster: MockCluster;
  beforeAll(async () => {
    authority = new Authority();
    const { key, cert } = authority.issue({ name: 'broker', alternatives: ['IP:127.0.0.1'] });
    const sasl = new SaslServer({ users: { alice: 'wonder' } });
    cluster = await MockCluster.start({ topics: ['orders'], tls: { key, cert }, sasl });
  });
  afterAll(async () => {
    await cluster.stop();
    authority[Symbol.dispose]();
  });

  const secure = (password: string, caFile = authority.certificate.certFile) =>
    Object.entries({
      'security.protocol': 'sasl_ssl',
      'ssl.ca.location': caFile,
      'sasl.mechanisms': 'PLAIN',
      'sasl.username': 'alice',
      'sasl.password': password,
      'message.timeout.ms': '5000',
      'socket.timeout.ms': '4000',
    }).flatMap(([name, value]) => ['-X', `${name}=${value}`]);

  // Not with SCRAM: librdkafka 2.0, which Debian's kcat has, sends its nonce twice, which brokers have refused since
  // CVE-2024-56128, this cluster too.
  test('writes and reads as a user of PLAIN', async () => {
    const place = ['-b', bootstrap(cluster), '-t', 'secured', ...secure('wonder')];
    const produced = await runKcat(kcat!, ['-P', ...place, '-z', 'lz4'], 'one\ntwo\n');
    expect([produced.code, produced.stderr]).toEqual([0, '']);
    const consumed = await runKcat(kcat!, ['-C', ...place, '-e', '-q', '-o', 'beginning']);
    expect(consumed.stdout).toBe('one\ntwo\n');
  });

  test('a wrong password, and a certificate that it does not know, keep it out', async () => {
    const before = cluster.log('orders').length;
    const refusedWith = async (options: readonly string[]) => {
      const place = ['-b', bootstrap(cluster), '-t', 'orders', ...options];
      const { code, stderr } = await runKcat(kcat!, ['-P', ...place], 'one\n');
      expect(code).not.toBe(0);
      return stderr;
    };
    expect(await refusedWith(secure('wrong'))).toMatch(/[Aa]uthentication fail/);
    const stranger = new Authority();
    expect(await refusedWith(secure('wonder', stranger.certificate.certFile))).toMatch(/certificate verify fail/);
    stranger[Symbol.dispose]();
    expect(cluster.log('orders')).toHaveLength(before);
  });
});
