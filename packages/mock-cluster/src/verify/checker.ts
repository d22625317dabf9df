import type { Compressions } from '@kiel/codec';
import type { RequestEntry } from '../requests.ts';
import { accountOf } from './account.ts';
import type { History, OfferedRecord, Report } from './history.ts';
import { IdTable } from './id-table.ts';
import { PlaceTable } from './place-table.ts';
import { fingerprint, forEachStored, isAlike, type JudgedPartition, type StoredRecord } from './stored.ts';
import { Twins } from './twins.ts';

/** What can be wrong with a log. */
export type ViolationKind =
  | 'never-settled'
  | 'settled-twice'
  | 'unknown-report'
  | 'lost'
  | 'misplaced'
  | 'duplicated'
  | 'stored-after-no'
  | 'missing-after-yes'
  | 'out-of-order'
  | 'foreign'
  | 'wrong-partition'
  | 'wrong-timestamp'
  | 'torn-transaction'
  | 'lost-transaction'
  | 'zombie-transaction';

/** One thing that is wrong, in words, with where it is. */
export interface Violation {
  readonly kind: ViolationKind;
  /** What is wrong, in a sentence or two. */
  readonly text: string;
  /** The ids of the offered records that it is about. */
  readonly records: readonly number[];
  /** What happened to them on the way, oldest first, as far as the cluster remembers. */
  readonly account: readonly string[];
}

/** What the checker found. Prints as an account for people. */
export class Verdict {
  readonly violations: readonly Violation[];
  /** Violations beyond those that are kept, which are the first 100. */
  readonly more: number;
  readonly offered: number;
  readonly acked: number;
  readonly failed: number;
  readonly stored: number;

  constructor(
    violations: readonly Violation[],
    more: number,
    counts: { offered: number; acked: number; failed: number; stored: number },
  ) {
    this.violations = violations;
    this.more = more;
    this.offered = counts.offered;
    this.acked = counts.acked;
    this.failed = counts.failed;
    this.stored = counts.stored;
  }

  get ok(): boolean {
    return this.violations.length === 0;
  }

  toString(): string {
    const head = `${this.offered} records offered, ${this.acked} acknowledged, ${this.failed} failed, ${this.stored} in the logs`;
    if (this.ok) return `${head}: everything is as it should be`;
    const count = this.violations.length + this.more;
    const lines = this.violations.map(({ kind, text, account }) => {
      const story = account.map((line) => `\n      ${line}`).join('');
      return `  - ${kind}: ${text}${story}`;
    });
    const rest = this.more > 0 ? [`  and ${this.more} more`] : [];
    return [`${head}: ${count} ${count === 1 ? 'violation' : 'violations'}`, ...lines, ...rest].join('\n');
  }
}

export interface CheckInput {
  readonly history: History;
  readonly partitions: readonly JudgedPartition[];
  readonly compressions: Compressions;
  readonly requests: readonly RequestEntry[];
  /** Topics of which records went away by an administrator's hand: missing ones are no loss. */
  readonly purgedTopics: ReadonlySet<string>;
}

const KEPT = 100;

/** Offered records by fingerprint, then by id: most fingerprints have one. */
type Index = Map<number, OfferedRecord | Twins>;

/** Holds what an application lived through against what lies in the logs. */
export function check(input: CheckInput): Verdict {
  return new Checker(input).run();
}

class Checker {
  readonly #input: CheckInput;
  readonly #violations: Violation[] = [];
  #more = 0;
  readonly #reports = new IdTable<Report>();
  readonly #offered = new IdTable<OfferedRecord>();
  /** Acknowledged records by the place reported for them: most of a log is told by it, at a tenth of the cost. */
  readonly #places: PlaceTable;
  /** Made when the first record turns up that no acknowledgement named at its place. */
  #index: Index | null = null;
  readonly #seeds = new Map<string, number>();
  /** Where each offered record was first found, and how often. */
  readonly #found = new IdTable<StoredRecord>();
  readonly #copies = new Map<number, StoredRecord[]>();
  #stored = 0;
  #acked = 0;

  constructor(input: CheckInput) {
    this.#input = input;
    this.#places = new PlaceTable(input.partitions);
  }

  run(): Verdict {
    const { history } = this.#input;
    for (const record of history.offered) this.#offered.set(record.id, record);
    this.#readReports();
    for (const partition of this.#input.partitions) this.#scan(partition);
    this.#judgeCopies();
    for (const record of history.offered) this.#judge(record);
    this.#judgeTransactions();
    const acked = this.#acked;
    const failed = this.#reports.size - acked;
    return new Verdict(this.#violations, this.#more, {
      offered: history.offered.length,
      acked,
      failed,
      stored: this.#stored,
    });
  }

  #readReports(): void {
    for (const report of this.#input.history.reports) {
      const record = this.#offered.get(report.id);
      if (record === undefined) {
        this.#say('unknown-report', `a report came for record ${report.id}, which nobody offered`, []);
      } else if (this.#reports.has(report.id)) {
        const first = describeReport(this.#reports.get(report.id)!);
        this.#say('settled-twice', `${name(record)} settled twice: ${first}, and then ${describeReport(report)}`, [
          record,
        ]);
      } else {
        this.#reports.set(report.id, report);
        if (report.outcome !== 'acked') continue;
        this.#acked++;
        if (report.offset >= 0n) this.#places.add(record, report.partition, Number(report.offset));
      }
    }
  }

  #fingerprint(topic: string, key: Uint8Array | null, value: Uint8Array | null): number {
    let seed = this.#seeds.get(topic);
    if (seed === undefined) {
      seed = this.#seeds.size * 2 + 1;
      this.#seeds.set(topic, seed);
    }
    return fingerprint(seed, key, value);
  }

  #indexed(): Index {
    const index: Index = new Map();
    for (const record of this.#input.history.offered) {
      const print = this.#fingerprint(record.topic, record.key, record.value);
      const there = index.get(print);
      if (there === undefined) index.set(print, record);
      else if (there instanceof Twins) there.add(record);
      else index.set(print, new Twins(there, record));
    }
    return index;
  }

  #scan(partition: JudgedPartition): void {
    const { ordered = true } = this.#input.history;
    const reported = this.#places.of(partition);
    const last = new Map<string, { record: OfferedRecord; stored: StoredRecord }>();
    forEachStored(partition, this.#input.compressions, (stored, key, value) => {
      this.#stored++;
      const named = reported?.get(stored.offset);
      const record =
        named !== undefined && isAlike(named, stored, key, value) ? named : this.#match(stored, key, value);
      if (record === null) {
        this.#say('foreign', `nobody offered what lies at ${place(stored)}: ${shortText(value)}`, []);
        return;
      }
      if (record.partition !== undefined && record.partition !== stored.partition) {
        this.#say(
          'wrong-partition',
          `${name(record)} was meant for partition ${record.partition} and lies at ${place(stored)}`,
          [record],
        );
      }
      const first = this.#found.get(record.id);
      if (first !== undefined) {
        const copies = this.#copies.get(record.id);
        if (copies === undefined) this.#copies.set(record.id, [first, stored]);
        else copies.push(stored);
        return;
      }
      this.#found.set(record.id, stored);
      if (!ordered) return;
      const producer = record.producer ?? '';
      const before = last.get(producer);
      if (before === undefined) last.set(producer, { record, stored });
      else if (before.record.id > record.id) {
        const text = `${name(record)} was offered before ${name(before.record)}, and lies behind it: at ${place(stored)}, the other at ${place(before.stored)}`;
        this.#say('out-of-order', text, [record, before.record]);
      } else {
        before.record = record;
        before.stored = stored;
      }
    });
  }

  /** The offered record that these bytes are; of several alike the one reported at this offset, or the next one unseen. */
  #match(stored: StoredRecord, key: Uint8Array | null, value: Uint8Array | null): OfferedRecord | null {
    this.#index ??= this.#indexed();
    const there = this.#index.get(this.#fingerprint(stored.topic, key, value));
    if (there === undefined) return null;
    if (there instanceof Twins) return there.match(stored, key, value, this.#reports, this.#found);
    return isAlike(there, stored, key, value) ? there : null;
  }

  #judgeCopies(): void {
    const { idempotent = true } = this.#input.history;
    if (!idempotent) return;
    for (const [id, copies] of this.#copies) {
      const record = this.#offered.get(id)!;
      // A transaction that was aborted and tried again leaves copies that no committed reader sees.
      const visible = copies.filter(({ fate }) => fate !== 'aborted');
      if (visible.length <= 1) continue;
      this.#say(
        'duplicated',
        `${name(record)} lies in the log ${visible.length} times: at ${visible.map(place).join(' and ')}`,
        [record],
      );
    }
  }

  #judge(record: OfferedRecord): void {
    const { finished = true, durable = true } = this.#input.history;
    const report = this.#reports.get(record.id);
    const found = this.#found.get(record.id);
    if (report === undefined) {
      if (finished) this.#say('never-settled', `${name(record)} was accepted and never settled`, [record]);
      return;
    }
    const isPurged = this.#input.purgedTopics.has(record.topic);
    if (report.outcome === 'failed') {
      if (report.persisted === 'no' && found !== undefined && found.fate !== 'aborted') {
        this.#say(
          'stored-after-no',
          `${name(record)} was reported as not persisted (${report.code}), and lies at ${place(found)}`,
          [record],
        );
      }
      if (report.persisted === 'yes' && found === undefined && durable && !isPurged) {
        this.#say('missing-after-yes', `${name(record)} was reported as persisted (${report.code}), and is not there`, [
          record,
        ]);
      }
      return;
    }
    if (found === undefined) {
      if (!durable || isPurged || this.#isBelowStart(record, report)) return;
      this.#say('lost', `${name(record)} was acknowledged at ${reportPlace(record, report)}, and is not in the log`, [
        record,
      ]);
      return;
    }
    this.#judgePlace(record, report, found);
  }

  #judgePlace(record: OfferedRecord, report: Extract<Report, { outcome: 'acked' }>, found: StoredRecord): void {
    const copies = this.#copies.get(record.id) ?? [found];
    const isThere =
      report.offset < 0n ||
      copies.some(({ partition, offset }) => partition === report.partition && BigInt(offset) === report.offset);
    if (!isThere && !this.#isBelowStart(record, report) && !this.#input.purgedTopics.has(record.topic)) {
      this.#say(
        'misplaced',
        `${name(record)} was acknowledged at ${reportPlace(record, report)}, and lies at ${copies.map(place).join(' and ')}`,
        [record],
      );
    }
    const { timestampMs } = report;
    if (isThere && timestampMs !== undefined && timestampMs >= 0 && timestampMs !== found.timestampMs) {
      this.#say(
        'wrong-timestamp',
        `${name(record)} was acknowledged with timestamp ${timestampMs}, and has ${found.timestampMs}`,
        [record],
      );
    }
  }

  /** Whether retention or DeleteRecords took it away after the acknowledgement. */
  #isBelowStart(record: OfferedRecord, report: Extract<Report, { outcome: 'acked' }>): boolean {
    const partition = this.#input.partitions.find((p) => p.topic.name === record.topic && p.index === report.partition);
    if (partition === undefined) return false;
    return report.offset < 0n ? partition.log.logStartOffset > 0 : report.offset < BigInt(partition.log.logStartOffset);
  }

  #judgeTransactions(): void {
    const { transactions = [], offered } = this.#input.history;
    if (transactions.length === 0) return;
    const members = new Map<string, OfferedRecord[]>();
    for (const record of offered) {
      if (record.transaction === undefined) continue;
      const list = members.get(record.transaction);
      if (list === undefined) members.set(record.transaction, [record]);
      else list.push(record);
    }
    for (const { transaction, outcome } of transactions) {
      const records = members.get(transaction) ?? [];
      const visible = records.filter((record) => this.#isVisible(record));
      const acked = records.filter((record) => this.#reports.get(record.id)?.outcome === 'acked');
      if (outcome === 'aborted' && visible.length > 0) {
        this.#say(
          'zombie-transaction',
          `${transaction} was aborted, and ${visible.length} of its records are committed, first ${name(visible[0]!)}`,
          visible,
        );
      }
      if (outcome === 'committed') {
        const seen = new Set(visible);
        const missing = acked.filter((record) => !seen.has(record));
        if (missing.length > 0) {
          this.#say(
            'lost-transaction',
            `${transaction} was committed, and ${missing.length} of its ${acked.length} acknowledged records are not, first ${name(missing[0]!)}`,
            missing,
          );
        }
      }
      if (outcome === 'unknown' && visible.length > 0 && visible.length < acked.length) {
        this.#say(
          'torn-transaction',
          `${transaction}: ${visible.length} records are committed and ${acked.length - visible.length} are not`,
          acked,
        );
      }
    }
  }

  #isVisible(record: OfferedRecord): boolean {
    const copies = this.#copies.get(record.id);
    if (copies !== undefined) return copies.some(({ fate }) => fate === 'committed' || fate === 'none');
    const fate = this.#found.get(record.id)?.fate;
    return fate === 'committed' || fate === 'none';
  }

  #say(kind: ViolationKind, text: string, records: readonly OfferedRecord[]): void {
    if (this.#violations.length >= KEPT) {
      this.#more++;
      return;
    }
    // Stories are long: only the first few violations get one.
    const account =
      this.#violations.length < 5 ? accountOf(records, this.#reports, this.#found, this.#input.requests) : [];
    this.#violations.push({ kind, text, records: records.map(({ id }) => id), account });
  }
}

function name(record: OfferedRecord): string {
  const key = record.key === null ? '' : ` with key ${shortText(record.key)}`;
  return `record ${record.id} (${record.topic}, ${shortText(record.value)}${key})`;
}

function place(stored: StoredRecord): string {
  return `${stored.topic}-${stored.partition}@${stored.offset}${stored.fate === 'none' ? '' : ` (${stored.fate})`}`;
}

function reportPlace(record: OfferedRecord, report: Extract<Report, { outcome: 'acked' }>): string {
  return `${record.topic}-${report.partition}@${report.offset < 0n ? '?' : report.offset}`;
}

export function describeReport(report: Report): string {
  if (report.outcome === 'failed') return `failed with ${report.code}, persisted: ${report.persisted}`;
  return `acknowledged at partition ${report.partition}, offset ${report.offset}`;
}

function shortText(bytes: Uint8Array | null): string {
  if (bytes === null) return 'null';
  const text = Buffer.from(bytes.subarray(0, 40)).toString('utf8');
  return JSON.stringify(bytes.length > 40 ? `${text}…` : text);
}
