import type { OfferedRecord, Report } from './history.ts';
import type { IdTable } from './id-table.ts';
import { isAlike, type StoredRecord } from './stored.ts';

/**
 * Offered records that share a fingerprint, which nearly always means that they are alike. A million equal records
 * are no reason to look at each for each: those acknowledged are found by their place, the others in their order.
 */
export class Twins {
  readonly #records: OfferedRecord[];
  #byPlace: Map<string, OfferedRecord> | null = null;
  /** Everything before it has been found in a log, or is acknowledged at a place of its own. */
  #next = 0;

  constructor(first: OfferedRecord, second: OfferedRecord) {
    this.#records = [first, second];
  }

  add(record: OfferedRecord): void {
    this.#records.push(record);
  }

  /** Which of them a stored record is: the one reported at this offset, or the next unseen one, or the first. */
  match(
    stored: StoredRecord,
    key: Uint8Array | null,
    value: Uint8Array | null,
    reports: IdTable<Report>,
    found: IdTable<StoredRecord>,
  ): OfferedRecord | null {
    this.#byPlace ??= this.#places(reports);
    const reported = this.#byPlace.get(`${stored.partition}@${stored.offset}`);
    if (reported !== undefined && isAlike(reported, stored, key, value)) return reported;
    const isTaken = (record: OfferedRecord) => found.has(record.id) || placeOf(reports.get(record.id)) !== null;
    while (this.#next < this.#records.length && isTaken(this.#records[this.#next]!)) this.#next++;
    for (let i = this.#next; i < this.#records.length; i++) {
      const record = this.#records[i]!;
      if (!isTaken(record) && isAlike(record, stored, key, value)) return record;
    }
    return this.#records.find((record) => isAlike(record, stored, key, value)) ?? null;
  }

  #places(reports: IdTable<Report>): Map<string, OfferedRecord> {
    const places = new Map<string, OfferedRecord>();
    for (const record of this.#records) {
      const place = placeOf(reports.get(record.id));
      if (place !== null && !places.has(place)) places.set(place, record);
    }
    return places;
  }
}

function placeOf(report: Report | undefined): string | null {
  if (report?.outcome !== 'acked' || report.offset < 0n) return null;
  return `${report.partition}@${report.offset}`;
}
