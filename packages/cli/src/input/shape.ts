import { splitList } from '../config/java-settings.ts';
import { usage } from '../failure.ts';
import type { Format, RecordShape } from './records.ts';
import { Template } from './template.ts';

/** Flags that say how records are made of the input. */
export interface ShapeFlags {
  format?: Format;
  keyField?: string;
  keySeparator?: string;
  key?: string;
  value?: string;
  header?: string[];
  partition?: string;
  timestamp?: string;
  allowMissingKey?: boolean;
  nullValue?: string;
  csvSeparator?: string;
  csvColumns?: string;
  maxBytes?: number;
}

/** @throws Failure where flags contradict each other. */
export function shapeFrom(flags: ShapeFlags): RecordShape {
  const template = (source: string | undefined, flag: string) =>
    source === undefined ? undefined : new Template(source, flag);
  const key = template(flags.key, '--key');
  const value = template(flags.value, '--value');
  const partition = template(flags.partition, '--partition');
  const timestamp = template(flags.timestamp, '--timestamp');
  const headers = (flags.header ?? []).map(readHeader);
  const namesFields =
    flags.keyField !== undefined ||
    [key, value, partition, timestamp, ...headers.map(([, each]) => each)].some((each) => each?.hasFields);
  const format = flags.format ?? (namesFields ? 'json' : 'lines');
  if (namesFields && format !== 'json' && format !== 'csv') {
    throw usage(
      `The format ${format} has no fields to name.`,
      'Use --format json or csv, or templates without {fields}.',
    );
  }
  const keys = [flags.keyField && '--key-field', flags.key && '--key', flags.keySeparator && '--key-separator'].filter(
    Boolean,
  );
  if (keys.length > 1) throw usage(`${keys.join(' and ')} exclude each other.`, 'A record has one key.');
  if (flags.keySeparator !== undefined && format !== 'lines') {
    throw usage('--key-separator is for --format lines.', `With ${format} use --key-field or --key.`);
  }
  if (flags.keySeparator === '') throw usage('--key-separator must not be empty.');
  const csvSeparator = flags.csvSeparator === '\\t' ? '\t' : (flags.csvSeparator ?? ',');
  if (csvSeparator.length !== 1 || csvSeparator === '"' || csvSeparator === '\n') {
    throw usage(`--csv-separator ${JSON.stringify(csvSeparator)} must be one character.`, "For a tab write '\\t'.");
  }
  return {
    format,
    maxBytes: flags.maxBytes ?? 16_777_216,
    keySeparator: flags.keySeparator,
    nullValue: flags.nullValue,
    csvSeparator,
    columns: flags.csvColumns === undefined ? undefined : splitList(flags.csvColumns),
    key: flags.keyField ?? key,
    value,
    partition,
    timestamp,
    headers,
    allowMissingKey: flags.allowMissingKey ?? false,
  };
}

function readHeader(text: string): [string, Template] {
  const at = text.indexOf('=');
  if (at < 1) throw usage(`--header ${text} has no "=".`, "Write --header name=value or --header 'name={field}'.");
  return [text.slice(0, at), new Template(text.slice(at + 1), '--header')];
}
