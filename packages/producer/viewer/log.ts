import { byId, el, setText } from './dom.ts';
import { clock, count } from './format.ts';
import type { Entry, Model } from './model.ts';
import { toneOf } from './tones.ts';

/** Lines in the page; older ones leave it. */
const mostLines = 400;

/** What happens when all is well, over and over. */
const routine = new Set(['idle', 'batching', 'flushing']);

/** The last events, newest first: filtered by text and machine, and held still on demand. */
export class LogView {
  readonly #model: Model;
  readonly #list = byId<HTMLOListElement>('log');
  readonly #pause = byId<HTMLButtonElement>('pause');
  readonly #filter = byId<HTMLInputElement>('filter');
  readonly #kind = byId<HTMLSelectElement>('kind');
  readonly #routine = byId<HTMLInputElement>('routine');
  #shownUpTo = -1;
  #isPaused = false;

  constructor(model: Model) {
    this.#model = model;
    // It scrolls, and so it has to be reachable by key.
    this.#list.tabIndex = 0;
    this.#pause.addEventListener('click', () => {
      this.#isPaused = !this.#isPaused;
      this.#pause.setAttribute('aria-pressed', String(this.#isPaused));
      this.update();
    });
    for (const input of [this.#filter, this.#kind, this.#routine]) {
      input.addEventListener('input', () => this.rebuild());
    }
  }

  /** Everything anew: another filter, or another moment of a recording. */
  rebuild(): void {
    const last = this.#isPaused ? this.#shownUpTo : Number.POSITIVE_INFINITY;
    const lines: HTMLElement[] = [];
    for (let index = this.#model.entries.length - 1; index >= 0 && lines.length < mostLines; index--) {
      const entry = this.#model.entries[index]!;
      if (entry.id <= last && this.#matches(entry)) lines.push(lineOf(entry, this.#model));
    }
    this.#list.replaceChildren(...lines);
    if (!this.#isPaused) this.#shownUpTo = this.#model.entries.at(-1)?.id ?? -1;
    this.#tellHeld();
  }

  update(): void {
    if (!this.#isPaused) {
      for (const entry of this.#model.entries) {
        if (entry.id <= this.#shownUpTo) continue;
        this.#shownUpTo = entry.id;
        if (this.#matches(entry)) this.#list.prepend(lineOf(entry, this.#model));
      }
      while (this.#list.childElementCount > mostLines) this.#list.lastElementChild!.remove();
    }
    this.#tellHeld();
  }

  #tellHeld(): void {
    const held = this.#isPaused
      ? this.#model.entries.filter((entry) => entry.id > this.#shownUpTo && this.#matches(entry)).length
      : 0;
    setText(this.#pause, this.#isPaused ? `Go on (${count(held)} new)` : 'Pause');
  }

  #matches(entry: Entry): boolean {
    const kind = this.#kind.value;
    if (entry.kind === 'step') {
      const { machine, from, to } = entry.step;
      if (kind !== '' && kind !== machine) return false;
      const isRoutine = machine === 'producer' && routine.has(from) && routine.has(to);
      if (isRoutine && !this.#routine.checked) return false;
    } else if (kind !== '' && kind !== 'notes') return false;
    const wanted = this.#filter.value.trim().toLowerCase();
    return wanted === '' || textOf(entry, this.#model).toLowerCase().includes(wanted);
  }
}

function textOf(entry: Entry, model: Model): string {
  if (entry.kind === 'gap') return entry.text;
  if (entry.kind === 'note') return `${entry.note.kind} ${entry.note.text}`;
  const { actor, machine, event, from, to } = entry.step;
  return `${machine} ${model.nameOf(actor)} ${actor} ${event} ${from} ${to}`;
}

function lineOf(entry: Entry, model: Model): HTMLElement {
  if (entry.kind === 'gap') {
    return el(
      'li',
      { class: 'gap' },
      el('time', {}, clock(entry.at)),
      el('span', { class: 'what' }, `… ${entry.text}`),
    );
  }
  if (entry.kind === 'note') {
    const { at, kind, text } = entry.note;
    return el(
      'li',
      { class: 'note-line', 'data-kind': kind },
      el('time', {}, clock(at)),
      el('span', { class: 'who' }, kind),
      el('span', { class: 'what' }, text),
    );
  }
  const { at, actor, machine, event, from, to, count: times } = entry.step;
  const states =
    from === to
      ? [el('span', { class: 'in' }, 'in '), el('b', { 'data-tone': toneOf(machine, to) }, to)]
      : [`${from} → `, el('b', { 'data-tone': toneOf(machine, to) }, to)];
  return el(
    'li',
    { 'data-tone': toneOf(machine, to), 'data-machine': machine },
    el('time', {}, clock(at)),
    el('span', { class: 'who', title: actor }, model.nameOf(actor)),
    el('span', { class: 'what' }, ...states, el('code', {}, event), ...(times > 1 ? [` ×${count(times)}`] : [])),
  );
}
