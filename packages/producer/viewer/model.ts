import type { Frame, Hello, Note, Step } from '../src/inspector/feed-format.ts';

/** Frames that are kept: five minutes and a bit. */
const mostFrames = 1300;
const mostEntries = 1000;

export type Entry =
  | { readonly kind: 'step'; readonly id: number; readonly step: Step }
  | { readonly kind: 'note'; readonly id: number; readonly note: Note }
  | { readonly kind: 'gap'; readonly id: number; readonly at: number; readonly text: string };

/** A moment of the charts: what a frame says, and what it says beside the one before. */
export interface Moment {
  readonly at: number;
  readonly spanMs: number;
  readonly spent: Readonly<Record<string, number>>;
  readonly recordsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly bufferedBytes: number;
  readonly failed: number;
  readonly retries: number;
}

/** What the page knows: the last frame, and a bounded past. */
export class Model {
  hello: Hello | null = null;
  frame: Frame | null = null;
  moments: Moment[] = [];
  /** Oldest first. */
  entries: Entry[] = [];
  /** Actors of brokers by the number of the node, which a link may learn later than its name. */
  readonly #nodes = new Map<string, number>();
  #nextId = 0;

  begin(hello: Hello): void {
    const isSame = this.hello !== null && this.hello.pid === hello.pid && this.hello.clientId === hello.clientId;
    // Another process: its counts have nothing to do with those before.
    if (!isSame && this.hello !== null) this.clear();
    else if (this.hello !== null) this.#gap(hello.at, 'the connection was lost for a while');
    this.hello = hello;
  }

  clear(): void {
    this.frame = null;
    this.moments = [];
    this.entries = [];
  }

  take(frame: Frame): void {
    this.moments.push(momentOf(frame, this.frame));
    if (this.moments.length > mostFrames) this.moments.splice(0, this.moments.length - mostFrames);
    this.frame = frame;
    for (const { actor, nodeId } of frame.brokers) if (nodeId !== null) this.#nodes.set(actor, nodeId);
    const told: { at: number; entry: Entry }[] = [
      ...frame.steps.map((step) => ({ at: step.at, entry: { kind: 'step' as const, id: this.#nextId++, step } })),
      ...frame.notes.map((note) => ({ at: note.at, entry: { kind: 'note' as const, id: this.#nextId++, note } })),
    ].sort((a, b) => a.at - b.at);
    for (const { entry } of told) this.entries.push(entry);
    if (frame.dropped > 0) this.#gap(frame.at, `${frame.dropped} more that there was no room for`);
    if (this.entries.length > mostEntries) this.entries.splice(0, this.entries.length - mostEntries);
  }

  /** `node 2` for `bootstrap 10.0.0.1:9092 #1`, once it is known who that is; host and port are in the table. */
  nameOf(actor: string): string {
    const node = this.#nodes.get(actor);
    return node === undefined ? (/^(bootstrap|node \d+) /.exec(actor)?.[1] ?? actor) : `node ${node}`;
  }

  #gap(at: number, text: string): void {
    this.entries.push({ kind: 'gap', id: this.#nextId++, at, text });
  }
}

function momentOf(frame: Frame, before: Frame | null): Moment {
  const { at, totals, recordLatency, spent } = frame;
  const spanMs = before === null ? Object.values(spent).reduce((sum, ms) => sum + ms, 0) : Math.max(1, at - before.at);
  const perSecond = (now: number, then: number | undefined) =>
    then === undefined ? 0 : (Math.max(0, now - then) / spanMs) * 1000;
  return {
    at,
    spanMs,
    spent,
    recordsPerSecond: perSecond(totals.delivered, before?.totals.delivered),
    bytesPerSecond: perSecond(totals.deliveredBytes, before?.totals.deliveredBytes),
    p50: recordLatency?.p50 ?? null,
    p95: recordLatency?.p95 ?? null,
    p99: recordLatency?.p99 ?? null,
    bufferedBytes: totals.bufferedBytes,
    failed: Math.max(0, totals.failed - (before?.totals.failed ?? totals.failed)),
    retries: Math.max(0, totals.retries - (before?.totals.retries ?? totals.retries)),
  };
}
