import { parseJson, toJson, tryText } from '../terminal/json.ts';
import { CsvReader } from './csv.ts';
import { LengthPrefixedReader } from './length-prefixed.ts';
import { type Line, readLines } from './lines.ts';
import { fieldAt, MissingField, type Template } from './template.ts';

export const formats = ['lines', 'json', 'csv', 'binary', 'binary-pairs'] as const;
export type Format = (typeof formats)[number];

export interface InputRecord {
  readonly key: string | Uint8Array | null;
  readonly value: string | Uint8Array | null;
  readonly partition: number | undefined;
  readonly timestampMs: number | undefined;
  readonly headers: [string, string | null][] | undefined;
}

/** One record of the input, or why it is none. `number` counts lines (blocks, in a binary format) from 1. */
export type Entry =
  | { readonly number: number; readonly record: InputRecord; readonly fault: null }
  | { readonly number: number; readonly record: null; readonly fault: string };

export interface RecordShape {
  readonly format: Format;
  readonly maxBytes: number;
  /** `lines` only: what stands before it is the key. */
  readonly keySeparator: string | undefined;
  /** A value equal to this becomes null, a tombstone. */
  readonly nullValue: string | undefined;
  readonly csvSeparator: string;
  /** CSV: names of the columns where the first row does not hold them. */
  readonly columns: readonly string[] | undefined;
  /** A path to a field, or a template. */
  readonly key: string | Template | undefined;
  readonly value: Template | undefined;
  readonly partition: Template | undefined;
  readonly timestamp: Template | undefined;
  readonly headers: readonly (readonly [string, Template])[];
  /** A record whose key field is absent goes without a key, instead of being refused. */
  readonly allowMissingKey: boolean;
}

class Refused extends Error {}

/**
 * Reads records. Each step gives those that one chunk completes.
 *
 * @param cut - once it is aborted, the chunks end where nobody meant them to: what is left over is the torn beginning of a
 *   record, and no record.
 */
export function readEntries(
  chunks: AsyncIterable<Uint8Array>,
  shape: RecordShape,
  cut?: AbortSignal,
): AsyncGenerator<Entry[]> {
  switch (shape.format) {
    case 'lines':
      return fromLines(chunks, shape, cut, (bytes) => lineRecord(bytes, shape));
    case 'json':
      return fromLines(chunks, shape, cut, (bytes) => jsonRecord(bytes, shape));
    case 'csv':
      return fromCsv(chunks, shape, cut);
    case 'binary':
      return fromBinary(chunks, shape, cut, 1);
    case 'binary-pairs':
      return fromBinary(chunks, shape, cut, 2);
  }
}

async function* fromLines(
  chunks: AsyncIterable<Uint8Array>,
  shape: RecordShape,
  cut: AbortSignal | undefined,
  make: (bytes: Uint8Array) => InputRecord | null,
): AsyncGenerator<Entry[]> {
  for await (const lines of readLines(chunks, shape.maxBytes, cut)) {
    const entries: Entry[] = [];
    for (const line of lines) {
      const entry = lineEntry(line, shape, make);
      if (entry !== null) entries.push(entry);
    }
    if (entries.length > 0) yield entries;
  }
}

function lineEntry({ number, bytes }: Line, shape: RecordShape, make: (bytes: Uint8Array) => InputRecord | null) {
  if (bytes === null) return { number, record: null, fault: `the line is longer than ${shape.maxBytes} bytes` };
  return attempt(number, () => make(bytes));
}

/** @returns null where the line holds nothing to send. */
function attempt(number: number, make: () => InputRecord | null): Entry | null {
  try {
    const record = make();
    return record === null ? null : { number, record, fault: null };
  } catch (error) {
    if (error instanceof Refused || error instanceof MissingField)
      return { number, record: null, fault: error.message };
    throw error;
  }
}

function lineRecord(bytes: Uint8Array, shape: RecordShape): InputRecord {
  if (shape.keySeparator === undefined) return withRow(null, bytes, { number: undefined }, shape);
  const separator = Buffer.from(shape.keySeparator);
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(separator);
  if (at === -1) throw new Refused(`there is no key separator ${toJson(shape.keySeparator)}`);
  return withRow(bytes.subarray(0, at), bytes.subarray(at + separator.length), {}, shape);
}

function jsonRecord(bytes: Uint8Array, shape: RecordShape): InputRecord | null {
  const text = tryText(bytes);
  if (text === null) throw new Refused('it is not UTF-8 text');
  if (text.trim() === '') return null;
  let row: unknown;
  try {
    row = parseJson(text);
  } catch (error) {
    throw new Refused(`it is not JSON: ${(error as Error).message}`);
  }
  // The line itself is sent, not a copy written anew: numbers and spaces stay as they were.
  return withRow(null, bytes, row, shape);
}

async function* fromCsv(
  chunks: AsyncIterable<Uint8Array>,
  shape: RecordShape,
  cut: AbortSignal | undefined,
): AsyncGenerator<Entry[]> {
  const decoder = new TextDecoder('utf-8');
  const reader = new CsvReader(shape.csvSeparator, shape.maxBytes);
  let columns = shape.columns;
  const entriesOf = (rows: ReturnType<CsvReader['read']>): Entry[] => {
    const entries: Entry[] = [];
    for (const row of rows) {
      const isBlank = row.fault === null && row.fields.length === 1 && row.fields[0] === '';
      if (isBlank) continue;
      if (columns === undefined && row.fault === null) {
        columns = row.fields;
        continue;
      }
      const names = columns ?? [];
      const entry = attempt(row.line, () => csvRecord(names, row, shape));
      if (entry !== null) entries.push(entry);
    }
    return entries;
  };
  for await (const chunk of chunks) {
    const entries = entriesOf(reader.read(decoder.decode(chunk, { stream: true })));
    if (entries.length > 0) yield entries;
  }
  if (cut?.aborted === true) return;
  const last = [reader.read(decoder.decode()), reader.end() ?? []].flat();
  const entries = entriesOf(last);
  if (entries.length > 0) yield entries;
}

function csvRecord(
  columns: readonly string[],
  row: { fields: string[]; fault: string | null },
  shape: RecordShape,
): InputRecord {
  if (row.fault !== null) throw new Refused(row.fault);
  if (row.fields.length !== columns.length) {
    throw new Refused(`it has ${row.fields.length} fields where there are ${columns.length} columns`);
  }
  const fields = Object.fromEntries(columns.map((name, index) => [name, row.fields[index]]));
  return withRow(null, toJson(fields), fields, shape);
}

async function* fromBinary(
  chunks: AsyncIterable<Uint8Array>,
  shape: RecordShape,
  cut: AbortSignal | undefined,
  perRecord: 1 | 2,
): AsyncGenerator<Entry[]> {
  const reader = new LengthPrefixedReader(shape.maxBytes);
  const waiting: (Uint8Array | null)[] = [];
  let number = 0;
  for await (const chunk of chunks) {
    const entries: Entry[] = [];
    for (const block of reader.read(chunk)) {
      waiting.push(block);
      if (waiting.length < perRecord) continue;
      const key = perRecord === 2 ? waiting[0]! : null;
      const value = waiting.at(-1)!;
      waiting.length = 0;
      number++;
      entries.push({ number, record: withRow(key, value, {}, shape), fault: null });
    }
    if (entries.length > 0) yield entries;
    if (reader.failure !== null) throw reader.failure;
  }
  if (cut?.aborted === true) return;
  reader.end();
  if (waiting.length > 0) yield [{ number: number + 1, record: null, fault: 'the last key has no value' }];
}

/** Applies what the flags say about keys, values, headers, partitions and timestamps. */
function withRow(
  key: Uint8Array | null,
  value: Uint8Array | string | null,
  row: unknown,
  shape: RecordShape,
): InputRecord {
  const sent = shape.value === undefined ? value : shape.value.render(row);
  return {
    key: shape.key === undefined ? key : keyOf(row, shape),
    value: shape.nullValue !== undefined && isText(sent, shape.nullValue) ? null : sent,
    partition: shape.partition === undefined ? undefined : partitionOf(shape.partition.render(row)),
    timestampMs: shape.timestamp === undefined ? undefined : timestampOf(shape.timestamp.render(row)),
    headers:
      shape.headers.length === 0 ? undefined : shape.headers.map(([name, template]) => [name, template.render(row)]),
  };
}

function keyOf(row: unknown, shape: RecordShape): string | null {
  if (typeof shape.key === 'string') {
    const field = fieldAt(row, shape.key);
    if (field === null || (field === undefined && shape.allowMissingKey)) return null;
    if (field === undefined) throw new Refused(`there is no key field "${shape.key}"`);
    return typeof field === 'string' ? field : toJson(field);
  }
  try {
    return shape.key!.render(row);
  } catch (error) {
    if (error instanceof MissingField && shape.allowMissingKey) return null;
    throw error;
  }
}

function isText(value: Uint8Array | string | null, text: string): boolean {
  if (value === null || typeof value === 'string') return value === text;
  return value.length === Buffer.byteLength(text) && Buffer.from(text).equals(value);
}

function partitionOf(text: string | null): number {
  const partition = Number(text);
  if (text === null || text.trim() === '' || !Number.isInteger(partition) || partition < 0 || partition > 0x7fffffff) {
    throw new Refused(`"${text}" is not a partition`);
  }
  return partition;
}

// `Date.parse` takes "1.5" for a day in 2001, and a time without a zone for the time of this machine.
const isoDate = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d))?$/;

/** Milliseconds since 1970, or a date such as 2026-03-02T05:30:00Z. */
function timestampOf(text: string | null): number {
  const trimmed = text?.trim() ?? '';
  const timestampMs = /^-?\d+$/.test(trimmed) ? Number(trimmed) : isoDate.test(trimmed) ? Date.parse(trimmed) : NaN;
  if (!Number.isSafeInteger(timestampMs) || timestampMs < 0) {
    throw new Refused(`"${text}" is not a timestamp: give milliseconds since 1970 or an ISO date with its zone`);
  }
  return timestampMs;
}
