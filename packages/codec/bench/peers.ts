import { createRequire } from 'node:module';

/** Peers have no types here: they are installed by `npm ci` in this folder, and the project type-checks without them. */
const require = createRequire(import.meta.url);
const load = (name: string): never => require(name) as never;

type Batched = (messages: object[], options: object) => { buffer: Uint8Array };

interface Platformatic {
  createRecordsBatch: Batched;
  readRecordsBatch(reader: object): { records: object[] };
  Reader: { from(bytes: Uint8Array): object };
}

/** One version of one API of @platformatic/kafka. */
interface PlatformaticApi {
  createRequest(...args: unknown[]): { buffer: Uint8Array };
  parseResponse(correlationId: number, apiKey: number, version: number, reader: object): object;
}

/** A request of kafkajs, before it is encoded. */
type KafkajsRequest = (options: object) => { encode(): Promise<{ buffer: Uint8Array }> };

interface KafkajsAnswer {
  decode(bytes: Uint8Array): Promise<object>;
}

interface NativeBlocks {
  compressSync(bytes: Uint8Array): Uint8Array;
  uncompressSync(bytes: Uint8Array, options?: object): Uint8Array;
}

interface NativeFrames {
  compressFrameSync(bytes: Uint8Array): Uint8Array;
  decompressFrameSync(bytes: Uint8Array): Uint8Array;
}

export const platformatic: Platformatic = load('@platformatic/kafka');
export const { RecordBatch: kafkajsBatch }: { RecordBatch: (options: object) => Promise<{ buffer: Uint8Array }> } =
  load('kafkajs/src/protocol/recordBatch/v0');
export const kafkajsRecord: (record: object) => object = load('kafkajs/src/protocol/recordBatch/record/v0');
export const kafkajsDecode: (decoder: object) => Promise<{ records: object[] }> = load(
  'kafkajs/src/protocol/recordBatch/v0/decoder',
);
export const KafkajsDecoder: new (bytes: Uint8Array) => object = load('kafkajs/src/protocol/decoder');
export const nativeSnappy: NativeBlocks = load('snappy');
export const nativeLz4: NativeFrames = load('lz4-napi');
export const nodeRs: { crc32c(bytes: Uint8Array, seed?: number): number } = load('@node-rs/crc32');
export const crc32Package: { buf(bytes: Uint8Array, seed?: number): number } = load('crc-32/crc32c.js');

const platformaticApis = platformatic as unknown as Record<string, PlatformaticApi>;
export const platformaticMessages: Record<'metadata' | 'produce' | 'fetch', PlatformaticApi> = {
  metadata: platformaticApis['metadataV12']!,
  produce: platformaticApis['produceV11']!,
  fetch: platformaticApis['fetchV17']!,
};

const kafkajsApis = 'kafkajs/src/protocol/requests';
const kafkajsRequest = (path: string): KafkajsRequest => load(`${kafkajsApis}/${path}/request`);
const kafkajsAnswer = (path: string): KafkajsAnswer => load(`${kafkajsApis}/${path}/response`);
export const kafkajsMessages = {
  metadataRequest: kafkajsRequest('metadata/v6'),
  metadataAnswer: kafkajsAnswer('metadata/v6'),
  produceRequest: kafkajsRequest('produce/v7'),
  produceAnswer: kafkajsAnswer('produce/v7'),
  fetchRequest: kafkajsRequest('fetch/v11'),
  fetchAnswer: kafkajsAnswer('fetch/v11'),
};
