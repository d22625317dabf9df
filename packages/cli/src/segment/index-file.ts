import { basename } from 'node:path';

/** One entry of a `.index`: the batch at `position` holds `offset`. */
export interface OffsetEntry {
  readonly offset: bigint;
  readonly position: number;
}

/** One entry of a `.timeindex`: nothing up to `offset` is younger than `timestampMs`. */
export interface TimeEntry {
  readonly timestampMs: bigint;
  readonly offset: bigint;
}

/** What an index says against the log it belongs to. */
export interface IndexFault {
  /** Byte in the index file. */
  readonly at: number;
  readonly problem: string;
}

export const OFFSET_ENTRY_BYTES = 8;
export const TIME_ENTRY_BYTES = 12;

/** Kafka grows an index to its full size when it opens it: the zeros at the end are no entries. */
export function readOffsetIndex(bytes: Uint8Array, baseOffset: bigint): OffsetEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries: OffsetEntry[] = [];
  for (let at = 0; at + OFFSET_ENTRY_BYTES <= bytes.length; at += OFFSET_ENTRY_BYTES) {
    const relative = view.getInt32(at);
    const position = view.getInt32(at + 4);
    if (relative === 0 && position === 0 && at > 0) break;
    // A file of zeros only has no entries, but a first entry of zeros can be one where more follow.
    if (relative === 0 && position === 0 && !hasMore(view, OFFSET_ENTRY_BYTES)) break;
    entries.push({ offset: baseOffset + BigInt(relative), position });
  }
  return entries;
}

export function readTimeIndex(bytes: Uint8Array, baseOffset: bigint): TimeEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries: TimeEntry[] = [];
  for (let at = 0; at + TIME_ENTRY_BYTES <= bytes.length; at += TIME_ENTRY_BYTES) {
    const timestampMs = view.getBigInt64(at);
    const relative = view.getInt32(at + 8);
    if (timestampMs === 0n && relative === 0) break;
    entries.push({ timestampMs, offset: baseOffset + BigInt(relative) });
  }
  return entries;
}

function hasMore(view: DataView, size: number): boolean {
  return view.byteLength >= 2 * size && view.getInt32(size) !== 0;
}

/** What the checks need to know of each batch of the log, in order. */
export interface BatchPlace {
  readonly position: number;
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
  readonly maxTimestampMs: bigint;
}

/** Checks a `.index`: entries rise, and each points at the start of a batch that holds its offset. */
export class OffsetIndexCheck {
  readonly #entries: readonly OffsetEntry[];
  readonly #faults: IndexFault[] = [];
  #next = 0;

  constructor(entries: readonly OffsetEntry[]) {
    this.#entries = entries;
    for (let i = 1; i < entries.length; i++) {
      const [before, entry] = [entries[i - 1]!, entries[i]!];
      if (entry.offset > before.offset && entry.position > before.position) continue;
      this.#add(
        i,
        `entry ${i} (offset ${entry.offset}, position ${entry.position}) does not come after the one before it`,
      );
    }
  }

  see(batch: BatchPlace): void {
    for (let entry = this.#entries[this.#next]; entry !== undefined; entry = this.#entries[this.#next]) {
      if (entry.position > batch.position) return;
      const place = `entry ${this.#next} (offset ${entry.offset}, position ${entry.position})`;
      if (entry.position < batch.position) this.#add(this.#next, `${place} points into the middle of a batch`);
      else if (entry.offset < batch.baseOffset || entry.offset > batch.lastOffset) {
        this.#add(this.#next, `${place} points at the batch of offsets ${batch.baseOffset} to ${batch.lastOffset}`);
      }
      this.#next++;
    }
  }

  /** Only what the entries say about each other. */
  order(): readonly IndexFault[] {
    return this.#faults;
  }

  end(logBytes: number): IndexFault[] {
    for (; this.#next < this.#entries.length; this.#next++) {
      const entry = this.#entries[this.#next]!;
      this.#add(this.#next, `entry ${this.#next} points at byte ${entry.position}; the log ends at ${logBytes}`);
    }
    return this.#faults;
  }

  #add(index: number, problem: string): void {
    this.#faults.push({ at: index * OFFSET_ENTRY_BYTES, problem });
  }
}

/** Checks a `.timeindex`: entries rise, and each holds the youngest timestamp up to its offset. */
export class TimeIndexCheck {
  readonly #entries: readonly TimeEntry[];
  readonly #faults: IndexFault[] = [];
  #next = 0;
  #youngest = -1n;

  constructor(entries: readonly TimeEntry[]) {
    this.#entries = entries;
    for (let i = 1; i < entries.length; i++) {
      const [before, entry] = [entries[i - 1]!, entries[i]!];
      if (entry.timestampMs > before.timestampMs && entry.offset >= before.offset) continue;
      this.#add(i, `entry ${i} (${entry.timestampMs}, offset ${entry.offset}) does not come after the one before it`);
    }
  }

  see(batch: BatchPlace): void {
    if (batch.maxTimestampMs > this.#youngest) this.#youngest = batch.maxTimestampMs;
    for (let entry = this.#entries[this.#next]; entry !== undefined; entry = this.#entries[this.#next]) {
      if (entry.offset > batch.lastOffset) return;
      if (entry.timestampMs !== this.#youngest) {
        const found = `the youngest record up to it is of ${this.#youngest}`;
        this.#add(this.#next, `entry ${this.#next} says ${entry.timestampMs} for offset ${entry.offset}; ${found}`);
      }
      this.#next++;
    }
  }

  /** Only what the entries say about each other. */
  order(): readonly IndexFault[] {
    return this.#faults;
  }

  end(): IndexFault[] {
    for (; this.#next < this.#entries.length; this.#next++) {
      const entry = this.#entries[this.#next]!;
      this.#add(this.#next, `entry ${this.#next} names offset ${entry.offset}, behind the end of the log`);
    }
    return this.#faults;
  }

  #add(index: number, problem: string): void {
    this.#faults.push({ at: index * TIME_ENTRY_BYTES, problem });
  }
}

/** The offset a segment's files begin with, which is their name. */
export function baseOffsetOf(path: string | undefined): bigint {
  const digits = /^(\d{20})/.exec(basename(path ?? ''))?.[1];
  return digits === undefined ? 0n : BigInt(digits);
}
