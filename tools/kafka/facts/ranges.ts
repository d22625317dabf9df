import { RawConnection, raw, request } from '../wire.ts';

export interface ApiRange {
  key: number;
  min: number;
  max: number;
}

export interface Feature {
  name: string;
  min: number;
  max: number;
}

export interface Ranges {
  /** How the ranges were found. */
  source: string;
  apis: ApiRange[];
  supportedFeatures: Feature[];
  finalizedFeatures: Feature[];
}

/** What the broker says of itself, in the newest ApiVersions that it takes, for the older ones leave features out. */
export async function askApiVersions(port: number): Promise<Ranges> {
  const first = readOld(await answer(port, 0));
  const newest = first.find((api) => api.key === 18)?.max ?? 0;
  if (newest < 3) {
    return { source: 'ApiVersions 0', apis: sorted(first), supportedFeatures: [], finalizedFeatures: [] };
  }
  const { apis, supportedFeatures, finalizedFeatures } = readFlexible(await answer(port, newest));
  return { source: `ApiVersions ${newest}`, apis: sorted(apis), supportedFeatures, finalizedFeatures };
}

const sorted = (apis: ApiRange[]): ApiRange[] => [...apis].sort((a, b) => a.key - b.key);

/** ApiVersions in any version, with a body that suits it. */
export function apiVersionsRequest(version: number, name = 'kiel', clientVersion = '0'): Buffer {
  if (version < 3) return request(18, version, 1);
  const compact = (text: string) => Buffer.concat([Buffer.from([text.length + 1]), Buffer.from(text)]);
  const header = Buffer.from([0]);
  const ofVersion5 = version >= 5 ? [compact(''), raw.int32(-1)] : [];
  // A null cluster id and node id -1 mean that the client does not know whom it has reached.
  if (version >= 5) ofVersion5[0] = Buffer.from([0]);
  return request(18, version, 1, header, compact(name), compact(clientVersion), ...ofVersion5, Buffer.from([0]));
}

async function answer(port: number, version: number): Promise<Buffer> {
  const connection = await RawConnection.open(port);
  try {
    connection.send(apiVersionsRequest(version));
    const frame = await connection.frame();
    if (frame === null) throw new Error(`ApiVersions ${version}: no answer`);
    if (frame.readInt16BE(4) !== 0) throw new Error(`ApiVersions ${version}: code ${frame.readInt16BE(4)}`);
    return frame.subarray(6);
  } finally {
    connection.close();
  }
}

function readOld(body: Buffer): ApiRange[] {
  return Array.from({ length: body.readInt32BE(0) }, (_, i) => ({
    key: body.readInt16BE(4 + 6 * i),
    min: body.readInt16BE(6 + 6 * i),
    max: body.readInt16BE(8 + 6 * i),
  }));
}

function readFlexible(body: Buffer): Omit<Ranges, 'source'> {
  let at = 0;
  const take = (size: number): number => {
    at += size;
    return at - size;
  };
  const uvarint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = body.readUInt8(take(1));
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const int16 = () => body.readInt16BE(take(2));
  const compactString = () => {
    const length = uvarint() - 1;
    const start = take(length);
    return body.toString('utf8', start, start + length);
  };
  const noTags = () => {
    if (uvarint() !== 0) throw new Error('a tagged field that this reader does not know');
  };
  const array = <T>(item: () => T): T[] =>
    Array.from({ length: uvarint() - 1 }, () => {
      const value = item();
      noTags();
      return value;
    });
  const apis = array(() => ({ key: int16(), min: int16(), max: int16() }));
  take(4); // throttle time
  let supportedFeatures: Feature[] = [];
  let finalizedFeatures: Feature[] = [];
  for (let tags = uvarint(); tags > 0; tags--) {
    const tag = uvarint();
    const end = uvarint() + at;
    if (tag === 0) supportedFeatures = array(() => ({ name: compactString(), min: int16(), max: int16() }));
    // The wire has the greatest level first here.
    if (tag === 2) {
      finalizedFeatures = array(() => {
        const name = compactString();
        const max = int16();
        return { name, min: int16(), max };
      });
    }
    at = end;
  }
  const byName = (a: Feature, b: Feature) => (a.name < b.name ? -1 : 1);
  return {
    apis,
    supportedFeatures: supportedFeatures.sort(byName),
    finalizedFeatures: finalizedFeatures.sort(byName),
  };
}

/**
 * A broker older than ApiVersions does not say what it knows. This table is the one of its code, and each client API in
 * it is tried: a body that is right for the version must be answered, the version after the last and the key after the
 * last must not.
 */
export async function tryApisOf082(port: number, topic: string): Promise<Ranges> {
  const { int8, int16, int32, string } = raw;
  const int64 = (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(value);
    return bytes;
  };
  const oneOf = (...parts: Buffer[]) => Buffer.concat([int32(1), string(topic), int32(1), int32(0), ...parts]);
  const tries: [number, number, Buffer][] = [
    [0, 0, Buffer.concat([int16(1), int32(1000), int32(0)])],
    [1, 0, Buffer.concat([int32(-1), int32(0), int32(1), oneOf(int64(0n), int32(1000))])],
    [2, 0, Buffer.concat([int32(-1), oneOf(int64(-1n), int32(1))])],
    [3, 0, int32(0)],
    [8, 0, Buffer.concat([string('group'), oneOf(int64(0n), string(''))])],
    [8, 1, Buffer.concat([string('group'), int32(-1), string(''), oneOf(int64(0n), int64(-1n), string(''))])],
    [9, 0, Buffer.concat([string('group'), oneOf()])],
    [9, 1, Buffer.concat([string('group'), oneOf()])],
    [10, 0, string('group')],
  ];
  for (const [key, version, body] of tries) {
    if (!(await isAnswered(port, key, version, body))) throw new Error(`0.8.2 did not answer API ${key} v${version}`);
  }
  const unknown: [number, number, Buffer][] = [
    [8, 2, Buffer.concat([string('group'), int32(-1), string(''), int64(-1n), oneOf(int64(0n), string(''))])],
    [13, 0, int8(0)],
    [18, 0, int8(0)],
  ];
  for (const [key, version, body] of unknown) {
    if (await isAnswered(port, key, version, body)) throw new Error(`0.8.2 answered API ${key} v${version}`);
  }
  // 4 to 7 are for brokers among themselves: named for the table's sake and not tried.
  const apis = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((key) => ({ key, min: 0, max: key === 8 || key === 9 ? 1 : 0 }));
  return { source: 'its code, tried one by one', apis, supportedFeatures: [], finalizedFeatures: [] };
}

async function isAnswered(port: number, key: number, version: number, body: Buffer): Promise<boolean> {
  const connection = await RawConnection.open(port);
  try {
    const clientId = raw.string('kiel'); // this old a broker cannot read a null one
    connection.send(framedWithClient(key, version, clientId, body));
    return (await connection.frame(3000)) !== null;
  } finally {
    connection.close();
  }
}

function framedWithClient(key: number, version: number, clientId: Buffer, body: Buffer): Buffer {
  const head = Buffer.concat([raw.int16(key), raw.int16(version), raw.int32(1), clientId]);
  return Buffer.concat([raw.int32(head.length + body.length), head, body]);
}
