import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { FeedMessage, Frame, Step } from '@kiel/producer/inspector';
import { exitCodes, Failure, fileFailure, messageOf, usage } from '../failure.ts';
import { watchFailure } from '../sending/producer-watch.ts';
import { Interrupt } from '../terminal/interrupt.ts';
import type { Output, Terminal } from '../terminal/output.ts';
import { bytes, count, duration } from '../terminal/quantity.ts';
import { feedLines } from './inspect-feed.ts';

export interface InspectFlags {
  port?: number;
  routine?: boolean;
  record?: string;
  json?: boolean;
}

/** Shows a recording in a page, or follows a producer that runs. */
export async function inspect(what: string, flags: InspectFlags, terminal: Terminal): Promise<number> {
  const isAddress = /^https?:\/\//.test(what);
  if (isAddress) {
    if (flags.port !== undefined) throw usage('--port is for a recording: a producer that runs has its page already.');
    return follow(new URL(what), flags, terminal);
  }
  const { routine, record, json } = flags;
  if (routine !== undefined || record !== undefined || json !== undefined) {
    throw usage('--routine, --record and --json are for a producer that runs.', 'Give its address instead of a file.');
  }
  return await show(what, flags.port, terminal);
}

async function show(path: string, port: number | undefined, terminal: Terminal): Promise<number> {
  const { openRecorded } = await import('@kiel/producer/inspector');
  using interrupt = new Interrupt(terminal, () => 'The page is gone.');
  try {
    await using page = await openRecorded(path, port === undefined ? {} : { port });
    terminal.out.line(`The recording is shown at ${page.url}`);
    terminal.out.line('Until Ctrl-C.');
    if (!interrupt.happened) await once(interrupt.signal, 'abort');
    return exitCodes.done;
  } catch (error) {
    const failure = watchFailure(fileFailure(path, error), port);
    if (failure !== error || !(error instanceof Error) || !('code' in error) || error.code !== 'NO_RECORDING') {
      throw failure;
    }
    throw usage(`${error.message}.`, '--record FILE of produce, bench and demo writes one.');
  }
}

async function follow(address: URL, flags: InspectFlags, terminal: Terminal): Promise<number> {
  const { out, err } = terminal;
  using interrupt = new Interrupt(terminal, () => '');
  const file = flags.record === undefined ? null : await createFile(flags.record);
  const lines = new StepLines(out, flags.routine === true);
  let isEmpty = true;
  for await (const json of feedLines(address, interrupt.signal)) {
    isEmpty = false;
    if (file !== null && !file.write(`${json}\n`)) await once(file, 'drain');
    if (flags.json === true) {
      await out.push(json);
      await out.flush();
    } else lines.tell(JSON.parse(json) as FeedMessage);
    if (out.isClosed) break;
  }
  if (file !== null) await new Promise<void>((resolve) => file.end(resolve));
  if (interrupt.happened) return exitCodes.interrupted;
  if (isEmpty) throw new Failure('The producer said nothing.');
  if (flags.json !== true) err.line('The producer cannot be heard any more: its process or its inspector has ended.');
  return exitCodes.done;
}

async function createFile(path: string) {
  const file = createWriteStream(path, { mode: 0o600 });
  try {
    await once(file, 'open');
  } catch (error) {
    throw usage(`Cannot record into ${path}: ${messageOf(error)}.`, 'Name a file in a folder that can be written to.');
  }
  return file;
}

/** What happens when all is well. */
const routine = new Set(['idle', 'batching', 'flushing']);
/** A line with figures now and then, while there is something to tell. */
const figuresEveryMs = 5000;

/** One line an event, with figures in between. */
class StepLines {
  readonly #out: Output;
  readonly #withRoutine: boolean;
  #told: Frame | null = null;

  constructor(out: Output, withRoutine: boolean) {
    this.#out = out;
    this.#withRoutine = withRoutine;
  }

  tell(message: FeedMessage): void {
    if (message.kind === 'hello') {
      this.#out.line(`${message.clientId}, pid ${message.pid}, kiel ${message.version}`);
      return;
    }
    // What was before is in the page, and in a recording.
    if (message.kind === 'past') return;
    for (const step of message.steps) if (this.#withRoutine || !isRoutine(step)) this.#step(step);
    for (const { at, kind, text } of message.notes) {
      this.#line(at, kind, kind === 'failed' ? this.#out.paint('red', text) : text);
    }
    if (message.dropped > 0) this.#line(message.at, '…', `${count(message.dropped)} more`);
    const before = this.#told;
    if (before === null) {
      this.#told = message;
      this.#line(message.at, 'producer', `is ${stateOf(message)}`);
    } else if (message.at - before.at >= figuresEveryMs) {
      this.#told = message;
      if (message.totals.delivered !== before.totals.delivered || message.totals.unsettled > 0) {
        this.#line(message.at, 'producer', figures(message, before));
      }
    }
  }

  #step({ at, actor, machine, event, from, to, count: times }: Step): void {
    const colour = /^(healing|backingOff|throttled|aborting|abortableError)$/.test(to) ? 'yellow' : 'green';
    const states = from === to ? `in ${to}` : `${from} → ${this.#out.paint(colour, to)}`;
    const name = machine === 'broker' ? actor.replace(/ #\d+$/, '') : actor;
    this.#line(at, name, `${states}  ${this.#out.paint('gray', event)}${times > 1 ? ` ×${count(times)}` : ''}`);
  }

  #line(at: number, name: string, text: string): void {
    const time = new Date(at).toISOString().slice(11, 23);
    this.#out.line(`${this.#out.paint('gray', time)}  ${name.padEnd(12)}  ${text}`);
  }
}

function isRoutine({ machine, from, to }: Step): boolean {
  return machine === 'producer' && routine.has(from) && routine.has(to);
}

function stateOf({ machines }: Frame): string {
  return machines.find(({ actor }) => actor === 'producer')?.state ?? 'closed';
}

function figures(frame: Frame, before: Frame): string {
  const { totals, recordLatency } = frame;
  const seconds = (frame.at - before.at) / 1000;
  const perSecond = (now: number, then: number) => Math.max(0, now - then) / seconds;
  return [
    stateOf(frame),
    `${count(Math.round(perSecond(totals.delivered, before.totals.delivered)))} records/s`,
    `${bytes(perSecond(totals.deliveredBytes, before.totals.deliveredBytes))}/s`,
    `${count(totals.unsettled)} under way`,
    recordLatency === null ? '' : `p99 ${duration(recordLatency.p99)}`,
    totals.failed > 0 ? `${count(totals.failed)} failed` : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
}
