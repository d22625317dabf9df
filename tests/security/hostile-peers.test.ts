import { inspect } from 'node:util';
import { HostilePeer, hostilities } from '@kiel/mock-cluster';
import { createProducer, type DeliveryError, type ProducerOptions, type SaslOptions } from '@kiel/producer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Authority, type Certificate } from './certificates.ts';
import { Recorder } from './recorder.ts';
import { metadataOf, type Script, scriptedBroker } from './scripted-broker.ts';
import { secrets } from './secrets.ts';
import { plainPeer, tlsPeer } from './tls-peers.ts';

const sasl: SaslOptions = { mechanism: 'plain', username: 'alice', password: secrets.plainPassword };
/** Short limits: what must end, ends soon. */
const limits = {
  deliveryTimeoutMs: 1500,
  requestTimeoutMs: 300,
  connectionSetupTimeoutMs: 300,
  reconnectBackoffMs: 20,
  reconnectBackoffMaxMs: 200,
};

/** What a peer tells of itself. */
type Target = Pick<HostilePeer, 'port' | 'connections' | 'received'>;

let authority: Authority;
let certificate: Certificate;

beforeAll(() => {
  authority = new Authority();
  certificate = authority.issue({ name: 'broker', alternatives: ['DNS:localhost', 'IP:127.0.0.1'] });
});
afterAll(() => authority[Symbol.dispose]());

/**
 * What becomes of one record that is given to a producer with this peer as its only broker: its error, and all that
 * the producer said meanwhile, in which there is no secret.
 */
async function fate(
  peer: Target,
  options: Partial<ProducerOptions> = {},
): Promise<{ error: DeliveryError; said: string }> {
  const recorder = new Recorder();
  const started = performance.now();
  const producer = createProducer({ brokers: `localhost:${peer.port}`, ...limits, ...options, ...recorder.options });
  recorder.watch(producer);
  const error: DeliveryError = await producer.produce('orders', 'x').then(
    () => expect.unreachable('it was delivered'),
    (error) => error,
  );
  expect(performance.now() - started).toBeLessThan(10_000);
  await producer.close({ timeoutMs: 500 });
  expect(performance.now() - started).toBeLessThan(12_000);
  expect(error.name).toBe('DeliveryError');
  expect(error.code).toMatch(/^[A-Z_0-9]+$/);
  // 20 ms doubling to 200 ms leave room for some attempts in a second, not for a loop.
  expect(peer.connections).toBeGreaterThan(0);
  expect(peer.connections).toBeLessThan(40);
  recorder.note(error);
  expect(recorder.size).toBeGreaterThan(1000);
  expect(recorder.found()).toEqual([]);
  return { error, said: `${error.message}\n${inspect(error.cause)}\n${recorder.lines.join('\n')}` };
}

/** For a record that has to come some way, on a machine that may be busy, before it fails. */
const patient = { deliveryTimeoutMs: 4000 };

const sentInClear = (peer: Target) => Buffer.from(peer.received()).includes(secrets.plainPassword);

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

describe('a peer that speaks no Kafka', () => {
  test.concurrent.each(hostilities)('but %s: a typed error in time, and no credentials', async (hostility) => {
    await using peer = await HostilePeer.start(hostility);
    const { error } = await fate(peer, { sasl });
    expect(error.persisted).toBe('no');
    expect(sentInClear(peer)).toBe(false);
  });

  test.concurrent.each(['silence', 'a frame of two gigabytes', 'noise', 'trickle'] as const)(
    'but %s within TLS: a typed error in time, and no credentials',
    async (hostility) => {
      await using peer = await HostilePeer.start(hostility, certificate);
      await fate(peer, { sasl, tls: { ca: authority.ca } });
      expect(sentInClear(peer)).toBe(false);
    },
  );

  test.concurrent.each(hostilities)(
    'but %s where TLS is expected: a typed error in time, and no credentials',
    async (hostility) => {
      await using peer = await HostilePeer.start(hostility);
      const { error } = await fate(peer, { sasl, tls: { ca: authority.ca } });
      expect(error.persisted).toBe('no');
      expect(sentInClear(peer)).toBe(false);
    },
  );

  test.concurrent('and refuses every connection: few attempts, and an error with its address', async () => {
    const gone = await plainPeer();
    const { port } = gone;
    await gone[Symbol.asyncDispose]();
    const { options, lines } = new Recorder();
    const producer = createProducer({ brokers: `127.0.0.1:${port}`, ...limits, ...options });
    await expect(producer.produce('orders', 'x')).rejects.toThrow(`127.0.0.1:${port}`);
    await producer.close({ timeoutMs: 500 });
    expect(lines.filter((line) => line.includes('connection ended')).length).toBeLessThan(40);
  });
});

test('a peer that floods fills no memory', async () => {
  const before = process.memoryUsage().arrayBuffers;
  await using peer = await HostilePeer.start('a frame of two gigabytes');
  await fate(peer);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000);
});

describe('a peer that speaks Kafka and lies', () => {
  const one = (port: number) => metadataOf([{ nodeId: 1, host: 'localhost', port }]);

  test.concurrent.each<[string, Script]>([
    ['refuses every version without end', { ApiVersions: { errorCode: 35, apiKeys: [] } }],
    [
      'claims versions that cannot be',
      { ApiVersions: { errorCode: 0, apiKeys: [{ apiKey: 3, minVersion: 5, maxVersion: -5 }] } },
    ],
    ['knows no Metadata', { ApiVersions: { errorCode: 0, apiKeys: [] } }],
    ['knows no brokers', { Metadata: { brokers: [], clusterId: null, controllerId: -1, topics: [] } }],
    [
      'knows 20,000 brokers',
      { Metadata: metadataOf(Array.from({ length: 20_000 }, (_, nodeId) => ({ nodeId, host: 'h', port: 1 }))) },
    ],
    [
      'knows 9,999 brokers, and none is there',
      { Metadata: metadataOf(Array.from({ length: 9_999 }, (_, nodeId) => ({ nodeId, host: '127.0.0.1', port: 1 }))) },
    ],
    ['has a broker with no name', { Metadata: metadataOf([{ nodeId: 1, host: '', port: 9092 }]) }],
    ['has a broker at port 0', { Metadata: metadataOf([{ nodeId: 1, host: 'localhost', port: 0 }]) }],
    [
      'has a broker whose name forges log lines',
      { Metadata: metadataOf([{ nodeId: 1, host: 'a\nERROR b', port: 9092 }]) },
    ],
    ['answers Metadata with rubbish', { Metadata: bytes('00000010 00000001 ffffffffffffffffffffffff') }],
  ])('and %s: a typed error in time', async (_what, script) => {
    await using peer = await scriptedBroker(script);
    expect((await fate(peer, patient)).said).not.toContain('\nERROR');
  });

  test.concurrent('and numbers a partition so high that it would fill the memory', async () => {
    const topics = one(9092).topics;
    topics[0]!.partitions[0]!.partitionIndex = 2_147_483_647;
    await using peer = await scriptedBroker({ Metadata: { ...one(9092), topics } });
    expect((await fate(peer, patient)).said).toContain('lists a partition 2147483647');
  });

  test.concurrent.each<[string, NonNullable<Script[string]> | null]>([
    ['not at all', null],
    ['without the partition', { responses: [] }],
    ['to another request', bytes('00000004 7fffffff')],
  ])('and answers Produce %s: the record is possibly stored', async (_how, Produce) => {
    let port = 0;
    await using peer = await scriptedBroker({
      Metadata: () => one(port),
      InitProducerId: { errorCode: 0, producerId: 1n, producerEpoch: 0, throttleTimeMs: 0 },
      Produce,
    });
    port = peer.port;
    const { error } = await fate(peer, patient);
    expect(peer.requests).toContain('Produce');
    expect(error.persisted).toBe('possibly');
  });

  test.concurrent('and offers no end of SASL rounds: few of them', async () => {
    const endless = { errorCode: 0, errorMessage: null, authBytes: Buffer.from('more'), sessionLifetimeMs: 0n };
    await using peer = await scriptedBroker({
      SaslHandshake: { errorCode: 0, mechanisms: ['ECHO'] },
      SaslAuthenticate: endless,
    });
    const mechanism = {
      name: 'ECHO',
      async *authenticate() {
        let token: Uint8Array = new Uint8Array([1]);
        for (;;) token = yield token;
      },
    };
    // Sixteen rounds are to be cut by their number and not by the time they take.
    const setup = { connectionSetupTimeoutMs: 10_000, requestTimeoutMs: 10_000, deliveryTimeoutMs: 60_000 };
    const { error } = await fate(peer, { sasl: { mechanism }, ...setup });
    expect(error.message).toContain('did not end in 16 rounds');
    expect(peer.requests.filter((name) => name === 'SaslAuthenticate')).toHaveLength(16);
  });

  test.concurrent('and grants sessions of a millisecond: no storm of re-authentications', async () => {
    let port = 0;
    await using peer = await scriptedBroker({
      SaslHandshake: { errorCode: 0, mechanisms: ['PLAIN'] },
      SaslAuthenticate: { errorCode: 0, errorMessage: null, authBytes: new Uint8Array(0), sessionLifetimeMs: 1n },
      Metadata: () => one(port),
    });
    port = peer.port;
    await fate(peer, { sasl, ...patient });
    const rounds = peer.requests.filter((name) => name === 'SaslAuthenticate').length;
    expect(rounds).toBeGreaterThan(1);
    expect(rounds).toBeLessThan(100);
  });

  test.concurrent('and echoes the password in its refusal: it is not shown', async () => {
    const errorMessage = `wrong: ${secrets.plainPassword} ${Buffer.from(secrets.plainPassword).toString('base64')}`;
    await using peer = await scriptedBroker({
      SaslHandshake: { errorCode: 0, mechanisms: ['PLAIN'] },
      SaslAuthenticate: { errorCode: 58, errorMessage, authBytes: new Uint8Array(0) },
    });
    const { error } = await fate(peer, { sasl, deliveryTimeoutMs: 60_000 });
    expect(error.message).toContain('wrong: [redacted] [redacted]');
    // It was sent there, as PLAIN does: the recorder found it nowhere else.
    expect(sentInClear(peer)).toBe(true);
  });
});

describe('credentials and a cluster that points elsewhere', () => {
  const handshakes: Script = {
    SaslHandshake: { errorCode: 0, mechanisms: ['PLAIN'] },
    SaslAuthenticate: { errorCode: 0, errorMessage: null, authBytes: new Uint8Array(0) },
  };

  test.concurrent('never go to a peer whose certificate fails verification', async () => {
    using stranger = new Authority();
    const elsewhere = stranger.issue({ name: 'b', alternatives: ['DNS:localhost'] });
    await using outsider = await tlsPeer(elsewhere);
    await using peer = await scriptedBroker(
      { ...handshakes, Metadata: metadataOf([{ nodeId: 9, host: 'localhost', port: outsider.port }]) },
      certificate,
    );
    await fate(peer, { sasl, tls: { ca: authority.ca }, ...patient });
    expect(outsider.connections).toBeGreaterThan(0);
    expect(outsider.connections).toBeLessThan(40);
    expect(outsider.received()).toHaveLength(0);
    expect(peer.received().toString('latin1')).toContain(secrets.plainPassword);
  });

  test.concurrent('never go to an address that the allow-list forbids: nothing is connected to', async () => {
    await using outsider = await plainPeer();
    await using peer = await scriptedBroker({
      ...handshakes,
      Metadata: metadataOf([{ nodeId: 9, host: '127.0.0.1', port: outsider.port }]),
    });
    const { error } = await fate(peer, { sasl, allowedBrokers: ['*.kafka.example'], deliveryTimeoutMs: 60_000 });
    expect(error).toMatchObject({ code: 'ADDRESS_NOT_ALLOWED', retriable: false });
    expect(error.message).toContain(`node 9 at 127.0.0.1:${outsider.port}`);
    expect(outsider.connections).toBe(0);
  });

  test.concurrent('U09: an unreachable advertised address is told with its node and the bootstrap', async () => {
    await using peer = await scriptedBroker({ Metadata: metadataOf([{ nodeId: 9, host: '127.0.0.1', port: 1 }]) });
    const { said } = await fate(peer, patient);
    expect(said).toContain('advertised address 127.0.0.1:1 of node 9 is unreachable');
    expect(said).toContain(`bootstrap was localhost:${peer.port}`);
  });
});
