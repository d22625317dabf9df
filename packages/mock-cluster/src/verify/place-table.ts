import type { OfferedRecord } from './history.ts';
import { IdTable } from './id-table.ts';
import type { JudgedPartition } from './stored.ts';

/** Records by their offset in one partition. */
class PartitionPlaces {
  readonly #start: number;
  // Counted from the start of the log, so that the ids stay dense.
  readonly #records = new IdTable<OfferedRecord>();

  constructor(startOffset: number) {
    this.#start = startOffset;
  }

  get(offset: number): OfferedRecord | undefined {
    return this.#records.get(offset - this.#start);
  }

  add(record: OfferedRecord, offset: number): void {
    // Of two that claim one place the first has it; the other is looked for by its bytes.
    if (this.get(offset) === undefined) this.#records.set(offset - this.#start, record);
  }
}

/** Acknowledged records by the place that was reported for them. */
export class PlaceTable {
  readonly #topics = new Map<string, PartitionPlaces[]>();

  constructor(partitions: readonly JudgedPartition[]) {
    for (const { topic, index, log } of partitions) {
      const places = this.#topics.get(topic.name) ?? [];
      places[index] = new PartitionPlaces(log.logStartOffset);
      this.#topics.set(topic.name, places);
    }
  }

  add(record: OfferedRecord, partition: number, offset: number): void {
    this.#topics.get(record.topic)?.[partition]?.add(record, offset);
  }

  of({ topic, index }: JudgedPartition): PartitionPlaces | undefined {
    return this.#topics.get(topic.name)?.[index];
  }
}
