import { el, setAttribute, setText, svg } from './dom.ts';
import { roundCeiling } from './format.ts';
import type { Moment } from './model.ts';

export interface Series {
  readonly name: string;
  /** Names its colour in the style sheet. */
  readonly tone: string;
  /** `null` where there is nothing: the line has a gap. */
  readonly value: (moment: Moment) => number | null;
}

export interface PlotOptions {
  readonly title: string;
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  /** The axis goes up to this at least. */
  readonly least: number;
  readonly isFilled?: boolean;
  /** What the axis ends at is round in this unit's powers: 1024 for bytes. */
  readonly unit?: number;
}

const width = 300;
const height = 96;

/** A line for each series over the last minute or five, with its latest value, and the values under the pointer. */
export class Plot {
  readonly element: HTMLElement;
  readonly #options: PlotOptions;
  readonly #lines: SVGPathElement[];
  readonly #values: HTMLElement[];
  readonly #top: HTMLElement;
  readonly #graph: SVGSVGElement;
  readonly #cursor: SVGLineElement;
  #moments: readonly Moment[] = [];
  #endAt = 0;
  #spanMs = 60_000;
  #pointer: number | null = null;

  constructor(options: PlotOptions) {
    this.#options = options;
    this.#lines = options.series.map(({ tone }) => svg('path', { class: 'series', 'data-series': tone }));
    this.#values = options.series.map(() => el('b', {}, '–'));
    this.#top = el('span', { class: 'top-value' });
    this.#cursor = svg('line', { class: 'cursor', y1: 0, y2: height, visibility: 'hidden' });
    this.#graph = svg(
      'svg',
      { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img' },
      ...[0.25, 0.5, 0.75].map((share) =>
        svg('line', { class: 'gridline', x1: 0, x2: width, y1: height * share, y2: height * share }),
      ),
      ...this.#lines,
      this.#cursor,
    );
    this.#graph.addEventListener('pointermove', (event) => {
      const box = this.#graph.getBoundingClientRect();
      this.#pointer = (event.clientX - box.left) / box.width;
      this.#render();
    });
    this.#graph.addEventListener('pointerleave', () => {
      this.#pointer = null;
      this.#render();
    });
    this.element = el(
      'figure',
      { class: 'plot' },
      el('figcaption', {}, options.title),
      el('div', { class: 'area' }, this.#top, this.#graph),
      el(
        'ul',
        { class: 'keys' },
        ...options.series.map(({ name, tone }, index) =>
          el('li', { 'data-series': tone }, el('i', { 'aria-hidden': true }), `${name} `, this.#values[index]!),
        ),
      ),
    );
  }

  show(moments: readonly Moment[], endAt: number, spanMs: number): void {
    this.#moments = moments;
    this.#endAt = endAt;
    this.#spanMs = spanMs;
    this.#render();
  }

  #render(): void {
    const { series, format, least, title, isFilled } = this.#options;
    const from = this.#endAt - this.#spanMs;
    const shown = this.#moments.filter(({ at }) => at >= from);
    let most = least;
    for (const { value } of series) for (const moment of shown) most = Math.max(most, value(moment) ?? 0);
    const ceiling = roundCeiling(most, this.#options.unit ?? 1);
    setText(this.#top, format(ceiling));
    const x = (at: number) => ((at - from) / this.#spanMs) * width;
    const y = (value: number) => height - 2 - (value / ceiling) * (height - 4);
    series.forEach(({ value }, index) => {
      const line = pathOf(shown, value, x, y);
      this.#lines[index]!.setAttribute('d', line);
      if (isFilled === true && index === 0) this.#lines[index]!.classList.add('filled');
    });
    const chosen = this.#chosen(shown, from);
    this.#cursor.setAttribute('visibility', this.#pointer === null || chosen === undefined ? 'hidden' : 'visible');
    if (chosen !== undefined) {
      this.#cursor.setAttribute('x1', String(x(chosen.at)));
      this.#cursor.setAttribute('x2', String(x(chosen.at)));
    }
    const texts = series.map(({ value, name }, index) => {
      const found = chosen === undefined ? null : (value(chosen) ?? this.#latest(shown, value));
      const text = found === null ? '–' : format(found);
      setText(this.#values[index]!, text);
      return `${name} ${text}`;
    });
    setAttribute(this.#graph, 'aria-label', `${title}: ${texts.join(', ')}`);
  }

  #chosen(shown: readonly Moment[], from: number): Moment | undefined {
    if (this.#pointer === null) return shown.at(-1);
    const at = from + this.#pointer * this.#spanMs;
    return shown.reduce<Moment | undefined>(
      (best, moment) => (best === undefined || Math.abs(moment.at - at) < Math.abs(best.at - at) ? moment : best),
      undefined,
    );
  }

  /** A latency that nothing was measured for lately is the last one, without a pointer somewhere. */
  #latest(shown: readonly Moment[], value: Series['value']): number | null {
    if (this.#pointer !== null) return null;
    for (let index = shown.length - 1; index >= 0; index--) {
      const found = value(shown[index]!);
      if (found !== null) return found;
    }
    return null;
  }
}

function pathOf(
  moments: readonly Moment[],
  value: Series['value'],
  x: (at: number) => number,
  y: (value: number) => number,
): string {
  let path = '';
  let isDown = false;
  for (const moment of moments) {
    const found = value(moment);
    if (found === null) {
      isDown = false;
      continue;
    }
    const [px, py] = [x(moment.at).toFixed(1), y(found).toFixed(1)];
    // A value alone would be a line without length: it gets some.
    path += isDown ? `L${px} ${py}` : `M${px} ${py}h0.1`;
    isDown = true;
  }
  return path;
}
