import type { Frame, Hello, Step } from '../src/inspector/feed-format.ts';
import { byId, el, setAttribute, setText } from './dom.ts';
import { bytes, count, duration } from './format.ts';
import { ask, listen } from './live.ts';
import { LogView } from './log.ts';
import { Model } from './model.ts';
import { BrokersView, MachinesView, PartitionsView, TilesView } from './panels.ts';
import { Plot } from './plot.ts';
import { loadSession, Player } from './recorded.ts';
import { StatechartView } from './statechart.ts';
import { setUpTheme } from './theme.ts';
import { Timeline } from './timeline.ts';
import { producerStates, toneOf } from './tones.ts';

/** Told aloud: what a listener who cannot see would want to be interrupted for. */
const announced = ['healing', 'closing', 'closed'];

class Viewer {
  readonly #model = new Model();
  readonly #tiles = new TilesView();
  readonly #brokers = new BrokersView();
  readonly #partitions = new PartitionsView();
  readonly #machines = new MachinesView(this.#model);
  readonly #producer = new StatechartView(byId('producer-chart'), 620);
  readonly #timeline = new Timeline(byId('timeline'));
  readonly #log = new LogView(this.#model);
  readonly #plots = [
    new Plot({
      title: 'Delivered',
      least: 10,
      format: (value) => `${count(Math.round(value))}/s`,
      isFilled: true,
      series: [{ name: 'records', tone: 'good', value: (moment) => moment.recordsPerSecond }],
    }),
    new Plot({
      title: 'Latency of batches',
      least: 1,
      format: duration,
      series: [
        { name: 'p99', tone: 'third', value: (moment) => moment.p99 },
        { name: 'p95', tone: 'second', value: (moment) => moment.p95 },
        { name: 'p50', tone: 'first', value: (moment) => moment.p50 },
      ],
    }),
    new Plot({
      title: 'Buffer',
      least: 1024,
      format: bytes,
      unit: 1024,
      isFilled: true,
      series: [{ name: 'not settled', tone: 'first', value: (moment) => moment.bufferedBytes }],
    }),
  ];
  #spanMs = 60_000;
  #lastState = '';

  constructor() {
    byId('plots').append(...this.#plots.map(({ element }) => element));
    byId('legend').append(
      ...producerStates.map((state) =>
        el(
          'li',
          { 'data-tone': toneOf('producer', state), 'data-state': state },
          el('i', { 'aria-hidden': true }),
          state,
        ),
      ),
    );
    for (const button of document.querySelectorAll<HTMLButtonElement>('[data-span]')) {
      button.addEventListener('click', () => this.#setSpan(button));
    }
    setInterval(() => this.#fade(), 200);
  }

  begin(hello: Hello): void {
    this.#model.begin(hello);
    setText(byId('client'), `${hello.clientId} · pid ${hello.pid}`);
    document.title = `kiel · ${hello.clientId}`;
  }

  take(frame: Frame): void {
    this.#model.take(frame);
    this.#show(frame);
    this.#log.update();
    this.#flash(frame.steps);
  }

  /** What was before this page was opened, or while it was cut off. */
  recall(frames: readonly Frame[]): void {
    const knownUntil = this.#model.frame?.at ?? 0;
    for (const frame of frames) if (frame.at > knownUntil) this.#model.take(frame);
    this.#log.update();
  }

  /** Another moment of a recording: everything that led to it, at once. */
  jump(frames: readonly Frame[]): void {
    this.#model.clear();
    for (const frame of frames) this.#model.take(frame);
    this.#log.rebuild();
    const { frame } = this.#model;
    if (frame === null) return;
    this.#show(frame);
    this.#flash(frame.steps);
  }

  #show(frame: Frame): void {
    const { hello, moments } = this.#model;
    const producer = frame.machines.find(({ actor }) => actor === 'producer');
    const state = producer?.state ?? 'closed';
    setText(byId('state-name'), state);
    setAttribute(byId('state'), 'data-tone', toneOf('producer', state));
    this.#announce(frame, state);
    for (const button of ['flush', 'close']) byId<HTMLButtonElement>(button).disabled = state === 'closed';
    this.#tiles.show(frame, this.#model);
    this.#producer.show('producer', state);
    this.#machines.show(frame);
    this.#brokers.show(frame, hello?.limits.maxInFlight ?? 5);
    this.#partitions.show(frame);
    this.#timeline.show(moments, frame.at, this.#spanMs);
    for (const plot of this.#plots) plot.show(moments, frame.at, this.#spanMs);
  }

  /** A healing is over in milliseconds at its best, and between two frames. */
  #announce({ spent }: Frame, state: string): void {
    const isHealing = (spent['healing'] ?? 0) > 0;
    const told = isHealing ? 'healing' : state;
    if (told === this.#lastState) return;
    if (announced.includes(told)) setText(byId('live-region'), `The producer is ${told}`);
    else if (this.#lastState === 'healing') setText(byId('live-region'), 'The producer has healed');
    this.#lastState = told;
  }

  #flash(steps: readonly Step[]): void {
    const nowMs = performance.now();
    this.#producer.flash(
      steps.filter(({ actor }) => actor === 'producer'),
      nowMs,
    );
    this.#machines.chart.flash(
      steps.filter(({ actor }) => actor === this.#machines.chosen),
      nowMs,
    );
  }

  #fade(): void {
    const nowMs = performance.now();
    this.#producer.fade(nowMs);
    this.#machines.chart.fade(nowMs);
  }

  #setSpan(chosen: HTMLButtonElement): void {
    for (const button of document.querySelectorAll('[data-span]')) {
      button.setAttribute('aria-pressed', String(button === chosen));
    }
    this.#spanMs = Number(chosen.dataset['span']) * 1000;
    setText(byId('span-text'), this.#spanMs === 60_000 ? 'minute' : 'five minutes');
    if (this.#model.frame !== null) this.#show(this.#model.frame);
  }
}

function tellLink(state: 'live' | 'lost' | 'recorded' | 'waiting', text: string): void {
  setAttribute(byId('link'), 'data-link', state);
  setText(byId('link-text'), text);
  document.body.classList.toggle('stale', state === 'lost');
}

function alert(text: string | null): void {
  const box = byId('alert');
  box.hidden = text === null;
  setText(box, text ?? '');
}

function showButtons({ allow }: Hello): void {
  const flush = byId<HTMLButtonElement>('flush');
  const close = byId<HTMLButtonElement>('close');
  flush.hidden = !allow.includes('flush');
  close.hidden = !allow.includes('close');
}

function setUpButtons(): void {
  const run = (action: 'flush' | 'close') => {
    ask(action).then(
      () => alert(null),
      (error: unknown) => alert(`${action}: ${error instanceof Error ? error.message : String(error)}`),
    );
  };
  byId('flush').addEventListener('click', () => run('flush'));
  const dialog = byId<HTMLDialogElement>('confirm');
  byId('close').addEventListener('click', () => dialog.showModal());
  dialog.addEventListener('close', () => {
    if (dialog.returnValue === 'yes') run('close');
    dialog.returnValue = '';
  });
}

function showLive(viewer: Viewer): void {
  setUpButtons();
  listen({
    message: (message) => {
      if (message.kind === 'hello') {
        viewer.begin(message);
        showButtons(message);
      } else if (message.kind === 'past') viewer.recall(message.frames);
      else viewer.take(message);
    },
    connected: (isConnected) => {
      if (isConnected) {
        tellLink('live', 'live');
        alert(null);
        return;
      }
      tellLink('lost', 'no connection');
      alert('The producer cannot be heard: its process has ended, or the inspector was closed. This is how it was.');
    },
  });
}

async function showRecording(viewer: Viewer): Promise<void> {
  tellLink('waiting', 'reading');
  const session = await loadSession((share) => tellLink('waiting', `reading ${Math.round(share * 100)} %`));
  viewer.begin(session.hello);
  tellLink('recorded', 'recording');
  const problems = [
    session.isCut ? 'The recording is longer than a page can hold: this is its beginning.' : '',
    session.damaged > 0 ? `${count(session.damaged)} lines of it could not be read.` : '',
    session.frames.length === 0 ? 'There is nothing in it.' : '',
  ].filter((text) => text !== '');
  alert(problems.length === 0 ? null : problems.join(' '));
  if (session.frames.length === 0) return;
  new Player(
    session,
    (frames) => viewer.jump(frames),
    (frame) => viewer.take(frame),
  );
}

setUpTheme();
const viewer = new Viewer();
if (document.documentElement.dataset['shows'] === 'recording') {
  showRecording(viewer).catch((error: unknown) => alert(error instanceof Error ? error.message : String(error)));
} else showLive(viewer);
