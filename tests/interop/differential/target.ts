import { setTimeout as sleep } from 'node:timers/promises';
import { decodeResponseAs, encodeRequest, type RequestMessage, type ResponseMessage, readBatches } from '@kiel/codec';
import { nodeCompressions } from '@kiel/codec/node';
import { RawConnection } from '../../../tools/kafka/wire.ts';

/** One answer in a form that two brokers can share: times, ids and addresses are taken out or numbered. */
export interface Line {
  readonly step: string;
  readonly answer: unknown;
}

/** Codes that only say "not yet": a real broker needs a moment where the embedded one does not. */
const NOT_YET = new Set([14, 15, 16]);
/** The same of a transaction that still ends, CONCURRENT_TRANSACTIONS and UNSTABLE_OFFSET_COMMIT: after a while it is an answer. */
const MAYBE_NOT_YET = new Set([51, 88]);

/** Fields whose values are this broker's own affair. */
const DROPPED = new Set([
  'unknownTaggedFields',
  'throttleTimeMs',
  'host',
  'port',
  'rack',
  'clusterId',
  'controllerId',
  'brokers',
  'nodeEndpoints',
  'finalizedFeaturesEpoch',
  'memberId',
]);
const TIMES = new Set(['logAppendTimeMs', 'timestamp']);
const NODES = new Set(['nodeId', 'leaderId', 'leader']);
const NODE_LISTS = new Set(['replicaNodes', 'isrNodes', 'offlineReplicas']);
const TEXTS = new Set(['errorMessage', 'batchIndexErrorMessage']);

/** A broker under comparison, and what it has answered so far. */
export class Target {
  readonly label: string;
  readonly version: string;
  readonly lines: Line[] = [];
  readonly #port: number;
  #connection: RawConnection | null = null;
  #correlationId = 0;
  readonly #topicIds = new Map<string, string>();
  readonly #producers = new Map<bigint, string>();
  readonly #instances = new Map<string, string>();

  constructor(label: string, version: string, port: number) {
    this.label = label;
    this.version = version;
    this.#port = port;
  }

  /** Sends a request and writes down the answer, or that the connection ended or stayed silent. */
  async ask<Value, Input>(
    step: string,
    request: RequestMessage<unknown, Input>,
    response: ResponseMessage<Value, never>,
    version: number,
    body: Input,
  ): Promise<Value | null> {
    const value = await this.quietly(request, response, version, body);
    const answer = typeof value === 'string' ? value : this.#shared(value, '');
    this.lines.push({ step: `${step} (${request.name} v${version})`, answer });
    return typeof value === 'string' ? null : value;
  }

  /** The same without a line, as often as it takes to get more than "not yet". */
  async quietly<Value, Input>(
    request: RequestMessage<unknown, Input>,
    response: ResponseMessage<Value, never>,
    version: number,
    body: Input,
  ): Promise<Value | string> {
    for (let tries = 0; ; tries++) {
      const value = await this.#once(request, response, version, body);
      if (typeof value === 'string') return value;
      const isNotYet = hasCode(value, (code) => NOT_YET.has(code) || (MAYBE_NOT_YET.has(code) && tries < 40));
      if (!isNotYet || tries > 400) return value;
      await sleep(25);
    }
  }

  close(): void {
    this.#connection?.close();
    this.#connection = null;
  }

  async #once<Value, Input>(
    message: RequestMessage<unknown, Input>,
    response: ResponseMessage<Value, never>,
    version: number,
    body: Input,
  ): Promise<Value | string> {
    this.#connection ??= await RawConnection.open(this.#port);
    const connection = this.#connection;
    const correlationId = ++this.#correlationId;
    connection.send(encodeRequest({ message, version, correlationId, clientId: 'differential', body }));
    const isUnanswered = message.name === 'ProduceRequest' && (body as { acks?: number }).acks === 0;
    const frame = await connection.frame(isUnanswered ? 150 : 4_000);
    if (frame !== null) return decodeResponseAs(response, frame, version).body;
    if (connection.ending === undefined && isUnanswered) return 'no answer';
    this.close();
    return connection.ending === undefined ? 'silence' : 'closed';
  }

  #shared(value: unknown, field: string): unknown {
    if (typeof value === 'bigint') return this.#sharedNumber(value, field);
    if (value instanceof Uint8Array) return field === 'records' ? batchesIn(value) : `${value.length} bytes`;
    if (Array.isArray(value)) {
      if (NODE_LISTS.has(field)) return `${value.length} nodes`;
      return sorted(value).map((item) => this.#shared(item, field));
    }
    if (typeof value === 'string') return this.#sharedText(value, field);
    if (typeof value === 'number' && NODES.has(field)) return value < 0 ? -1 : 'a node';
    if (typeof value !== 'object' || value === null) return value;
    const kept: Record<string, unknown> = {};
    for (const [name, inner] of Object.entries(value)) {
      if (DROPPED.has(name)) continue;
      kept[name] = this.#shared(inner, name);
    }
    return kept;
  }

  #sharedNumber(value: bigint, field: string): string {
    if (TIMES.has(field)) return value < 0n ? `${value}` : 'a time';
    if (field !== 'producerId' || value < 0n) return `${value}`;
    return numbered(this.#producers, value, 'producer');
  }

  #sharedText(value: string, field: string): string {
    if (TEXTS.has(field)) return 'a text';
    if (field === 'topicId' && value !== 'AAAAAAAAAAAAAAAAAAAAAA') return numbered(this.#topicIds, value, 'topic');
    if (field === 'clientInstanceId') return numbered(this.#instances, value, 'client');
    return value;
  }
}

function numbered<Key>(known: Map<Key, string>, key: Key, kind: string): string {
  let name = known.get(key);
  if (name === undefined) {
    name = `${kind} ${known.size + 1}`;
    known.set(key, name);
  }
  return name;
}

/** Lists whose order is a broker's own affair, in an order that all share. */
function sorted(list: readonly unknown[]): readonly unknown[] {
  const keyOf = (item: unknown): string | number | undefined => {
    const { index, partitionIndex, name } = (item ?? {}) as { index?: number; partitionIndex?: number; name?: string };
    return index ?? partitionIndex ?? name ?? undefined;
  };
  if (list.some((item) => keyOf(item) === undefined)) return list;
  return [...list].sort((a, b) => (keyOf(a)! < keyOf(b)! ? -1 : 1));
}

/** What the batches hold; how small a broker compresses what it converts is its own affair. */
function batchesIn(records: Uint8Array): string[] {
  const found: string[] = [];
  for (const batch of readBatches(records, { compressions: nodeCompressions })) {
    const { baseOffset, lastOffset, magic, compression, baseSequence, producerEpoch, partitionLeaderEpoch, isControl } =
      batch;
    found.push(
      `${baseOffset}-${lastOffset} magic ${magic} ${compression} sequence ${baseSequence} epoch ${producerEpoch} ` +
        `leader epoch ${partitionLeaderEpoch}${isControl ? ' control' : ''}`,
    );
  }
  return found;
}

function hasCode(value: unknown, isWanted: (code: number) => boolean): boolean {
  if (Array.isArray(value)) return value.some((item) => hasCode(item, isWanted));
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false;
  return Object.entries(value).some(([name, inner]) => {
    if (name === 'errorCode' || name === 'partitionErrorCode') return isWanted(inner as number);
    return hasCode(inner, isWanted);
  });
}
