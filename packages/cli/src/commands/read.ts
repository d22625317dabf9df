import type { KafkaRecord, MetadataResponseTopic } from '@kiel/codec';
import { type ConnectionFlags, connectionFrom } from '../config/connection-options.ts';
import { splitList } from '../config/java-settings.ts';
import { recordFields } from '../decode/wire-json.ts';
import { exitCodes, usage } from '../failure.ts';
import { Interrupt } from '../terminal/interrupt.ts';
import { toJson } from '../terminal/json.ts';
import type { Output, Terminal } from '../terminal/output.ts';
import { ClusterClient } from '../wire/cluster-client.ts';
import { offsetsOf, parsePlace } from '../wire/place.ts';
import { BEGINNING, END, offsetsAt, type PartitionRange, TopicReader } from '../wire/topic-reader.ts';

export interface ReadFlags extends ConnectionFlags {
  topic: string;
  partition?: string;
  from: string;
  to?: string;
  count?: number;
  follow?: boolean;
  committed?: boolean;
  json?: boolean;
  keySeparator?: string;
  timeout?: number;
}

const DEFAULT_TIMEOUT_S = 10;

export async function read(flags: ReadFlags, terminal: Terminal): Promise<number> {
  const from = parsePlace(flags.from, '--from');
  const to = flags.to === undefined ? null : parsePlace(flags.to, '--to');
  if (flags.follow === true && to !== null) throw usage('--follow and --to exclude each other.');
  const settings = connectionFrom(flags, terminal.env, (text) => terminal.err.line(text));
  using interrupt = new Interrupt(terminal, () => 'Stopping.');
  const client = await ClusterClient.connect(settings, 1000 * (flags.timeout ?? DEFAULT_TIMEOUT_S), interrupt.signal);
  try {
    const topic = await client.topic(flags.topic, { signal: interrupt.signal });
    const partitions = chosenPartitions(flags.partition, topic);
    const committed = flags.committed ?? false;
    const starts = await offsetsOf(from, client, topic, partitions, committed);
    const ends =
      flags.follow === true ? null : await offsetsOf(to ?? { kind: 'end' }, client, topic, partitions, committed);
    const ranges = partitions.map(
      (partition): PartitionRange => ({
        partition,
        from: starts.get(partition)!,
        to: ends === null ? null : ends.get(partition)!,
      }),
    );
    const reader = new TopicReader(client, topic, ranges, { committed, signal: interrupt.signal });
    const printed = await printRecords(reader, flags, terminal.out);
    if (printed === 0 && !interrupt.happened && flags.count !== 0) await sayWhyNothing(client, topic, ranges, terminal);
  } finally {
    client.close();
  }
  return interrupt.happened ? exitCodes.interrupted : exitCodes.done;
}

/** @throws Failure */
export function chosenPartitions(text: string | undefined, topic: MetadataResponseTopic): number[] {
  const all = topic.partitions.map((each) => each.partitionIndex).sort((a, b) => a - b);
  if (text === undefined) return all;
  return splitList(text).map((item) => {
    const partition = Number(item);
    if (!all.includes(partition)) {
      throw usage(`Topic ${topic.name} has no partition ${item}.`, `It has 0 to ${all.at(-1)}.`);
    }
    return partition;
  });
}

/** A range without a record is no fault, and on a screen looks like one. */
async function sayWhyNothing(
  client: ClusterClient,
  topic: MetadataResponseTopic,
  ranges: readonly PartitionRange[],
  { err }: Terminal,
): Promise<void> {
  const partitions = ranges.map(({ partition }) => partition);
  const begins = await offsetsAt(client, topic, partitions, BEGINNING);
  const ends = await offsetsAt(client, topic, partitions, END);
  const has = partitions
    .filter((partition) => ends.get(partition)! > begins.get(partition)!)
    .map((partition) => `partition ${partition} has ${begins.get(partition)} to ${ends.get(partition)! - 1n}`);
  const shown = has.length > 4 ? [...has.slice(0, 4), `${has.length - 4} more have some`] : has;
  err.line(
    has.length === 0
      ? `Topic ${topic.name} has no record${partitions.length < topic.partitions.length ? ' there' : ''}.`
      : `No record of topic ${topic.name} is in that range: ${shown.join(', ')}.`,
  );
}

/** @returns how many there were. */
async function printRecords(reader: TopicReader, flags: ReadFlags, out: Output): Promise<number> {
  let printed = 0;
  if (flags.count === 0) return printed;
  for await (const { partition, records } of reader.read()) {
    for (const record of records) {
      const full = flags.json === true ? out.push(recordJson(partition, record)) : pushLine(record, flags, out);
      if (full !== undefined) await full;
      printed++;
      if (out.isClosed || printed === flags.count) return printed;
    }
    await out.flush();
  }
  return printed;
}

export function recordJson(partition: number, record: KafkaRecord): string {
  return toJson({ partition, ...recordFields(record) });
}

/** Bytes as they are: what is no text must come out as it went in. */
function pushLine({ key, value }: KafkaRecord, { keySeparator }: ReadFlags, out: Output): Promise<void> | undefined {
  if (keySeparator === undefined) return out.pushParts(value ?? 'null', '\n');
  return out.pushParts(key ?? 'null', keySeparator, value ?? 'null', '\n');
}
