import type { BrokerView, Frame, MachineView, PartitionView, Percentiles } from '../src/inspector/feed-format.ts';
import { byId, el, setAttribute, setText } from './dom.ts';
import { amount, bytes, count, duration, durations, shortened } from './format.ts';
import type { Model, Moment } from './model.ts';
import { type Cell, Rows } from './rows.ts';
import { StatechartView } from './statechart.ts';
import { toneOf } from './tones.ts';

interface Tile {
  readonly title: string;
  readonly hint: string;
  readonly show: (frame: Frame, model: Model) => Cell;
}

/** Over the last two seconds: a single frame jumps. The last frame of all comes with the end: nothing goes any more. */
function recent(frame: Frame, model: Model, value: (moment: Moment) => number): number {
  if (frame.machines.find(({ actor }) => actor === 'producer')?.state === 'closed') return 0;
  const until = model.moments.at(-1)?.at ?? 0;
  const last = model.moments.slice(-8).filter(({ at }) => at > until - 2000);
  const spanMs = last.reduce((sum, moment) => sum + moment.spanMs, 0);
  return spanMs === 0 ? 0 : last.reduce((sum, moment) => sum + value(moment) * moment.spanMs, 0) / spanMs;
}

function latest(model: Model, value: (moment: Moment) => number | null): number | null {
  for (let index = model.moments.length - 1; index >= 0; index--) {
    const found = value(model.moments[index]!);
    if (found !== null) return found;
  }
  return null;
}

const tiles: readonly Tile[] = [
  {
    title: 'Delivered',
    hint: 'records a second, over two seconds',
    show: (frame, model) => ({ text: `${amount(recent(frame, model, (moment) => moment.recordsPerSecond))}/s` }),
  },
  {
    title: 'Throughput',
    hint: 'bytes of stored batches a second, before compression',
    show: (frame, model) => ({ text: `${bytes(recent(frame, model, (moment) => moment.bytesPerSecond))}/s` }),
  },
  {
    title: 'In flight',
    hint: 'Produce requests without answer',
    show: ({ totals }) => ({ text: `${count(totals.inFlightRequests)} req` }),
  },
  {
    title: 'Queued',
    hint: 'records that were accepted and are not on their way',
    show: ({ totals }) => ({ text: `${amount(totals.unsent)} rec` }),
  },
  {
    title: 'Waiting',
    hint: "records that wait for their topic's metadata, or for room in the buffer",
    show: ({ totals }) => ({ text: `${amount(totals.waiting)} rec`, tone: totals.waiting > 0 ? 'warn' : '' }),
  },
  {
    title: 'Buffer',
    hint: 'bytes of records that are not settled, and their share of bufferBytes',
    show: ({ totals }, { hello }) => {
      const share = hello === null ? 0 : totals.bufferedBytes / hello.limits.bufferBytes;
      return { text: bytes(totals.bufferedBytes), bar: share, tone: share > 0.9 ? 'warn' : '' };
    },
  },
  {
    title: 'p99',
    hint: 'from produce() of the first record of a batch to its answer',
    show: (_, model) => {
      const found = latest(model, (moment) => moment.p99);
      return { text: found === null ? '–' : duration(found) };
    },
  },
  {
    title: 'Retries',
    hint: 'batches that came back to be sent again, since the inspector was opened',
    show: ({ totals }, model) => ({
      text: amount(totals.retries),
      tone: model.moments.slice(-8).some(({ retries }) => retries > 0) ? 'warn' : '',
    }),
  },
  {
    title: 'Failed',
    hint: 'records that were not delivered, since the inspector was opened',
    show: ({ totals }) => ({ text: amount(totals.failed), tone: totals.failed > 0 ? 'bad' : '' }),
  },
];

/** The row of figures on top. */
export class TilesView {
  readonly #values: HTMLElement[];

  constructor() {
    this.#values = tiles.map(({ title, hint }) => {
      const value = el('dd', {}, '–');
      byId('tiles').append(el('div', { class: 'tile', title: hint }, el('dt', {}, title), value));
      return value;
    });
  }

  show(frame: Frame, model: Model): void {
    tiles.forEach(({ show }, index) => {
      const { text, tone = '', bar } = show(frame, model);
      const value = this.#values[index]!;
      setText(value, text);
      setAttribute(value, 'data-tone', tone);
      if (bar !== undefined) value.style.setProperty('--bar', `${Math.max(bar > 0 ? 1 : 0, Math.round(bar * 100))}%`);
      value.classList.toggle('barred', bar !== undefined);
    });
  }
}

/** Brokers with their amounts, and the state of their machine. */
export class BrokersView {
  readonly #rows: Rows<BrokerView>;
  #machines = new Map<string, MachineView>();
  #mostInFlight = 5;
  readonly #latencies = new Map<string, Percentiles>();

  constructor() {
    const number = (value: number, tone = ''): Cell => ({ text: count(value), tone: value > 0 ? tone : 'none' });
    this.#rows = new Rows<BrokerView>(
      byId('brokers'),
      'Brokers',
      [
        { name: 'broker', title: 'Broker', cell: (broker) => this.#name(broker) },
        { name: 'state', title: 'State', cell: (broker) => this.#state(broker) },
        {
          name: 'inFlight',
          title: 'In flight',
          cell: ({ inFlight }) => ({
            text: `${count(inFlight)}/${count(this.#mostInFlight)}`,
            tone: inFlight > 0 ? '' : 'none',
            bar: inFlight / this.#mostInFlight,
          }),
        },
        { name: 'queued', title: 'Queued', cell: ({ queued }) => number(queued) },
        { name: 'retrying', title: 'Retrying', cell: ({ retrying }) => number(retrying, 'warn') },
        {
          name: 'throttled',
          title: 'Throttled',
          cell: ({ throttledMs }) =>
            throttledMs > 0 ? { text: duration(throttledMs), tone: 'warn' } : { text: '–', tone: 'none' },
        },
        { name: 'latency', title: 'p50 / p99', cell: (broker) => this.#latency(broker) },
      ],
      ({ actor }) => actor,
      'No broker is connected to.',
    );
  }

  show(frame: Frame, mostInFlight: number): void {
    this.#mostInFlight = mostInFlight;
    this.#machines = new Map(frame.machines.map((machine) => [machine.actor, machine]));
    this.#rows.show(frame.brokers);
  }

  #name({ nodeId, address, rack }: BrokerView): Cell {
    const name = nodeId === null ? 'bootstrap' : `node ${nodeId}`;
    return { text: `${name} · ${address}`, title: rack === null ? '' : `rack ${rack}` };
  }

  #state({ actor, lastError }: BrokerView): Cell {
    const state = this.#machines.get(actor)?.state ?? '–';
    return { text: state, tone: `pill ${toneOf('broker', state)}`, title: lastError ?? '' };
  }

  #latency({ actor, requestLatency }: BrokerView): Cell {
    if (requestLatency !== null) this.#latencies.set(actor, requestLatency);
    const found = this.#latencies.get(actor);
    if (found === undefined) return { text: '–', tone: 'none' };
    return { text: durations(found.p50, found.p99), tone: requestLatency === null ? 'none' : '' };
  }
}

/** Partitions that have something in them, the fullest first. */
export class PartitionsView {
  readonly #note = byId('partitions-note');
  readonly #rows: Rows<PartitionView>;
  #mostBytes = 1;

  constructor() {
    const number = (value: number, tone = ''): Cell => ({ text: count(value), tone: value > 0 ? tone : 'none' });
    this.#rows = new Rows<PartitionView>(
      byId('partitions'),
      'Partitions',
      [
        {
          name: 'partition',
          title: 'Partition',
          cell: ({ topic, partition }) => ({
            text: `${shortened(topic, 20)} · ${partition}`,
            title: `${topic} · ${partition}`,
          }),
        },
        {
          name: 'leader',
          title: 'Leader',
          cell: ({ leader }) => (leader === null ? { text: 'none', tone: 'warn' } : { text: `node ${leader}` }),
        },
        { name: 'inFlight', title: 'In flight', cell: ({ inFlight }) => number(inFlight) },
        { name: 'queued', title: 'Queued', cell: ({ queued }) => number(queued) },
        {
          name: 'retrying',
          title: 'Retrying',
          cell: ({ retrying, backoffMs, attempts, lastError }) => ({
            text: retrying > 0 && backoffMs > 0 ? `${count(retrying)} in ${duration(backoffMs)}` : count(retrying),
            tone: retrying > 0 ? 'warn' : 'none',
            title: lastError === null ? '' : `${count(attempts)} attempts; last: ${lastError}`,
          }),
        },
        {
          name: 'records',
          title: 'Records',
          cell: ({ records, bytes: size }) => ({
            text: amount(records),
            title: bytes(size),
            bar: size / this.#mostBytes,
          }),
        },
        {
          name: 'age',
          title: 'Oldest',
          cell: ({ ageMs }) => ({ text: duration(ageMs), tone: ageMs > 5000 ? 'warn' : '' }),
        },
      ],
      ({ topic, partition }) => `${topic}-${partition}`,
      'Nothing waits and nothing is on its way.',
    );
  }

  show({ partitions, morePartitions }: Frame): void {
    this.#mostBytes = Math.max(1, partitions[0]?.bytes ?? 1);
    setText(
      this.#note,
      morePartitions > 0 ? `and ${count(morePartitions)} more` : 'batches on their way or waiting; the fullest first',
    );
    // In a steady order, or rows would jump about at every frame.
    const steady = [...partitions].sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition);
    this.#rows.show(steady);
  }
}

/** The producer's child machines: all by name and state, one of them drawn. */
export class MachinesView {
  readonly #host = byId('machines');
  readonly #context = byId('child-context');
  readonly #panel = byId('child-panel');
  readonly chart = new StatechartView(byId('child-chart'), 700);
  readonly #tabs = new Map<string, HTMLButtonElement>();
  chosen = 'metadata';
  readonly #model: Model;
  #frame: Frame | null = null;

  constructor(model: Model) {
    this.#model = model;
    this.#host.addEventListener('keydown', (event) => this.#move(event));
  }

  show(frame: Frame): void {
    this.#frame = frame;
    const children = this.#inOrder(frame.machines.filter(({ actor }) => actor !== 'producer'));
    const names = new Set(children.map(({ actor }) => actor));
    for (const [actor, tab] of this.#tabs) {
      if (names.has(actor)) continue;
      tab.remove();
      this.#tabs.delete(actor);
    }
    if (!names.has(this.chosen)) this.chosen = children[0]?.actor ?? '';
    for (const { actor, machine, state } of children) {
      const tab = this.#tab(actor);
      setText(tab.firstElementChild!, this.#model.nameOf(actor));
      setText(tab.lastElementChild!, state);
      setAttribute(tab, 'data-tone', toneOf(machine, state));
      setAttribute(tab, 'aria-selected', String(actor === this.chosen));
      tab.tabIndex = actor === this.chosen ? 0 : -1;
    }
    this.#order(children.map(({ actor }) => this.#tab(actor)));
    const machine = children.find(({ actor }) => actor === this.chosen);
    this.#panel.hidden = machine === undefined;
    if (machine === undefined) return;
    this.chart.show(machine.machine, machine.state);
    this.#showContext(machine);
  }

  /** Brokers by their numbers, after the others. */
  #inOrder(children: readonly MachineView[]): MachineView[] {
    const name = ({ actor }: MachineView) => this.#model.nameOf(actor);
    const isBroker = ({ machine }: MachineView) => Number(machine === 'broker');
    return children.toSorted(
      (a, b) => isBroker(a) - isBroker(b) || (isBroker(a) && name(a).localeCompare(name(b), 'en', { numeric: true })),
    );
  }

  /** Moves those only that are out of place: the one with the focus would lose it. */
  #order(tabs: readonly HTMLButtonElement[]): void {
    const focused = document.activeElement;
    tabs.forEach((tab, index) => {
      const there = this.#host.children[index];
      if (there !== tab) this.#host.insertBefore(tab, there ?? null);
    });
    if (focused instanceof HTMLButtonElement && focused !== document.activeElement) focused.focus();
  }

  choose(actor: string): void {
    this.chosen = actor;
    if (this.#frame !== null) this.show(this.#frame);
    this.#tabs.get(actor)?.focus();
  }

  #tab(actor: string): HTMLButtonElement {
    const found = this.#tabs.get(actor);
    if (found !== undefined) return found;
    const tab = el(
      'button',
      { type: 'button', role: 'tab', class: 'chip', 'data-actor': actor, 'aria-controls': 'child-panel', title: actor },
      el('span', { class: 'chip-name' }),
      el('span', { class: 'chip-state' }),
    );
    tab.addEventListener('click', () => this.choose(actor));
    this.#tabs.set(actor, tab);
    this.#host.append(tab);
    return tab;
  }

  #move(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const actors = [...this.#host.children].map((tab) => (tab as HTMLElement).dataset['actor']!);
    const at = actors.indexOf(this.chosen);
    this.choose(actors[(at + step + actors.length) % actors.length]!);
  }

  #showContext({ context }: MachineView): void {
    const parts = Object.entries(context).map(([name, value]) =>
      el('div', {}, el('dt', {}, name), el('dd', {}, value === null ? '–' : String(value))),
    );
    this.#context.replaceChildren(...parts);
  }
}
