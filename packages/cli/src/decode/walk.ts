import { type RecordBatch, readBatches } from '@kiel/codec';
import { nodeCompressions } from '@kiel/codec/node';

/** What any message says about topics, errors and records, found without knowing the message. */
export interface Gist {
  /** Topics it names, each with the partitions it names of them. */
  readonly topics: Map<string, Set<number>>;
  /** Error codes other than 0, with how often they stand there. */
  readonly errorCodes: Map<number, number>;
  batches: number;
  records: number;
  recordBytes: number;
}

const topicLists = /^(topics|topicData|responses|topicPartitions|results|forgottenTopicsData|topicStates)$/;

export function gistOf(body: unknown): Gist {
  const gist: Gist = { topics: new Map(), errorCodes: new Map(), batches: 0, records: 0, recordBytes: 0 };
  walk(body, '', null, gist);
  return gist;
}

function walk(value: unknown, field: string, topic: string | null, gist: Gist): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, field, topic, gist);
    return;
  }
  if (value instanceof Uint8Array) {
    if (field === 'records') addRecords(value, gist);
    return;
  }
  if (typeof value !== 'object' || value === null) {
    if (topicLists.test(field) && typeof value === 'string') addTopic(value, gist);
    return;
  }
  const struct = value as Record<string, unknown>;
  const named = topicLists.test(field) ? nameOf(struct) : null;
  if (named !== null) addTopic(named, gist);
  const partition = struct['partitionIndex'] ?? struct['partition'] ?? struct['index'];
  const inside = named ?? topic;
  if (inside !== null && typeof partition === 'number') gist.topics.get(inside)?.add(partition);
  for (const [name, member] of Object.entries(struct)) {
    if (name === 'errorCode' && typeof member === 'number' && member !== 0) {
      gist.errorCodes.set(member, (gist.errorCodes.get(member) ?? 0) + 1);
    }
    if (inside !== null && name === 'partitions' && Array.isArray(member) && typeof member[0] === 'number') {
      for (const each of member) gist.topics.get(inside)?.add(each as number);
    } else walk(member, name, inside, gist);
  }
}

const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';

function nameOf(struct: Record<string, unknown>): string | null {
  for (const field of ['name', 'topic', 'topicName']) {
    const name = struct[field];
    if (typeof name === 'string' && name !== '') return name;
  }
  const id = struct['topicId'];
  return typeof id === 'string' && id !== NO_ID ? id : null;
}

function addTopic(name: string, gist: Gist): void {
  if (!gist.topics.has(name)) gist.topics.set(name, new Set());
}

function addRecords(bytes: Uint8Array, gist: Gist): void {
  gist.recordBytes += bytes.length;
  for (const batch of batchesOf(bytes).batches) {
    gist.batches++;
    // Counting inside a compressed entry of old would decompress it.
    gist.records += batch.magic === 2 || batch.compression === 'none' ? batch.count : 1;
  }
}

export interface ReadableBatches {
  readonly batches: RecordBatch[];
  /** The first damage; what stands behind it was not read. */
  readonly error: Error | null;
  /** Bytes of a last batch that is cut off. */
  readonly incompleteBytes: number;
}

/** As many batches as can be read. */
export function batchesOf(bytes: Uint8Array): ReadableBatches {
  const batches: RecordBatch[] = [];
  const reading = readBatches(bytes, { compressions: nodeCompressions, malformedUtf8: 'replace' });
  try {
    for (const batch of reading) batches.push(batch);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { batches, error, incompleteBytes: 0 };
  }
  return { batches, error: null, incompleteBytes: reading.incomplete?.bytes ?? 0 };
}
