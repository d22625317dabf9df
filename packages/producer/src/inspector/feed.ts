import { softwareVersion } from '../version.ts';
import { amountsOf } from './amounts.ts';
import type { EngineView } from './engine-view.ts';
import { type Frame, feedFormat, type Hello, type InspectorAction, type Note, type Totals } from './feed-format.ts';
import { MachineWatch } from './machine-watch.ts';
import { TrafficWatch } from './traffic-watch.ts';

/** Four times a second: fast enough for an eye, and a few hundred microseconds of work each. */
const frameMs = 250;
/** While nothing changes, one frame in so many is told. */
const quietFrames = 4;
const mostNotes = 100;
/** What is kept for whoever looks later: a minute at least, if its frames are not large. */
const mostPast = 240;
const mostPastBytes = 1_000_000;
const mostText = 500;

/** A frame, and its JSON: made once, however many look. */
export type FeedListener = (json: string, frame: Frame) => void;

/**
 * Tells how a producer is, from the moment it is made until it is closed. Between frames, and of the frames that were,
 * it keeps a bounded amount, come what may.
 */
export class Feed {
  readonly #view: EngineView;
  readonly #allow: readonly InspectorAction[];
  readonly #traffic: TrafficWatch;
  readonly #endings: (() => void)[] = [];
  readonly #listeners = new Set<FeedListener>();
  readonly #machines: MachineWatch;
  #timer: unknown = null;
  #past: string[] = [];
  #pastBytes = 0;
  #notes: Note[] = [];
  #droppedNotes = 0;
  #skipped = 0;
  #lastTotals = '';
  #isClosed = false;

  constructor(view: EngineView, allow: readonly InspectorAction[]) {
    const { actor, clock, events } = view;
    this.#view = view;
    this.#allow = allow;
    this.#traffic = new TrafficWatch(() => clock.now());
    this.#machines = new MachineWatch(
      actor,
      () => clock.now(),
      () => clock.epochMs(),
    );
    this.#schedule();
    this.#endings.push(
      () => this.#machines.stop(),
      view.watch(this.#traffic),
      events.add('deliveryFailed', ({ error }) => this.note('failed', error.message)),
      events.add('throttled', ({ broker, throttleMs }) => {
        this.#traffic.throttled(broker, throttleMs);
        this.note('throttled', `${broker} asks for a pause of ${throttleMs} ms`);
      }),
      events.add('rebootstrapped', ({ reason }) => this.note('rebootstrapped', reason)),
      events.add('warning', ({ message }) => this.note('warning', message)),
      events.add('stateChanged', ({ to }) => {
        // The process may end with it: what there is to see is told before.
        if (to === 'closed') this.#tell();
      }),
    );
  }

  get hello(): Hello {
    const { settings, clock } = this.#view;
    const { clientId, transactionalId, bufferBytes, maxInFlight } = settings;
    return {
      kind: 'hello',
      format: feedFormat,
      version: softwareVersion,
      clientId,
      transactionalId,
      pid: process.pid,
      at: clock.epochMs(),
      allow: this.#allow,
      limits: { bufferBytes, maxInFlight },
    };
  }

  /** What was told so far, as the JSON of one message. */
  get past(): string {
    return `{"kind":"past","frames":[${this.#past.join(',')}]}`;
  }

  /** The first frame comes at once. The function returned ends it. */
  listen(listener: FeedListener): () => void {
    if (this.#isClosed) return () => {};
    this.#listeners.add(listener);
    this.#tell();
    return () => this.#listeners.delete(listener);
  }

  note(kind: Note['kind'], text: string): void {
    if (this.#isClosed) return;
    if (this.#notes.length >= mostNotes) this.#droppedNotes++;
    else this.#notes.push({ at: this.#view.clock.epochMs(), kind, text: text.slice(0, mostText) });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#tell();
    this.#isClosed = true;
    this.#listeners.clear();
    this.#view.clock.clearTimeout(this.#timer);
    for (const end of this.#endings) end();
  }

  #schedule(): void {
    this.#timer = this.#view.clock.setTimeout(() => {
      this.#schedule();
      this.#tick();
    }, frameMs);
  }

  /** Nothing happens: a frame now and then shows that it is so. */
  #tick(): void {
    const totals = JSON.stringify(this.#totals());
    const isQuiet = totals === this.#lastTotals && this.#notes.length === 0 && !this.#machines.hasSteps;
    this.#lastTotals = totals;
    if (isQuiet && ++this.#skipped < quietFrames) return;
    this.#skipped = 0;
    this.#tell();
  }

  #tell(): void {
    const frame = this.#frame();
    const json = JSON.stringify(frame);
    const kept = json.length <= mostPastBytes / mostPast ? json : JSON.stringify(withoutTables(frame));
    this.#past.push(kept);
    this.#pastBytes += kept.length;
    while (this.#past.length > mostPast || this.#pastBytes > mostPastBytes) {
      this.#pastBytes -= this.#past.shift()!.length;
    }
    for (const listener of [...this.#listeners]) listener(json, frame);
  }

  #frame(): Frame {
    const { steps, dropped, spent } = this.#machines.take();
    const notes = this.#notes;
    const droppedNotes = this.#droppedNotes;
    this.#notes = [];
    this.#droppedNotes = 0;
    return {
      kind: 'frame',
      at: this.#view.clock.epochMs(),
      totals: this.#totals(),
      recordLatency: this.#traffic.records.take(),
      requestLatency: this.#traffic.allRequests.take(),
      machines: this.#machines.views(),
      spent,
      ...amountsOf(this.#view, this.#traffic),
      steps,
      notes,
      dropped: dropped + droppedNotes,
    };
  }

  #totals(): Totals {
    const { accumulator } = this.#view;
    const { deliveredRecords, deliveredBytes, failed, batches, requests, retries } = this.#traffic;
    return {
      delivered: deliveredRecords,
      deliveredBytes,
      failed,
      batches,
      requests,
      retries,
      unsettled: accumulator.unsettled,
      unsent: accumulator.unsent,
      waiting: waitingRecords(this.#view),
      bufferedBytes: accumulator.bufferedBytes,
      inFlightRequests: this.#view.inFlightRequests(),
    };
  }
}

/**
 * What charts and log are made of, and the state of the producer. Tables show the present, and those of thirty brokers
 * would leave room for seconds only.
 */
function withoutTables(frame: Frame): Frame {
  const machines = frame.machines.filter(({ machine }) => machine !== 'broker');
  return { ...frame, machines, brokers: [], partitions: [] };
}

function waitingRecords({ intake }: EngineView): number {
  let count = intake.lineLength;
  for (const topic of intake.waitingTopics) count += topic.waiting.length;
  return count;
}
