import type { ProduceRequest, ProduceResponse } from '@kiel/codec';
import { codeName } from '../codes.ts';
import { BATCH_HEADER_SIZE, readBatchHeader } from '../records/batch-header.ts';
import type { RequestEntry } from '../requests.ts';
import { describeReport } from './checker.ts';
import type { OfferedRecord, Report } from './history.ts';
import type { IdTable } from './id-table.ts';
import type { StoredRecord } from './stored.ts';

const LINES = 16;

/** What happened around some records, line by line: offered, what came over the wire to their partition, settled. */
export function accountOf(
  records: readonly OfferedRecord[],
  reports: IdTable<Report>,
  found: IdTable<StoredRecord>,
  requests: readonly RequestEntry[],
): string[] {
  if (records.length === 0) return [];
  const lines: { readonly atMs: number; readonly text: string }[] = [];
  const places = new Set<string>();
  for (const record of records.slice(0, 3)) {
    lines.push({ atMs: record.atMs, text: `record ${record.id} offered` });
    const report = reports.get(record.id);
    if (report !== undefined) lines.push({ atMs: report.atMs, text: `record ${record.id} ${describeReport(report)}` });
    const partition =
      found.get(record.id)?.partition ?? (report?.outcome === 'acked' ? report.partition : record.partition);
    places.add(partition === undefined ? record.topic : `${record.topic}/${partition}`);
  }
  const from = Math.min(...lines.map(({ atMs }) => atMs));
  const until = Math.max(...lines.map(({ atMs }) => atMs)) + 1;
  for (const entry of requests) {
    if (entry.atMs < from || entry.atMs > until) continue;
    const isNear = entry.touched.some(
      ({ topic, partition }) => places.has(topic) || places.has(`${topic}/${partition}`),
    );
    if (!isNear) continue;
    if (entry.api !== 'Produce' && entry.faults.length === 0) continue;
    lines.push({ atMs: entry.atMs, text: describeRequest(entry, places) });
  }
  lines.sort((a, b) => a.atMs - b.atMs);
  const shown = lines.length <= LINES ? lines : [...lines.slice(0, LINES / 2), ...lines.slice(-LINES / 2)];
  const printed = shown.map(({ atMs, text }) => `${atMs.toFixed(1)} ms: ${text}`);
  if (shown.length < lines.length) printed.splice(LINES / 2, 0, `… ${lines.length - shown.length} more …`);
  return printed;
}

/** One request in a line: `Produce v11 to broker 1: orders-0 sequence 5, 3 records -> NOT_LEADER_OR_FOLLOWER`. */
export function describeRequest(entry: RequestEntry, places?: ReadonlySet<string>): string {
  const head = `${entry.api ?? 'bytes'} v${entry.version} to broker ${entry.broker}`;
  const tail = [
    entry.outcome === 'answered' ? '' : `, ${entry.outcome}`,
    entry.reason === null ? '' : ` (${entry.reason})`,
    entry.faults.length === 0 ? '' : ` [${entry.faults.join('; ')}]`,
  ].join('');
  if (entry.api !== 'Produce' || entry.request === null) return `${head}${tail}`;
  const request = entry.request as ProduceRequest;
  const parts: string[] = [];
  let at = 0;
  for (const [t, { partitionData }] of request.topicData.entries()) {
    for (const [p, { index, records }] of partitionData.entries()) {
      const topic = entry.touched[at++]?.topic ?? request.topicData[t]!.name;
      if (places !== undefined && !places.has(topic) && !places.has(`${topic}/${index}`)) continue;
      const result = (entry.response as ProduceResponse | null)?.responses[t]?.partitionResponses[p];
      const outcome =
        result === undefined
          ? ''
          : ` -> ${result.errorCode === 0 ? `offset ${result.baseOffset}` : codeName(result.errorCode)}`;
      parts.push(`${topic}-${index} ${describeBatch(records)}${outcome}`);
    }
  }
  return `${head}: ${parts.join(', ')}${tail}`;
}

function describeBatch(records: Uint8Array | null): string {
  if (records === null || records.length < BATCH_HEADER_SIZE || records[16] !== 2)
    return `${records?.length ?? 0} bytes`;
  const { count, producerId, producerEpoch, baseSequence } = readBatchHeader(records);
  const size = `${count} ${count === 1 ? 'record' : 'records'}`;
  return producerId < 0n ? size : `producer ${producerId} epoch ${producerEpoch} sequence ${baseSequence}, ${size}`;
}
