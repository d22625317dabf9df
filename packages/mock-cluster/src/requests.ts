import type { Touched } from './faults/rule.ts';

/** What became of a request. */
export type Outcome =
  /** Not decided yet. */
  | 'pending'
  | 'answered'
  /** It wanted no answer (acks=0), or a rule kept it back for good. */
  | 'unanswered'
  /** The connection was ended instead. */
  | 'closed';

/** One request as a broker saw it, for tests to look at. */
export interface RequestEntry {
  readonly id: number;
  /** Milliseconds since the cluster's start, on the clock of the connection's side. */
  readonly atMs: number;
  readonly broker: number;
  /** The client's end of the connection. */
  readonly remote: string;
  /** Null when the bytes were no request that could be read. */
  readonly api: string | null;
  readonly version: number;
  readonly correlationId: number;
  readonly client: string | null;
  /** Bytes of its frame. */
  readonly bytes: number;
  /** The decoded request, as `@kiel/codec` gives it; null when it could not be read. */
  readonly request: unknown;
  response: unknown;
  outcome: Outcome;
  /** Why it was refused or the connection ended, in words. */
  reason: string | null;
  /** The rules that acted on it, as sentences. */
  faults: readonly string[];
  readonly touched: readonly Touched[];
  /** When the answer was sent; -1 before. */
  answeredMs: number;
}

/** Which requests to look at; what is left out matches all. */
export interface RequestFilter {
  readonly api?: string;
  readonly broker?: number;
  readonly topic?: string;
  readonly partition?: number;
  readonly client?: string;
  readonly outcome?: Outcome;
}

/** Hears of each request as its fate is known. */
export type RequestObserver = (entry: RequestEntry) => void;

/** The last requests, bounded in number and in bytes. */
export class RequestLog {
  readonly #limit: number;
  readonly #limitBytes: number;
  /** Those before `#first` are forgotten: null, so that the records they carried are free at once. */
  #entries: (RequestEntry | null)[] = [];
  #first = 0;
  #bytes = 0;
  #nextId = 0;
  readonly #observers: { readonly filter: RequestFilter; readonly observer: RequestObserver }[] = [];

  constructor(limit: number, limitBytes: number) {
    this.#limit = limit;
    this.#limitBytes = limitBytes;
  }

  /** Whether anybody looks at requests at all. */
  get isOn(): boolean {
    return this.#limit > 0 || this.#observers.length > 0;
  }

  nextId(): number {
    return this.#nextId++;
  }

  add(entry: RequestEntry): void {
    if (this.#limit === 0) return;
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
    while (this.#entries.length - this.#first > this.#limit || this.#bytes > this.#limitBytes) {
      if (this.#first >= this.#entries.length) break;
      this.#bytes -= this.#entries[this.#first]!.bytes;
      this.#entries[this.#first++] = null;
    }
    if (this.#first > this.#limit) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
  }

  /** Its fate is known. */
  settled(entry: RequestEntry): void {
    for (const { filter, observer } of [...this.#observers]) if (matches(entry, filter)) observer(entry);
  }

  find(filter: RequestFilter): RequestEntry[] {
    return this.#entries.slice(this.#first).filter((entry): entry is RequestEntry => matches(entry!, filter));
  }

  observe(filter: RequestFilter, observer: RequestObserver): () => void {
    const item = { filter, observer };
    this.#observers.push(item);
    return () => {
      const at = this.#observers.indexOf(item);
      if (at >= 0) this.#observers.splice(at, 1);
    };
  }

  clear(): void {
    this.#entries = [];
    this.#first = 0;
    this.#bytes = 0;
  }
}

function matches(entry: RequestEntry, filter: RequestFilter): boolean {
  if (filter.api !== undefined && entry.api !== filter.api) return false;
  if (filter.broker !== undefined && entry.broker !== filter.broker) return false;
  if (filter.client !== undefined && entry.client !== filter.client) return false;
  if (filter.outcome !== undefined && entry.outcome !== filter.outcome) return false;
  if (filter.topic === undefined && filter.partition === undefined) return true;
  return entry.touched.some(
    (t) => (filter.topic ?? t.topic) === t.topic && (filter.partition ?? t.partition) === t.partition,
  );
}
