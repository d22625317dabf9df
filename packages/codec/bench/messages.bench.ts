import {
  FetchRequest,
  FetchResponse,
  MetadataRequest,
  MetadataResponse,
  ProduceRequest,
  ProduceResponse,
  readBatches,
  readRecords,
} from '@kiel/codec';
import { bench, do_not_optimize, group, run } from 'mitata';
import { type JavaCase, timeJava } from './java-messages.ts';
import {
  fetchRequest,
  fetchResponse,
  metadataRequest,
  metadataResponse,
  now,
  produceRequest,
  produceResponse,
  topicNames,
  uuids,
  value,
} from './messages.ts';
import { kafkajsMessages, platformatic, platformaticMessages } from './peers.ts';

/**
 * Messages, each side with the versions it has. The two other clients make batches and records of a Produce request and
 * a Fetch answer in the same step, so kiel is timed with them too. Java's classes, as kiel's, leave records as bytes.
 */

const { metadata, produce, fetch } = platformaticMessages;
const records = Array.from({ length: 10 }, () => ({ value, timestamp: now }));
const sequences = { getWithDefault: (_: string, fallback: number) => fallback, postIncrement: () => 0 };

const bytes = {
  metadataRequest: MetadataRequest.encode(metadataRequest, 12),
  metadata6: MetadataResponse.encode(metadataResponse(6), 6),
  metadata12: MetadataResponse.encode(metadataResponse(12), 12),
  produceRequest: ProduceRequest.encode(produceRequest(), 11),
  produce7: ProduceResponse.encode(produceResponse, 7),
  produce11: ProduceResponse.encode(produceResponse, 11),
  fetchRequest: FetchRequest.encode(fetchRequest(17), 17),
  fetch11: FetchResponse.encode(fetchResponse(11), 11),
  fetch17: FetchResponse.encode(fetchResponse(17), 17),
};

const readerOf = (from: Uint8Array) => platformatic.Reader.from(Buffer.from(from.buffer, from.byteOffset, from.length));
const bufferOf = (from: Uint8Array) => Buffer.from(from.buffer, from.byteOffset, from.length);

const answer12 = MetadataResponse.decode(bytes.metadata12, 12);
const request11 = ProduceRequest.decode(bytes.produceRequest, 11);
const answer17 = FetchResponse.decode(bytes.fetch17, 17);
const fetch17 = fetchRequest(17);

group('Metadata request, 100 topics, encode', () => {
  bench('kiel, v12', () => do_not_optimize(MetadataRequest.encode(metadataRequest, 12)));
  bench('kiel, v6', () => do_not_optimize(MetadataRequest.encode(metadataRequest, 6)));
  bench('@platformatic/kafka, v12', () => do_not_optimize(metadata.createRequest(topicNames).buffer));
  bench('kafkajs, v6', async () =>
    do_not_optimize((await kafkajsMessages.metadataRequest({ topics: topicNames }).encode()).buffer),
  );
});

group('Metadata answer, 100 topics of 12 partitions', () => {
  bench('kiel, decode v12', () => do_not_optimize(MetadataResponse.decode(bytes.metadata12, 12)));
  bench('kiel, decode v6', () => do_not_optimize(MetadataResponse.decode(bytes.metadata6, 6)));
  bench('kiel, encode v12', () => do_not_optimize(MetadataResponse.encode(answer12, 12)));
  bench('@platformatic/kafka, decode v12', () =>
    do_not_optimize(metadata.parseResponse(1, 3, 12, readerOf(bytes.metadata12))),
  );
  bench('kafkajs, decode v6', async () =>
    do_not_optimize(await kafkajsMessages.metadataAnswer.decode(bufferOf(bytes.metadata6))),
  );
});

group('Produce request, 120 partitions, a batch of 10 records of 100 B each', () => {
  bench('kiel, encode v11, batches ready', () => do_not_optimize(ProduceRequest.encode(request11, 11)));
  bench('kiel, encode v11, with batches', () => do_not_optimize(ProduceRequest.encode(produceRequest(), 11)));
  bench('kiel, decode v11', () => do_not_optimize(ProduceRequest.decode(bytes.produceRequest, 11)));
  bench('@platformatic/kafka, encode v11, with batches', () =>
    do_not_optimize(
      produce.createRequest(
        -1,
        30_000,
        topicNames
          .slice(0, 10)
          .flatMap((topic) =>
            Array.from({ length: 120 }, (_, i) => ({ topic, partition: i % 12, value, timestamp: BigInt(now) })),
          ),
        { compression: 'none', producerId: 1n, producerEpoch: 0, sequences },
      ).buffer,
    ),
  );
  bench('kafkajs, encode v7, with batches', async () => {
    const topicData = topicNames.slice(0, 10).map((topic) => ({
      topic,
      partitions: Array.from({ length: 12 }, (_, partition) => ({ partition, firstSequence: 0, messages: records })),
    }));
    do_not_optimize((await kafkajsMessages.produceRequest({ acks: -1, timeout: 30_000, topicData }).encode()).buffer);
  });
});

group('Produce answer, 120 partitions, decode', () => {
  bench('kiel, v11', () => do_not_optimize(ProduceResponse.decode(bytes.produce11, 11)));
  bench('kiel, v7', () => do_not_optimize(ProduceResponse.decode(bytes.produce7, 7)));
  bench('@platformatic/kafka, v11', () => do_not_optimize(produce.parseResponse(1, 0, 11, readerOf(bytes.produce11))));
  bench('kafkajs, v7', async () =>
    do_not_optimize(await kafkajsMessages.produceAnswer.decode(bufferOf(bytes.produce7))),
  );
});

group('Fetch request, 120 partitions, encode', () => {
  bench('kiel, v17', () => do_not_optimize(FetchRequest.encode(fetch17, 17)));
  bench('@platformatic/kafka, v17', () =>
    do_not_optimize(fetch.createRequest(500, 1, 1 << 20, 1, 0, -1, platformaticFetch, [], '').buffer),
  );
  bench('kafkajs, v11', async () =>
    do_not_optimize((await kafkajsMessages.fetchRequest(kafkajsFetch).encode()).buffer),
  );
});

group('Fetch answer, 1 MB of records', () => {
  bench('kiel, decode v17', () => do_not_optimize(FetchResponse.decode(bytes.fetch17, 17)));
  bench('kiel, decode v17, cursor over all records', () => do_not_optimize(sumByCursor()));
  bench('kiel, decode v17, an object a record', () => do_not_optimize(sumByObjects()));
  bench('kiel, encode v17', () => do_not_optimize(FetchResponse.encode(answer17, 17)));
  bench('@platformatic/kafka, decode v17', () =>
    do_not_optimize(fetch.parseResponse(1, 1, 17, readerOf(bytes.fetch17))),
  );
  bench('kafkajs, decode v11', async () =>
    do_not_optimize(await kafkajsMessages.fetchAnswer.decode(bufferOf(bytes.fetch11))),
  );
});

const platformaticFetch = topicNames.slice(0, 10).map((_, t) => ({
  // It takes UUIDs with dashes.
  topicId: uuidWithDashes(uuids[t]!),
  partitions: Array.from({ length: 12 }, (_, partition) => ({
    partition,
    currentLeaderEpoch: -1,
    fetchOffset: 1_000_000n + BigInt(partition),
    lastFetchedEpoch: -1,
    partitionMaxBytes: 1 << 20,
  })),
}));

const kafkajsFetch = {
  replicaId: -1,
  maxWaitTime: 500,
  minBytes: 1,
  maxBytes: 1 << 20,
  topics: topicNames.slice(0, 10).map((topic) => ({
    topic,
    partitions: Array.from({ length: 12 }, (_, partition) => ({
      partition,
      fetchOffset: String(1_000_000 + partition),
      maxBytes: 1 << 20,
    })),
  })),
};

function uuidWithDashes(uuid: string): string {
  return Buffer.from(uuid, 'base64url')
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function sumByCursor(): number {
  let sum = 0;
  for (const { partitions } of FetchResponse.decode(bytes.fetch17, 17).responses) {
    for (const { records } of partitions) {
      for (const batch of readBatches(records!, { checkCrcs: false })) {
        const cursor = batch.cursor();
        while (cursor.next()) sum += cursor.valueLength;
      }
    }
  }
  return sum;
}

function sumByObjects(): number {
  let sum = 0;
  for (const { partitions } of FetchResponse.decode(bytes.fetch17, 17).responses) {
    for (const { records } of partitions) {
      for (const record of readRecords(records!, { checkCrcs: false })) sum += record.value!.length;
    }
  }
  return sum;
}

await run();

const javaCases: JavaCase[] = [
  { name: 'Metadata request', api: 'METADATA', type: 'request', version: 12, bytes: bytes.metadataRequest },
  { name: 'Metadata answer', api: 'METADATA', type: 'response', version: 12, bytes: bytes.metadata12 },
  { name: 'Produce request', api: 'PRODUCE', type: 'request', version: 11, bytes: bytes.produceRequest },
  { name: 'Produce answer', api: 'PRODUCE', type: 'response', version: 11, bytes: bytes.produce11 },
  { name: 'Fetch request', api: 'FETCH', type: 'request', version: 17, bytes: bytes.fetchRequest },
  { name: 'Fetch answer', api: 'FETCH', type: 'response', version: 17, bytes: bytes.fetch17 },
];
console.log("\nJava's generated classes, Kafka 4.4.0, warm, the same bytes:");
const times = await timeJava(javaCases);
for (const [i, { name, version }] of javaCases.entries()) {
  const { decodeNs, encodeNs } = times[i]!;
  const microseconds = (ns: number) => `${(ns / 1000).toFixed(2)} µs`;
  console.log(`${`${name} v${version}`.padEnd(24)} decode ${microseconds(decodeNs)}, encode ${microseconds(encodeNs)}`);
}
