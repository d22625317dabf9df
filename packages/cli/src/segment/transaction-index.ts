import { parseControlRecord, type RecordBatch } from '@kiel/codec';
import { type SideEntry, type SideFault, type SideFile, sizeFaults } from './side-file.ts';

/** One entry of a `.txnindex`: a transaction that was aborted. */
export interface AbortedEntry {
  readonly version: number;
  readonly producerId: bigint;
  readonly firstOffset: bigint;
  /** The offset of the abort marker. */
  readonly lastOffset: bigint;
  readonly lastStableOffset: bigint;
}

const ENTRY_BYTES = 34;

export function readTransactionIndex(bytes: Uint8Array): AbortedEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries: AbortedEntry[] = [];
  for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
    entries.push({
      version: view.getInt16(at),
      producerId: view.getBigInt64(at + 2),
      firstOffset: view.getBigInt64(at + 10),
      lastOffset: view.getBigInt64(at + 18),
      lastStableOffset: view.getBigInt64(at + 26),
    });
  }
  return entries;
}

/** What the entries of a `.txnindex` say, and what is wrong with them by themselves. */
export function transactionIndexFile(bytes: Uint8Array): SideFile {
  const entries = readTransactionIndex(bytes);
  return { entries: entries.map(entryOf), faults: [...sizeFaults(bytes, ENTRY_BYTES), ...ownFaults(entries)] };
}

function entryOf(entry: AbortedEntry): SideEntry {
  const { producerId, firstOffset, lastOffset, lastStableOffset } = entry;
  const text = `producer ${producerId}  aborted ${firstOffset}…${lastOffset}  last stable offset ${lastStableOffset}`;
  return { text, fields: { ...entry } };
}

function ownFaults(entries: readonly AbortedEntry[]): SideFault[] {
  return entries.flatMap(({ version, firstOffset, lastOffset, lastStableOffset }, i) => {
    const at = i * ENTRY_BYTES;
    if (version !== 0) return [{ at, problem: `entry ${i} has version ${version}, and only 0 is known` }];
    if (firstOffset < 0n || lastOffset < firstOffset)
      return [{ at: at + 10, problem: `entry ${i} ends at ${lastOffset}, and begins at ${firstOffset}` }];
    if (lastOffset <= (entries[i - 1]?.lastOffset ?? -1n))
      return [{ at: at + 18, problem: `entry ${i} (to ${lastOffset}) does not come after the one before it` }];
    if (lastStableOffset < 0n)
      return [{ at: at + 26, problem: `entry ${i} has a last stable offset of ${lastStableOffset}` }];
    return [];
  });
}

/** Checks a `.txnindex` against its log: an entry for every transaction aborted there, and none besides. */
export class TransactionIndexCheck {
  readonly #entries: readonly AbortedEntry[];
  readonly #faults: SideFault[];
  readonly #open = new Map<bigint, bigint>();
  #next = 0;

  constructor(bytes: Uint8Array) {
    this.#entries = readTransactionIndex(bytes);
    this.#faults = [...transactionIndexFile(bytes).faults];
  }

  see(batch: RecordBatch): void {
    if (!batch.isTransactional) return;
    const { producerId, baseOffset } = batch;
    if (!batch.isControl) {
      if (!this.#open.has(producerId)) this.#open.set(producerId, baseOffset);
      return;
    }
    const first = this.#open.get(producerId);
    this.#open.delete(producerId);
    if (!isAbort(batch)) return;
    const entry = this.#entries[this.#next];
    if (entry?.lastOffset !== baseOffset || entry.producerId !== producerId) {
      // A marker for a transaction that wrote nothing into this partition has no entry, nor can one that began in
      // an earlier segment be told from it.
      if (first === undefined) return;
      const at = this.#next * ENTRY_BYTES;
      this.#faults.push({ at, problem: `no entry for producer ${producerId}, aborted at offset ${baseOffset}` });
      return;
    }
    if (first !== undefined && entry.firstOffset !== first) {
      const problem = `entry ${this.#next} begins at ${entry.firstOffset}; the transaction in the log at ${first}`;
      this.#faults.push({ at: this.#next * ENTRY_BYTES + 10, problem });
    }
    this.#next++;
  }

  end(): readonly SideFault[] {
    for (; this.#next < this.#entries.length; this.#next++) {
      const { producerId, lastOffset } = this.#entries[this.#next]!;
      const problem = `entry ${this.#next}: the log has no abort of producer ${producerId} at offset ${lastOffset}`;
      this.#faults.push({ at: this.#next * ENTRY_BYTES, problem });
    }
    return this.#faults;
  }
}

function isAbort(batch: RecordBatch): boolean {
  for (const record of batch) return parseControlRecord(record).type === 'abort';
  return false;
}
