import { el, setAttribute, setText } from './dom.ts';

/** A cell's text, and what its style or a pointer should know of it. */
export interface Cell {
  readonly text: string;
  readonly tone?: string | undefined;
  readonly title?: string | undefined;
  /** Share of a bar behind it, 0 to 1. */
  readonly bar?: number | undefined;
}

export interface Column<Item> {
  readonly name: string;
  readonly title: string;
  readonly cell: (item: Item) => Cell;
}

/** A table that keeps its rows from one frame to the next, so that focus and selection stay where they are. */
export class Rows<Item> {
  readonly #host: HTMLElement;
  readonly #columns: readonly Column<Item>[];
  readonly #keyOf: (item: Item) => string;
  readonly #onRow: ((item: Item, row: HTMLElement) => void) | null;
  readonly #body: HTMLElement;
  readonly #empty: HTMLElement;
  readonly #rows = new Map<string, { row: HTMLElement; cells: HTMLElement[] }>();

  constructor(
    host: HTMLElement,
    label: string,
    columns: readonly Column<Item>[],
    keyOf: (item: Item) => string,
    empty: string,
    onRow: ((item: Item, row: HTMLElement) => void) | null = null,
  ) {
    this.#host = host;
    host.role = 'table';
    host.ariaLabel = label;
    this.#columns = columns;
    this.#keyOf = keyOf;
    this.#onRow = onRow;
    this.#body = el('div', { role: 'rowgroup', class: 'body' });
    this.#empty = el('p', { class: 'note' }, empty);
    // What scrolls has to be reachable by key.
    this.#body.tabIndex = 0;
    const head = el(
      'div',
      { role: 'row', class: 'row titles' },
      ...columns.map(({ name, title }) => el('span', { role: 'columnheader', 'data-column': name }, title)),
    );
    host.append(el('div', { role: 'rowgroup' }, head), this.#body, this.#empty);
  }

  show(items: readonly Item[]): void {
    this.#empty.hidden = items.length > 0;
    const keys = new Set(items.map((item) => this.#keyOf(item)));
    for (const [key, { row }] of this.#rows) {
      if (keys.has(key)) continue;
      this.#rows.delete(key);
      row.remove();
    }
    let last: Element | null = null;
    for (const item of items) {
      const row = this.#row(item);
      const place: Element | null = last === null ? this.#body.firstElementChild : last.nextElementSibling;
      if (place !== row) this.#body.insertBefore(row, place);
      last = row;
    }
    setAttribute(this.#host, 'aria-rowcount', String(items.length + 1));
  }

  #row(item: Item): HTMLElement {
    const key = this.#keyOf(item);
    let found = this.#rows.get(key);
    if (found === undefined) {
      const cells = this.#columns.map(({ name, title }) =>
        el('span', { role: 'cell', 'data-column': name, 'data-title': title }, el('span', {})),
      );
      found = { row: el('div', { role: 'row', class: 'row', 'data-key': key }, ...cells), cells };
      this.#rows.set(key, found);
    }
    const { row, cells } = found;
    this.#columns.forEach(({ cell }, index) => {
      const { text, tone = '', title = '', bar } = cell(item);
      const element = cells[index]!;
      setText(element.firstElementChild!, text);
      setAttribute(element, 'data-tone', tone);
      setAttribute(element, 'title', title);
      if (bar !== undefined) element.style.setProperty('--bar', `${Math.round(Math.min(1, bar) * 100)}%`);
      element.classList.toggle('barred', bar !== undefined);
    });
    this.#onRow?.(item, row);
    return row;
  }
}
