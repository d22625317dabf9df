import { readFileSync } from 'node:fs';
import type { KafkaRecord, RecordBatch } from '@kiel/codec';
import { hexContext } from '../decode/hex.ts';
import { batchLine, damageLines, recordLine } from '../decode/render.ts';
import { recordFields } from '../decode/wire-json.ts';
import { codeOf } from '../failure.ts';
import type { ByteReader } from '../input/byte-reader.ts';
import { toJson } from '../terminal/json.ts';
import type { Output } from '../terminal/output.ts';
import { count, plural } from '../terminal/quantity.ts';
import { baseOffsetOf, OffsetIndexCheck, readOffsetIndex, readTimeIndex, TimeIndexCheck } from './index-file.ts';
import { type Decoded, decodeInternal, topicOfPath } from './internal-record.ts';
import { readSegment, type SegmentPart } from './segment-reader.ts';
import type { SideFault } from './side-file.ts';
import { TransactionIndexCheck } from './transaction-index.ts';

export interface SegmentFlags {
  readonly topic?: string;
  readonly records?: boolean;
  readonly tree?: boolean;
  readonly json?: boolean;
}

/** Prints a segment as Java's log dumper does: batches, records, and whether its indexes fit. */
export class SegmentPrinter {
  readonly #path: string | undefined;
  readonly #flags: SegmentFlags;
  readonly #out: Output;
  readonly #topic: string | null;
  #faults = 0;
  #batches = 0;
  #records = 0;

  constructor(path: string | undefined, flags: SegmentFlags, out: Output) {
    this.#path = path;
    this.#flags = flags;
    this.#out = out;
    this.#topic = flags.topic ?? (path === undefined ? null : topicOfPath(path));
  }

  /** @returns the number of faults. */
  async print(reader: ByteReader): Promise<number> {
    const indexes = new Indexes(this.#path);
    let logBytes = 0;
    for await (const part of readSegment(reader)) {
      if (part.kind === 'batch') {
        indexes.see(part.position, part.batch);
        logBytes = part.position + part.batch.bytes.length;
      }
      await this.#part(part);
      if (this.#out.isClosed) return this.#faults;
    }
    await this.#end(indexes, logBytes);
    return this.#faults;
  }

  async #part(part: SegmentPart): Promise<void> {
    switch (part.kind) {
      case 'batch':
        this.#batches++;
        return this.#batch(part.position, part.batch);
      case 'damage': {
        this.#faults++;
        const rest = part.isEnd ? 'nothing behind it can be found' : 'the batch is left out';
        const text = `byte ${part.damage.base + part.damage.at}: ${part.damage.problem}; ${rest}`;
        return this.#fault(part.position, text, damageLines(part.damage));
      }
      case 'cut short': {
        this.#faults++;
        const claimed = part.claimedBytes === null ? 'a batch' : `a batch of ${part.claimedBytes} bytes`;
        return this.#fault(part.position, `the segment ends after ${part.haveBytes} bytes of ${claimed}`, []);
      }
      case 'zeros':
        if (this.#flags.json !== true) await this.#out.push(`${part.position}  zeros to the end: room kept ready`);
    }
  }

  async #fault(position: number, problem: string, context: readonly string[]): Promise<void> {
    if (this.#flags.json === true) {
      await this.#out.push(toJson({ position, damage: problem }));
      return;
    }
    await this.#out.push(`${position}  ${this.#out.paint('red', problem)}`);
    for (const line of context) await this.#out.push(line);
  }

  async #batch(position: number, batch: RecordBatch): Promise<void> {
    const { json = false, records = false, tree = false } = this.#flags;
    if (!json) await this.#out.push(`${position}  ${batchLine(batch, this.#out)}`);
    try {
      for (const record of batch) {
        this.#records++;
        if (!json && !records && !tree) continue;
        const decoded = decodeInternal(this.#topic, record);
        await this.#out.push(json ? recordJson(position, batch, record, decoded) : this.#recordText(record, decoded));
        if (this.#out.isClosed) return;
      }
    } catch (error) {
      if (!(error instanceof Error) || codeOf(error) === undefined) throw error;
      this.#faults++;
      const at = 'offset' in error && typeof error.offset === 'number' ? error.offset : 0;
      const context = batch.compression === 'none' ? hexContext(batch.bytes, at, position) : [];
      await this.#fault(
        position,
        error.message,
        context.map((line) => `    ${line}`),
      );
    }
  }

  #recordText(record: KafkaRecord, decoded: Decoded | null): string {
    return `    ${recordLine(record, this.#out, decoded === null ? undefined : decodedText(decoded))}`;
  }

  async #end(indexes: Indexes, logBytes: number): Promise<void> {
    const { found, faults } = indexes.end(logBytes);
    this.#faults += faults.length;
    for (const fault of faults) await this.#fault(logBytes, fault, []);
    if (this.#flags.json !== true) {
      const checked = found.length === 0 ? '' : `; ${found.join(', ').replace(/, (?=[^,]*$)/, ' and ')} checked`;
      const batches = `${count(this.#batches)} ${this.#batches === 1 ? 'batch' : 'batches'}`;
      await this.#out.push(
        `${batches}, ${plural(this.#records, 'record')}, ${plural(this.#faults, 'fault')}${checked}`,
      );
    }
    await this.#out.flush();
  }
}

function recordJson(position: number, batch: RecordBatch, record: KafkaRecord, decoded: Decoded | null): string {
  const { magic, compression, producerId, producerEpoch, isTransactional, partitionLeaderEpoch, timestampType } = batch;
  const { offset, ...fields } = recordFields(record);
  return toJson({
    offset,
    position,
    ...fields,
    ...(decoded === null ? {} : { decoded }),
    ...(record.sequence >= 0 ? { sequence: record.sequence } : {}),
    ...(producerId >= 0n ? { producerId, producerEpoch } : {}),
    ...(isTransactional ? { isTransactional } : {}),
    timestampType,
    partitionLeaderEpoch,
    compression,
    magic,
  });
}

function decodedText({ key, value, control, problem }: Decoded): string {
  if (problem !== undefined) return `cannot be decoded: ${problem}`;
  if (control !== undefined) return toJson(control);
  const keyText = key === undefined ? '' : `${key.name} ${withoutTags(key.value)} `;
  if (value === null) return `${keyText}(deleted)`;
  return value === undefined ? keyText : `${keyText}${value.name} v${value.version} ${withoutTags(value.value)}`;
}

function withoutTags(value: unknown): string {
  return toJson(value)
    .replaceAll(/,?"unknownTaggedFields":\[\]/g, '')
    .replaceAll('{,', '{');
}

/** The indexes that lie beside a log, each checked while the log goes by. */
class Indexes {
  readonly #offsets: OffsetIndexCheck | null = null;
  readonly #times: TimeIndexCheck | null = null;
  readonly #aborted: TransactionIndexCheck | null = null;

  constructor(path: string | undefined) {
    if (path === undefined || !path.endsWith('.log')) return;
    const baseOffset = baseOffsetOf(path);
    const offsets = tryRead(path.replace(/\.log$/, '.index'));
    const times = tryRead(path.replace(/\.log$/, '.timeindex'));
    if (offsets !== null) this.#offsets = new OffsetIndexCheck(readOffsetIndex(offsets, baseOffset));
    const aborted = tryRead(path.replace(/\.log$/, '.txnindex'));
    if (aborted !== null) this.#aborted = new TransactionIndexCheck(aborted);
    if (times !== null) this.#times = new TimeIndexCheck(readTimeIndex(times, baseOffset));
  }

  see(position: number, batch: RecordBatch): void {
    this.#aborted?.see(batch);
    if (this.#offsets === null && this.#times === null) return;
    const { lastOffset, maxTimestamp: maxTimestampMs } = batch;
    // In an old compressed entry the first offset shows only inside.
    const baseOffset = batch.magic < 2 && batch.compression !== 'none' ? lastOffset : batch.baseOffset;
    const place = { position, baseOffset, lastOffset, maxTimestampMs };
    this.#offsets?.see(place);
    this.#times?.see(place);
  }

  end(logBytes: number): { found: string[]; faults: string[] } {
    const named = (ending: string, faults: readonly SideFault[] = []) =>
      faults.map(({ at, problem }) => `${ending}, byte ${at}: ${problem}`);
    const faults = [
      ...named('.index', this.#offsets?.end(logBytes)),
      ...named('.timeindex', this.#times?.end()),
      ...named('.txnindex', this.#aborted?.end()),
    ];
    const checks = { '.index': this.#offsets, '.timeindex': this.#times, '.txnindex': this.#aborted };
    const found = Object.entries(checks).flatMap(([ending, check]) => (check === null ? [] : [ending]));
    return { found, faults };
  }
}

function tryRead(path: string): Uint8Array | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}
