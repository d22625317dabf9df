import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import {
  encodeRequest,
  encodeResponse,
  endTransactionMarker,
  FetchRequest,
  FetchResponse,
  MetadataRequest,
  MetadataResponse,
  ProduceRequest,
  ProduceResponse,
  RecordBatchBuilder,
  SaslAuthenticateRequest,
} from '@kiel/codec';
import { OffsetCommitKey, OffsetCommitValue } from '@kiel/codec/internal-topics';
import { afterAll, describe, expect, test } from 'vitest';
import { Conversation, type Seen } from '../src/decode/conversation.ts';
import { ethernetPacket, type PacketParts, pcapFile, pcapngFile, tcp } from './capture-maker.ts';
import { ended, runKiel, startKiel, untilOutput } from './run-kiel.ts';

const folder = mkdtempSync(join(tmpdir(), 'kiel-decode-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function batch(
  values: readonly string[],
  seal: Parameters<RecordBatchBuilder['seal']>[0] = {},
  timestampMs = 1_700_000_000_000,
): Uint8Array {
  const builder = new RecordBatchBuilder({ limitBytes: 1 << 20 });
  for (const [index, value] of values.entries()) builder.tryAppend(timestampMs + index, `k${index}`, value);
  return builder.seal(seal).slice();
}

const metadataRequest = encodeRequest({
  message: MetadataRequest,
  version: 12,
  correlationId: 1,
  clientId: 'probe',
  body: { topics: [{ name: 'orders' }] },
});
const metadataResponse = encodeResponse({
  message: MetadataResponse,
  version: 12,
  correlationId: 1,
  body: {
    brokers: [{ nodeId: 1, host: 'h', port: 9092 }],
    topics: [{ errorCode: 5, name: 'orders', partitions: [] }],
  },
});
const produceRequest = encodeRequest({
  message: ProduceRequest,
  version: 9,
  correlationId: 2,
  clientId: 'probe',
  body: {
    acks: -1,
    timeoutMs: 500,
    topicData: [{ name: 'orders', partitionData: [{ index: 3, records: batch(['first', 'ünïcode']) }] }],
  },
});
const produceResponse = encodeResponse({
  message: ProduceResponse,
  version: 9,
  correlationId: 2,
  body: {
    responses: [{ name: 'orders', partitionResponses: [{ index: 3, errorCode: 6, baseOffset: 2n ** 53n + 1n }] }],
  },
});

const client = { address: [10, 0, 0, 1], port: 51_000 };
const server = { address: [10, 0, 0, 2], port: 9092 };

/** A connection that opens, asks and answers; segments of `size` bytes, answers out of order at the end. */
function capturedConversation(size = 40): PacketParts[] {
  const packets: PacketParts[] = [];
  let timestampMs = 1_700_000_000_000;
  const add = (ip: Uint8Array) => packets.push({ timestampMs: timestampMs++, bytes: ethernetPacket(ip) });
  add(tcp(client, server, { sequence: 999, syn: true }));
  add(tcp(server, client, { sequence: 4_294_967_290, syn: true, ack: true }));
  const send = (from: typeof client, to: typeof client, start: number, bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length; at += size) {
      add(tcp(from, to, { sequence: (start + at) >>> 0, payload: bytes.subarray(at, at + size) }));
    }
  };
  send(client, server, 1000, Buffer.concat([metadataRequest, produceRequest]));
  const answers = packets.length;
  send(server, client, 4_294_967_291, Buffer.concat([metadataResponse, produceResponse]));
  [packets[answers], packets[answers + 1]] = [packets[answers + 1]!, packets[answers]!];
  return packets;
}

interface Row {
  readonly direction: string;
  readonly api: string;
  readonly version: number;
  readonly correlationId: number;
  readonly clientId: string;
  readonly latencyMs: number;
  readonly connection: { readonly id: number };
  readonly offset: number;
  readonly key: unknown;
  readonly value: unknown;
}

const objects = (text: string) =>
  text
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);

describe('captures', () => {
  test.each([
    ['pcap', pcapFile(capturedConversation(), { little: true })],
    ['pcapng', pcapngFile(capturedConversation(), { little: false, resolution: 9 })],
  ])('%s: requests are paired with their answers, one JSON object each', async (_, capture) => {
    const { code, stdout, stderr } = await runKiel(['decode', '--json', '-'], { input: capture });
    expect([code, stderr]).toEqual([0, expect.stringContaining('1 connection, 4 messages, 0 faults')]);
    const messages = objects(stdout);
    expect(
      messages.map(({ direction, api, version, correlationId }) => [direction, api, version, correlationId]),
    ).toEqual([
      ['request', 'Metadata', 12, 1],
      ['request', 'Produce', 9, 2],
      ['response', 'Metadata', 12, 1],
      ['response', 'Produce', 9, 2],
    ]);
    expect(messages[3]).toMatchObject({
      connection: { client: '10.0.0.1:51000', server: '10.0.0.2:9092' },
      body: { responses: [{ partitionResponses: [{ errorCode: 6, error: 'NOT_LEADER_OR_FOLLOWER (6)' }] }] },
    });
    expect(stdout).toContain('"baseOffset":9007199254740993');
    expect(messages[1]).toMatchObject({
      body: { topicData: [{ partitionData: [{ records: { batches: [{ count: 2, magic: 2 }] } }] }] },
    });
  });

  test('a line a message: times, sizes, topics, errors by name', async () => {
    const { stdout } = await runKiel([
      'decode',
      file('lines.pcap', pcapFile(capturedConversation(), { little: true })),
    ]);
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[1]).toMatch(
      /^2023-11-14 22:13:20\.\d+ {2}#1 {2}→ Produce v9 {2}id 2 {2}\d+ B {2}from probe {2}orders\[3\] {2}1 batch, 2 records$/,
    );
    expect(lines[2]).toMatch(/← Metadata v12 .* orders {2}LEADER_NOT_AVAILABLE \(5\)$/);
    expect(lines[3]).toMatch(/← Produce v9 .* ms {2}orders\[3\] {2}NOT_LEADER_OR_FOLLOWER \(6\)$/);
  });

  test('filters choose by API, topic and correlation id', async () => {
    const capture = file('filters.pcap', pcapFile(capturedConversation(), { little: true }));
    const apis = async (...flags: string[]) =>
      objects((await runKiel(['decode', '--json', ...flags, capture])).stdout).map((message) => message.api);
    expect(await apis('--api', 'producerequest')).toEqual(['Produce', 'Produce']);
    expect(await apis('--correlation', '1')).toEqual(['Metadata', 'Metadata']);
    expect(await apis('--topic', 'payments')).toEqual([]);
    const { code, stderr } = await runKiel(['decode', '--api', 'Produze', capture]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('There is Produce')]);
  });

  test('a lost segment costs its own message, is named, and the exit code says so', async () => {
    const packets = capturedConversation();
    packets.splice(4, 1);
    const { code, stdout } = await runKiel(['decode', '--json'], { input: pcapFile(packets, { little: true }) });
    expect(code).toBe(1);
    const messages = objects(stdout);
    expect(messages[0]).toMatchObject({ direction: 'request', api: 'Metadata' });
    expect(messages).toContainEqual(
      expect.objectContaining({ fault: 'bytes missing', problem: '40 bytes were not captured' }),
    );
    expect(messages.some((message) => message.api === 'Produce')).toBe(false);
  });

  test('a connection that is not Kafka’s is left out and counted; TLS on a broker’s port is named', async () => {
    const hello = Buffer.from([0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]);
    const other = (port: number, payload: Uint8Array) => {
      const to = { ...server, port };
      return [tcp(client, to, { sequence: 1, syn: true }), tcp(client, to, { sequence: 2, payload })].map((ip) => ({
        timestampMs: 1,
        bytes: ethernetPacket(ip),
      }));
    };
    const ssh = await runKiel(['decode'], {
      input: pcapFile(other(22, Buffer.from('SSH-2.0-OpenSSH_9.6\r\n')), { little: true }),
    });
    expect(ssh).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining("1 connection not Kafka's") });
    const tls = await runKiel(['decode'], { input: pcapFile(other(9092, hello), { little: true }) });
    expect(tls).toMatchObject({ code: 1, stdout: expect.stringContaining('TLS at byte 0') });
  });
});

describe('a capture of real traffic: kiel, Java and librdkafka with a Kafka 4.4.0', () => {
  const capture = fileURLToPath(new URL('captures/three-clients.pcap', import.meta.url));

  test('every frame is decoded and every answer finds its request', async () => {
    const { code, stdout, stderr } = await runKiel(['decode', '--json', '--records', capture]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^359 packets, 17 connections, 159 messages, 0 faults\n$/);
    const messages = objects(stdout);
    const open = new Set<string>();
    const clients = new Set<string>();
    for (const { direction, connection, correlationId, clientId, latencyMs } of messages) {
      const exchange = `${connection.id}/${correlationId}`;
      clients.add(clientId);
      if (direction === 'request') open.add(exchange);
      else expect([open.delete(exchange), latencyMs >= 0]).toEqual([true, true]);
    }
    expect([...clients].sort()).toEqual([
      'AddPartitionsManager-client-1',
      'broker-1-txn-marker-sender',
      'console-consumer',
      'console-producer',
      'kiel',
      'rdkafka',
    ]);
    const apis = new Set(messages.map((message) => message.api));
    for (const api of [
      'Produce',
      'Fetch',
      'JoinGroup',
      'OffsetCommit',
      'AddPartitionsToTxn',
      'EndTxn',
      'WriteTxnMarkers',
    ]) {
      expect(apis).toContain(api);
    }
  });

  test('a topic is found by its name where the request has only its id', async () => {
    const { stdout } = await runKiel(['decode', '--topic', 'orders', '--api', 'Produce', capture]);
    const produced = stdout.split('\n').filter((line) => line.includes('→ Produce v13'));
    expect(produced.length).toBeGreaterThan(0);
    for (const line of produced) expect(line).toMatch(/orders\[[01]\]/);
  });
});

describe('streams and frames', () => {
  test('two files of one connection are paired', async () => {
    const requests = file('client.bin', Buffer.concat([metadataRequest, produceRequest]));
    const responses = file('server.bin', Buffer.concat([metadataResponse, produceResponse]));
    const { code, stdout } = await runKiel(['decode', requests, '--responses', responses]);
    expect(code).toBe(0);
    expect(stdout.split('\n').filter((line) => line.startsWith('←'))).toHaveLength(2);
  });

  test('hex and base64 on standard input; the tree shows every field', async () => {
    const hex = Buffer.from(produceRequest).toString('hex');
    const { stdout } = await runKiel(['decode', '--records'], { input: hex });
    expect(stdout).toContain('transactionalId: null');
    expect(stdout).toContain('"k1" "ünïcode"');
    const base64 = await runKiel(['decode', '--records'], { input: Buffer.from(produceRequest).toString('base64') });
    expect(base64.stdout).toBe(stdout);
  });

  test('an answer alone is decoded when told what it answers, and asks for that otherwise', async () => {
    const input = Buffer.from(produceResponse).toString('hex');
    const told = await runKiel(['decode', '--as', 'response', '--api', 'Produce', '--api-version', '9'], { input });
    expect(told).toMatchObject({ code: 0, stdout: expect.stringContaining('NOT_LEADER_OR_FOLLOWER (6)') });
    const untold = await runKiel(['decode', '--as', 'response'], { input });
    expect(untold).toMatchObject({ code: 2, stderr: expect.stringContaining('--api-version') });
  });

  test('damage is shown at its byte with the bytes around it', async () => {
    const broken = Buffer.from(produceRequest);
    // The length of the topic's name: longer than what is left.
    const nameAt = broken.indexOf('orders') - 1;
    broken[nameAt] = 0xf0;
    const { code, stdout } = await runKiel(['decode'], { input: broken });
    expect(code).toBe(1);
    expect(stdout).toContain('damaged: ProduceRequest v9, topicData[0].name');
    expect(stdout).toMatch(/ \^\^\n/);
  });

  test('passwords are hidden unless asked for', async () => {
    const input = encodeRequest({
      message: SaslAuthenticateRequest,
      version: 2,
      correlationId: 1,
      clientId: null,
      body: { authBytes: Buffer.from('\0me\0s3cret') },
    });
    const hidden = await runKiel(['decode', '--tree'], { input });
    expect(hidden.stdout).toContain('authBytes: (10 bytes, hidden)');
    expect((await runKiel(['decode', '--json'], { input })).stdout).not.toContain(
      Buffer.from('s3cret').toString('base64').slice(0, 6),
    );
    expect((await runKiel(['decode', '--tree', '--show-secrets'], { input })).stdout).toContain(
      Buffer.from('s3cret').toString('hex'),
    );
  });

  test('tokens after SaslHandshake v0 are known as such, and Kafka goes on after them', () => {
    const conversation = new Conversation({ connection: null, hasTime: false, fromStart: true });
    const framed = (bytes: Uint8Array) => {
      const size = Buffer.alloc(4);
      size.writeInt32BE(bytes.length);
      return Buffer.concat([size, bytes]);
    };
    const names = (seen: Seen[]) => seen.map((each) => (each.kind === 'message' ? each.message.api : each.fault.fault));
    const handshake = framed(Buffer.from([0, 17, 0, 0, 0, 0, 0, 9, 255, 255, 0, 5, ...Buffer.from('PLAIN')]));
    expect(names(conversation.accept('client', handshake, 0))).toEqual(['SaslHandshake']);
    expect(names(conversation.accept('server', framed(Buffer.from([0, 0, 0, 9, 0, 0, 0, 0, 0, 0])), 0))).toEqual([
      'SaslHandshake',
    ]);
    expect(names(conversation.accept('client', framed(Buffer.from('\0me\0s3cret')), 0))).toEqual(['SASL token']);
    expect(names(conversation.accept('server', framed(Buffer.from([0, 0, 0, 0])), 0))).toEqual(['SASL token']);
    expect(names(conversation.accept('client', metadataRequest, 0))).toEqual(['Metadata']);
  });

  test('a Fetch whose last batch is cut off is no damage', async () => {
    const records = Buffer.concat([batch(['a', 'b']), batch(['c']).subarray(0, 40)]);
    const request = encodeRequest({
      message: FetchRequest,
      version: 12,
      correlationId: 5,
      clientId: 'c',
      body: {
        maxWaitMs: 1,
        minBytes: 1,
        topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 99 }] }],
      },
    });
    const response = encodeResponse({
      message: FetchResponse,
      version: 12,
      correlationId: 5,
      body: {
        responses: [{ topic: 'orders', partitions: [{ partitionIndex: 0, errorCode: 0, highWatermark: 3n, records }] }],
      },
    });
    const { code, stdout } = await runKiel([
      'decode',
      file('f1', request),
      '--tree',
      '--responses',
      file('f2', response),
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain('40 bytes of a batch that is cut off');
  });
});

describe('log segments', () => {
  const at = (baseOffset: bigint, values: string[], seal = {}) =>
    batch(values, { baseOffset, partitionLeaderEpoch: 4, ...seal });
  const whole = [at(100n, ['a', 'b']), at(102n, ['c'], { producerId: 7n, producerEpoch: 1, baseSequence: 0 })];

  function segment(topic: string, log: Uint8Array, indexes: Record<string, Uint8Array> = {}): string {
    const place = join(folder, `${topic}-0`);
    mkdirSync(place, { recursive: true });
    for (const [extension, bytes] of Object.entries(indexes))
      writeFileSync(join(place, `00000000000000000100.${extension}`), bytes);
    const path = join(place, '00000000000000000100.log');
    writeFileSync(path, log);
    return path;
  }

  test('each batch and each record, with its indexes checked', async () => {
    const index = Buffer.alloc(16);
    index.writeInt32BE(2, 0);
    index.writeInt32BE(whole[0]!.length, 4);
    const time = Buffer.alloc(12);
    time.writeBigInt64BE(1_700_000_000_001n);
    time.writeInt32BE(1, 8);
    const path = segment('orders', Buffer.concat(whole), { index, timeindex: time });
    const { code, stdout } = await runKiel(['decode', path, '--records']);
    expect(code).toBe(0);
    expect(stdout).toContain('0  batch 100…101  magic 2  2 records');
    expect(stdout).toContain('producer 7 epoch 1 sequence 0');
    expect(stdout).toContain('102  2023-11-14 22:13:20.000  "k0" "c"');
    expect(stdout).toContain('2 batches, 3 records, 0 faults; .index and .timeindex checked');
    const json = objects((await runKiel(['decode', path, '--json'])).stdout);
    expect(json.map(({ offset, key, value }) => [offset, key, value])).toEqual([
      [100, 'k0', 'a'],
      [101, 'k1', 'b'],
      [102, 'k0', 'c'],
    ]);
  });

  test('a log above offset 2^32 is known by its name, and by its bytes where it has none', async () => {
    const log = Buffer.concat([at(0x1_0000_0001n, ['a', 'b']), at(0x1_0000_0003n, ['c'])]);
    const path = join(folder, '00000000004294967297.log.deleted');
    writeFileSync(path, log);
    for (const [args, input] of [
      [[path], ''],
      [[], log],
    ] as const) {
      const { code, stdout } = await runKiel(['decode', ...args, '--json'], { input });
      expect(code).toBe(0);
      expect(objects(stdout).map(({ offset }) => offset)).toEqual([4294967297, 4294967298, 4294967299]);
    }
  });

  test('an index that does not fit is a fault and sets the exit code', async () => {
    const index = Buffer.alloc(8);
    index.writeInt32BE(2, 0);
    index.writeInt32BE(7, 4);
    const { code, stdout } = await runKiel(['decode', segment('misindexed', Buffer.concat(whole), { index })]);
    expect(code).toBe(1);
    expect(stdout).toContain('.index, byte 0: entry 0 (offset 102, position 7) points into the middle of a batch');
  });

  test('a flipped bit is named, the batches around it are shown, and a cut end says how much is there', async () => {
    const broken = Buffer.concat([...whole, at(103n, ['d']), at(104n, ['e']).subarray(0, 50)]);
    broken[whole[0]!.length + 70]! ^= 1;
    const { code, stdout } = await runKiel(['decode', segment('broken', broken)]);
    expect(code).toBe(1);
    expect(stdout).toContain('batch 102: the checksum is');
    expect(stdout).toContain('batch 103…103');
    expect(stdout).toMatch(/the segment ends after 50 bytes of a batch of \d+ bytes/);
  });

  test('committed offsets and transaction markers are decoded', async () => {
    const int16 = (value: number) => Buffer.from([value >> 8, value & 255]);
    const builder = new RecordBatchBuilder({ limitBytes: 4096 });
    const key = OffsetCommitKey.encode({ group: 'billing', topic: 'orders', partition: 5 }, OffsetCommitKey.minVersion);
    const value = OffsetCommitValue.encode({ offset: 2n ** 60n, metadata: '', commitTimestamp: 1n }, 3);
    builder.tryAppend(1, Buffer.concat([int16(1), key]), Buffer.concat([int16(3), value]));
    const marker = new RecordBatchBuilder({ limitBytes: 4096 });
    const commit = endTransactionMarker('commit', 12);
    marker.tryAppend(2, commit.key, commit.value);
    const log = Buffer.concat([
      builder.seal({ baseOffset: 100n }),
      marker.seal({ baseOffset: 101n, control: true, transactional: true, producerId: 9n, producerEpoch: 0 }),
    ]);
    const { code, stdout } = await runKiel(['decode', segment('__consumer_offsets', log), '--json']);
    expect(code).toBe(0);
    const [offset, end] = stdout.trim().split('\n');
    expect(offset).toContain('"group":"billing"');
    expect(offset).toContain('"offset":1152921504606846976');
    expect(objects(end!)[0]).toMatchObject({ decoded: { control: { type: 'commit', coordinatorEpoch: 12 } } });
  });
});

test('--follow decodes what is added to a capture', async () => {
  const whole = pcapFile(capturedConversation(), { little: true });
  const path = file('growing.pcap', whole.subarray(0, 400));
  const child = startKiel(['decode', '--json', '--follow', path]);
  const result = ended(child);
  await untilOutput(child, 'stdout', '"api":"Metadata"');
  const last = untilOutput(child, 'stdout', /"direction":"response".*"api":"Produce"/);
  appendFileSync(path, whole.subarray(400));
  await last;
  child.kill('SIGINT');
  expect(await result).toMatchObject({ code: 130, stdout: expect.stringMatching(/^(\{.*\}\n){4}$/) });
}, 60_000);

describe('what cannot be decoded', () => {
  test.each([
    ['nothing at all', '', 1, 'the input is empty'],
    ['prose', 'hello, world! this is no Kafka.', 1, 'no capture, no log segment, and no request'],
    ['half a byte', '00000', 2, '5 digits'],
    ['what is compressed', gzipSync('a capture'), 1, 'gzip -dc FILE | kiel decode'],
    ['what is compressed otherwise', zstdCompressSync('a capture'), 1, 'compressed with zstd'],
  ])('%s: one line says so', async (_, input, code, text) => {
    const refused = await runKiel(['decode'], { input });
    expect(refused).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(text) });
    expect(refused.stderr.trim().split('\n').length).toBeLessThanOrEqual(2);
  });

  test('a missing file, a folder', async () => {
    expect(await runKiel(['decode', join(folder, 'nope')])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no such file'),
    });
    expect(await runKiel(['decode', folder])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('it is a folder'),
    });
  });
});
