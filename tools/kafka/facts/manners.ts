import { RawConnection, raw } from '../wire.ts';
import { type ApiRange, apiVersionsRequest } from './ranges.ts';
import { batch, oldMessage } from './records.ts';

/** What a broker did with something odd. */
export interface Manner {
  /** `closes` covers a reset; `waits`: nothing came within the time and the connection stayed. */
  does: 'answers' | 'closes' | 'waits';
  /** The error code in the answer, where it has one place for it. */
  code?: number;
  /** The answer after its correlation id, where its shape is the point. */
  bodyHex?: string;
  /** How many answers came, where several requests were sent. */
  answered?: number;
}

const { int8, int16, int32, string } = raw;
const value = Buffer.from('kiel');

/** Sends each oddity on a connection of its own. The topic `facts` must be there, with one partition and no records. */
export async function askManners(port: number, apis: readonly ApiRange[]): Promise<Record<string, Manner>> {
  const rangeOf = (key: number) => apis.find((api) => api.key === key) ?? { key, min: 0, max: -1 };
  const produceMax = rangeOf(0).max;
  // The newest Produce, Fetch and Metadata of the plain encoding that this broker has, up to the ones that 4.x keeps.
  const produceVersion = Math.min(produceMax, 3);
  const fetchVersion = Math.min(rangeOf(1).max, 4);
  const hasBatches = produceVersion >= 3;
  const good = hasBatches ? batch(value) : oldMessage(0, value);
  const hasApiVersions = rangeOf(18).max >= 0;
  const manners: Record<string, Manner> = {};
  const ask = async (name: string, bytes: Uint8Array, read: (frame: Buffer) => Partial<Manner> = () => ({})) => {
    manners[name] = await exchange(port, bytes, read);
  };

  await ask('frame of size 0', int32(0));
  await ask('frame of negative size', int32(-1));
  await ask('frame of 2147483647 bytes', int32(0x7fffffff));
  await ask('frame one byte over the limit', int32(104_857_601));
  await ask('HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'));
  await ask('TLS hello', Buffer.from('16030100c8010000c40303', 'hex'));
  await ask('garbage in a frame', Buffer.concat([int32(32), Buffer.alloc(32, 0xa5)]));
  await ask('frame of two bytes', Buffer.concat([int32(2), int16(18)]));
  await ask('half a frame', Buffer.concat([int32(100), int16(3), int16(0), int32(1)]));
  await ask('unknown API 999', header(999, 0));
  await ask('negative API', header(-1, 0));

  await ask('ApiVersions 0', apiVersionsRequest(0), topCode);
  await ask('ApiVersions one version too new', apiVersionsRequest(Math.max(rangeOf(18).max, 0) + 1), withBody);
  await ask('ApiVersions 99', apiVersionsRequest(99), withBody);
  if (rangeOf(18).max >= 3) {
    await ask('ApiVersions 3 with a client name of a space', apiVersionsRequest(3, ' ', '1'), topCode);
    await ask('ApiVersions 3 with a client name that has an @', apiVersionsRequest(3, 'a@b', '1'), topCode);
    await ask('ApiVersions 3 with an empty client version', apiVersionsRequest(3, 'kiel', ''), topCode);
    await ask('ApiVersions 3 with the body of version 0', header(18, 3), topCode);
  }
  if (hasApiVersions) {
    manners['two requests at once'] = await askTwice(port, apiVersionsRequest(0));
  }

  const metadata = (version: number, ...topics: string[]) =>
    header(3, version, int32(topics.length), ...topics.map(string), ...(version >= 4 ? [int8(0)] : []));
  await ask('Metadata one version too new', header(3, rangeOf(3).max + 1, int32(0)));
  await ask('Metadata 0 of an unknown topic', metadata(0, 'nowhere'), metadataTopicCode);
  await ask('Metadata 0 of a topic name with a space', metadata(0, 'a b'), metadataTopicCode);
  await ask('Metadata 0 of an empty topic name', metadata(0, ''), metadataTopicCode);
  await ask('Metadata 0 with a byte too many', header(3, 0, int32(0), int8(1)));
  await ask('Metadata 0 cut in the body', header(3, 0, int32(1), int16(5)));

  const produce = (records: Buffer, change: Partial<ProduceShape> = {}) =>
    produceRequest({ version: produceVersion, acks: 1, topic: 'facts', partition: 0, records, ...change });
  for (const version of [0, 1, 2].filter((version) => version <= produceMax)) {
    const magic = version < 2 ? 0 : 1;
    await ask(`Produce ${version}`, produce(oldMessage(magic, value), { version }), produceCode(version));
  }
  await ask('Produce one version too new', header(0, produceMax + 1, Buffer.alloc(40)));
  const asked = (name: string, bytes: Buffer) => ask(name, bytes, produceCode(produceVersion));
  await asked('Produce', produce(good));
  await asked('Produce with acks -1', produce(good, { acks: -1 }));
  await asked('Produce with acks 2', produce(good, { acks: 2 }));
  await asked('Produce with acks -2', produce(good, { acks: -2 }));
  await asked('Produce with acks 0', produce(good, { acks: 0 }));
  await asked('Produce with acks 0 to an unknown topic', produce(good, { acks: 0, topic: 'nowhere' }));
  await asked('Produce to an unknown topic', produce(good, { topic: 'nowhere' }));
  await asked('Produce to a topic name with a space', produce(good, { topic: 'a b' }));
  await asked('Produce to an unknown partition', produce(good, { partition: 7 }));
  await asked('Produce to a negative partition', produce(good, { partition: -1 }));
  await asked('Produce of no records', produce(Buffer.alloc(0)));
  await asked('Produce of null records', produce(good, { recordsLength: -1, records: Buffer.alloc(0) }));
  const damaged = hasBatches ? batch(value, { wrongCrc: true }) : oldMessage(0, value, { crc: true });
  await asked('Produce with a wrong checksum', produce(damaged));
  const large = Buffer.alloc(1_100_000);
  await asked('Produce over the greatest message size', produce(hasBatches ? batch(large) : oldMessage(0, large)));
  await asked('Produce cut in the records', produce(good.subarray(0, good.length - 3)));
  if (hasBatches) {
    await asked('Produce 3 of an old message', produce(oldMessage(1, value)));
    await asked('Produce 3 of two batches', produce(Buffer.concat([good, batch(value, { baseOffset: 1n })])));
    await asked('Produce 3 with magic 3', produce(batch(value, { magic: 3 })));
    await asked('Produce 3 with a record count of 2 for one record', produce(batch(value, { count: 2 })));
    await asked('Produce 3 with a last offset delta of 5', produce(batch(value, { lastOffsetDelta: 5 })));
    await asked('Produce 3 with base offset 100', produce(batch(value, { baseOffset: 100n })));
    await asked('Produce 3 of zstd', produce(batch(value, { attributes: 4 })));
    await asked('Produce 3 with compression 7', produce(batch(value, { attributes: 7 })));
    await asked('Produce 3 of a control batch', produce(batch(value, { attributes: 0x30 })));
    const stranger = { producerId: 4242n, epoch: 0 };
    await asked('Produce 3 of an unknown producer at sequence 0', produce(batch(value, { ...stranger, sequence: 0 })));
    const second = { producerId: 4243n, epoch: 0, sequence: 9 };
    await asked('Produce 3 of an unknown producer at sequence 9', produce(batch(value, second)));
  }

  const fetch = (change: Partial<FetchShape> = {}) =>
    fetchRequest({ version: fetchVersion, topic: 'facts', partition: 0, offset: 0n, replica: -1, ...change });
  const fetched = (name: string, bytes: Buffer) => ask(name, bytes, fetchCode(fetchVersion));
  await fetched('Fetch', fetch());
  await fetched('Fetch of an unknown topic', fetch({ topic: 'nowhere' }));
  await fetched('Fetch of an unknown partition', fetch({ partition: 7 }));
  await fetched('Fetch beyond the end', fetch({ offset: 1_000_000n }));
  await fetched('Fetch at a negative offset', fetch({ offset: -5n }));
  await fetched('Fetch as an unknown replica', fetch({ replica: 77 }));
  await ask('Fetch one version too new', header(1, rangeOf(1).max + 1, Buffer.alloc(60)));

  const group = string('group');
  const transactionalId = string('tx');
  if (rangeOf(17).max >= 0) await ask('SaslHandshake on a plain listener', header(17, 0, string('PLAIN')), topCode);
  if (rangeOf(10).max >= 0 && rangeOf(10).min === 0) await ask('FindCoordinator 0', header(10, 0, group));
  if (rangeOf(22).max >= 0) {
    const nobody = header(22, 0, int16(-1), int32(60_000));
    const name = 'InitProducerId without a transactional id';
    // 14 until the broker has fetched its first block of ids.
    do await ask(name, nobody, codeAfterThrottle);
    while (manners[name]?.code === 14);
    const short = header(22, 0, transactionalId, int32(-1));
    await ask('InitProducerId with a timeout of -1', short, codeAfterThrottle);
    const long = header(22, 0, transactionalId, int32(2_000_000_000));
    await ask('InitProducerId with a timeout over the limit', long, codeAfterThrottle);
    const empty = header(22, 0, string(''), int32(60_000));
    await ask('InitProducerId with an empty transactional id', empty, codeAfterThrottle);
  }
  return manners;
}

async function exchange(port: number, bytes: Uint8Array, read: (frame: Buffer) => Partial<Manner>): Promise<Manner> {
  const connection = await RawConnection.open(port);
  try {
    connection.send(bytes);
    const frame = await connection.frame(1500);
    if (frame !== null) return { does: 'answers', ...read(frame) };
    return { does: connection.ending === undefined ? 'waits' : 'closes' };
  } finally {
    connection.close();
  }
}

async function askTwice(port: number, bytes: Uint8Array): Promise<Manner> {
  const connection = await RawConnection.open(port);
  try {
    connection.send(Buffer.concat([bytes, bytes]));
    let answered = 0;
    while (answered < 2 && (await connection.frame(1500)) !== null) answered++;
    return { does: answered > 0 ? 'answers' : 'closes', answered };
  } finally {
    connection.close();
  }
}

/** A request whose header has a client id that every release can read. */
function header(key: number, version: number, ...body: Uint8Array[]): Buffer {
  const bytes = Buffer.concat([int16(key), int16(version), int32(1), string('kiel'), ...body]);
  return Buffer.concat([int32(bytes.length), bytes]);
}

interface ProduceShape {
  version: number;
  acks: number;
  topic: string;
  partition: number;
  records: Buffer;
  recordsLength?: number;
}

function produceRequest(shape: ProduceShape): Buffer {
  const { version, acks, topic, partition, records, recordsLength = records.length } = shape;
  const transactionalId = version >= 3 ? [int16(-1)] : [];
  const data = [int32(1), string(topic), int32(1), int32(partition), int32(recordsLength), records];
  return header(0, version, ...transactionalId, int16(acks), int32(1000), ...data);
}

interface FetchShape {
  version: number;
  topic: string;
  partition: number;
  offset: bigint;
  replica: number;
}

function fetchRequest({ version, topic, partition, offset, replica }: FetchShape): Buffer {
  const at = Buffer.alloc(8);
  at.writeBigInt64BE(offset);
  const limits = version >= 4 ? [int32(1 << 20), int8(0)] : version >= 3 ? [int32(1 << 20)] : [];
  const data = [int32(1), string(topic), int32(1), int32(partition), at, int32(1 << 20)];
  return header(1, version, int32(replica), int32(10), int32(0), ...limits, ...data);
}

const topCode = (frame: Buffer) => ({ code: frame.readInt16BE(4) });
const withBody = (frame: Buffer) => ({ code: frame.readInt16BE(4), bodyHex: frame.subarray(4).toString('hex') });
const codeAfterThrottle = (frame: Buffer) => ({ code: frame.readInt16BE(8) });

const produceCode = (version: number) => (frame: Buffer) => {
  void version; // the answer of each of these versions begins alike
  const nameLength = Math.max(0, frame.readInt16BE(8));
  return { code: frame.readInt16BE(10 + nameLength + 4 + 4) };
};

const fetchCode = (version: number) => (frame: Buffer) => {
  const start = 4 + (version >= 1 ? 4 : 0) + 4;
  return { code: frame.readInt16BE(start + 2 + frame.readInt16BE(start) + 4 + 4) };
};

/** Skips the brokers of a Metadata 0 answer. */
function metadataTopicCode(frame: Buffer): Partial<Manner> {
  let at = 8;
  for (let left = frame.readInt32BE(4); left > 0; left--) at += 4 + 2 + frame.readInt16BE(at + 4) + 4;
  return frame.readInt32BE(at) === 0 ? {} : { code: frame.readInt16BE(at + 4) };
}
