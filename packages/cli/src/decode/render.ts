import type { KafkaRecord, RecordBatch } from '@kiel/codec';
import { tryText } from '../terminal/json.ts';
import type { Output } from '../terminal/output.ts';
import { bytes as byteText, plural } from '../terminal/quantity.ts';
import { errorText } from '../wire/error-text.ts';
import { hexContext, hexLines } from './hex.ts';
import { Hidden } from './secrets.ts';
import type { TopicNames } from './topic-names.ts';
import { batchesOf, type Gist, gistOf } from './walk.ts';
import type { Damage, StreamFault, WireMessage } from './wire-message.ts';

const TOPICS_SHOWN = 4;
const BYTES_SHOWN = 48;

/** One line a message. */
export function messageLine(message: WireMessage, topicNames: TopicNames, out: Output): string {
  const { direction, api, version, correlationId, sizeBytes, latencyMs, clientId, timestampMs } = message;
  const arrow = direction === 'request' ? out.paint('cyan', '→') : out.paint('magenta', '←');
  const gist = gistOf(message.body);
  const facts = [
    timestampMs === null ? '' : out.paint('gray', timeText(timestampMs)),
    message.connection === null ? '' : `#${message.connection.id}`,
    `${arrow} ${out.paint('bold', message.apiKey < 0 ? api : `${api} v${version}`)}`,
    correlationId === null ? '' : out.paint('gray', `id ${correlationId}`),
    `${sizeBytes} B`,
    latencyMs === null ? '' : `${latencyMs.toFixed(latencyMs < 10 ? 2 : 0)} ms`,
    direction === 'request' && clientId !== null ? out.paint('gray', `from ${clientId}`) : '',
    gistText(gist, topicNames, out),
    message.damage === null ? '' : out.paint('red', `damaged: ${message.damage.problem}`),
  ];
  return facts.filter((fact) => fact !== '').join('  ');
}

function gistText(gist: Gist, topicNames: TopicNames, out: Output): string {
  const names = [...gist.topics].map(([nameOrId, partitions]) => {
    const name = topicNames.nameOf(nameOrId);
    if (partitions.size === 0) return name;
    const some = [...partitions].slice(0, 6).join(',');
    return `${name}[${some}${partitions.size > 6 ? ',…' : ''}]`;
  });
  const topics =
    names.slice(0, TOPICS_SHOWN).join(' ') +
    (names.length > TOPICS_SHOWN ? ` and ${names.length - TOPICS_SHOWN} more` : '');
  const records =
    gist.batches === 0
      ? ''
      : `${plural(gist.batches, 'batch').replace('batchs', 'batches')}, ${plural(gist.records, 'record')}`;
  const errors = [...gist.errorCodes].map(([code, times]) => errorText(code) + (times > 1 ? ` ×${times}` : ''));
  return [topics, records, errors.length === 0 ? '' : out.paint('red', errors.join(', '))]
    .filter((part) => part !== '')
    .join('  ');
}

export function faultLines(fault: StreamFault, out: Output): string[] {
  const arrow = fault.direction === 'request' ? '→' : '←';
  const time = fault.timestampMs === null ? '' : `${out.paint('gray', timeText(fault.timestampMs))}  `;
  const where = fault.connection === null ? '' : `#${fault.connection.id}  `;
  const text = `${fault.fault} at byte ${fault.offset}: ${fault.damage.problem}`;
  return [`${time}${where}${arrow} ${out.paint('red', text)}`, ...damageLines(fault.damage)];
}

export function damageLines({ context, at, base }: Damage): string[] {
  return context.length === 0 ? [] : hexContext(context, at, base).map((line) => `    ${line}`);
}

export function timeText(timestampMs: number): string {
  // Producers may write any int64; a date ends at 275,760 years.
  if (!(Math.abs(timestampMs) <= 8.64e15)) return `${timestampMs} ms`;
  return new Date(timestampMs).toISOString().replace('T', ' ').replace('Z', '');
}

/** A message in full, indented by its structure. */
export function treeLines(value: unknown, out: Output, showRecords: boolean, indent = '    '): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const lines: string[] = [];
  for (const [name, member] of Object.entries(value)) {
    if (name === 'unknownTaggedFields' && Array.isArray(member) && member.length === 0) continue;
    lines.push(...fieldLines(name, member, out, showRecords, indent));
  }
  return lines;
}

function fieldLines(name: string, value: unknown, out: Output, showRecords: boolean, indent: string): string[] {
  const label = `${indent}${out.paint('gray', `${name}:`)}`;
  if (name === 'errorCode' && typeof value === 'number') {
    return [`${label} ${value === 0 ? '0' : out.paint('red', errorText(value))}`];
  }
  if (name === 'records' && value instanceof Uint8Array) return recordsLines(label, value, out, showRecords, indent);
  if (Array.isArray(value)) {
    if (value.length === 0) return [`${label} []`];
    if (value.every((item) => typeof item !== 'object' || item === null))
      return [`${label} [${value.map(scalar).join(', ')}]`];
    return [
      label,
      ...value.flatMap((item: unknown) => {
        const inner = treeLines(item, out, showRecords, `${indent}    `);
        if (inner.length === 0) return [`${indent}  - ${scalar(item)}`];
        return [`${indent}  - ${inner[0]!.trimStart()}`, ...inner.slice(1)];
      }),
    ];
  }
  if (value instanceof Hidden) return [`${label} (${value.what})`];
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return [`${label} ${scalar(value)}`];
  return [label, ...treeLines(value, out, showRecords, `${indent}  `)];
}

function scalar(value: unknown): string {
  if (value instanceof Uint8Array) return bytesText(value);
  if (typeof value === 'string') return JSON.stringify(value);
  return String(value);
}

/** Bytes for an eye: text in quotes where they are text, hex where not, cut when long. */
export function bytesText(value: Uint8Array | null): string {
  if (value === null) return 'null';
  const cut = value.length > BYTES_SHOWN ? `… (${byteText(value.length)})` : '';
  const text = tryText(value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: binary data is what they tell apart.
  if (text !== null && !/[\x00-\x08\x0e-\x1f]/.test(text)) {
    return JSON.stringify([...text].slice(0, BYTES_SHOWN).join('')) + ([...text].length > BYTES_SHOWN ? cut : '');
  }
  return `0x${Buffer.from(value.subarray(0, BYTES_SHOWN)).toString('hex')}${cut}`;
}

function recordsLines(label: string, bytes: Uint8Array, out: Output, showRecords: boolean, indent: string): string[] {
  const { batches, error, incompleteBytes } = batchesOf(bytes);
  const lines = [`${label} ${byteText(bytes.length)}`];
  for (const batch of batches) lines.push(...batchLines(batch, out, showRecords, `${indent}  `));
  if (incompleteBytes > 0) lines.push(`${indent}  ${incompleteBytes} bytes of a batch that is cut off`);
  if (error !== null) {
    const at = 'offset' in error && typeof error.offset === 'number' ? error.offset : 0;
    lines.push(`${indent}  ${out.paint('red', error.message)}`, ...hexContext(bytes, at).map((line) => indent + line));
  }
  return lines;
}

export function batchLines(batch: RecordBatch, out: Output, showRecords: boolean, indent = ''): string[] {
  const lines = [indent + batchLine(batch, out)];
  if (!showRecords) return lines;
  try {
    for (const record of batch) lines.push(`${indent}  ${recordLine(record, out)}`);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const at = 'offset' in error && typeof error.offset === 'number' ? error.offset : 0;
    lines.push(`${indent}  ${out.paint('red', error.message)}`);
    if (batch.compression === 'none') lines.push(...hexContext(batch.bytes, at).map((line) => `${indent}  ${line}`));
  }
  return lines;
}

export function batchLine(batch: RecordBatch, out: Output): string {
  const { magic, compression, producerId, producerEpoch, baseSequence, lastOffset, maxTimestamp } = batch;
  const isWrapper = magic < 2 && compression !== 'none';
  const offsets = isWrapper ? `…${lastOffset}` : `${batch.baseOffset}…${lastOffset}`;
  const flags = [batch.isTransactional && 'transactional', batch.isControl && 'control'].filter(
    (flag) => flag !== false,
  );
  return [
    `${out.paint('bold', `batch ${offsets}`)}`,
    `magic ${magic}`,
    isWrapper ? '' : plural(batch.count, 'record'),
    byteText(batch.bytes.length),
    compression,
    maxTimestamp >= 0n
      ? `to ${timeText(Number(maxTimestamp))}${batch.timestampType === 'logAppendTime' ? ' (append time)' : ''}`
      : '',
    producerId >= 0n ? `producer ${producerId} epoch ${producerEpoch} sequence ${baseSequence}` : '',
    batch.partitionLeaderEpoch >= 0 ? `leader epoch ${batch.partitionLeaderEpoch}` : '',
    ...flags,
    `crc 0x${batch.crc.toString(16).padStart(8, '0')}`,
  ]
    .filter((part) => part !== '')
    .join('  ');
}

export function recordLine(record: KafkaRecord, out: Output, decoded?: string): string {
  const headers = record.headers.map(([name, value]) => `${name}=${bytesText(value)}`).join(' ');
  const time = record.timestamp >= 0n ? timeText(Number(record.timestamp)) : '';
  return [
    `${record.offset}`,
    out.paint('gray', time),
    headers === '' ? '' : `[${headers}]`,
    decoded ?? `${bytesText(record.key)} ${bytesText(record.value)}`,
  ]
    .filter((part) => part !== '')
    .join('  ');
}

export { hexLines };
