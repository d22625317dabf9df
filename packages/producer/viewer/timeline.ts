import { setAttribute, svg } from './dom.ts';
import { duration } from './format.ts';
import type { Moment } from './model.ts';
import { producerStates, toneOf } from './tones.ts';

const width = 600;
const height = 34;
/** What one looks for: it is seen however short it was. */
const striking = new Set(['healing', 'closing', 'closed']);

/** The states of the producer along the time: in each column what shares of it they took. */
export class Timeline {
  readonly #host: HTMLElement;
  readonly #graph: SVGSVGElement;

  constructor(host: HTMLElement) {
    this.#host = host;
    this.#graph = svg('svg', {
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: 'none',
      'aria-hidden': true,
      'shape-rendering': 'crispEdges',
    });
    host.append(this.#graph);
  }

  show(moments: readonly Moment[], endAt: number, spanMs: number): void {
    const from = endAt - spanMs;
    const scale = width / spanMs;
    const parts: SVGElement[] = [];
    const sums = new Map<string, number>();
    for (const { at, spanMs: length, spent } of moments) {
      if (at < from || length === 0) continue;
      for (const [state, ms] of Object.entries(spent)) sums.set(state, (sums.get(state) ?? 0) + ms);
      const x = (Math.max(from, at - length) - from) * scale;
      // A little wider, so that there is no seam.
      parts.push(...column(spent, x, Math.min(length, at - from) * scale + 0.4));
    }
    this.#graph.replaceChildren(...parts);
    const all = [...sums.values()].reduce((sum, ms) => sum + ms, 0);
    const text = [...sums].map(([state, ms]) => `${state} ${Math.round((ms / Math.max(1, all)) * 100)} %`).join(', ');
    setAttribute(this.#host, 'aria-label', `States of the producer in ${duration(spanMs)}: ${text}`);
  }
}

function column(spent: Readonly<Record<string, number>>, x: number, columnWidth: number): SVGElement[] {
  const rect = (state: string, y: number, high: number, wide: number) =>
    svg('rect', { x, y, width: wide, height: high, 'data-tone': toneOf('producer', state), 'data-state': state });
  const strikingOne = Object.keys(spent).find((state) => striking.has(state) && spent[state]! > 0);
  if (strikingOne !== undefined) return [rect(strikingOne, 0, height, Math.max(2, columnWidth))];
  const total = Object.values(spent).reduce((sum, ms) => sum + ms, 0);
  const parts: SVGElement[] = [];
  let y = 0;
  for (const state of [...producerStates].reverse()) {
    const ms = spent[state] ?? 0;
    if (ms <= 0) continue;
    const high = (ms / total) * height;
    parts.push(rect(state, y, high, columnWidth));
    y += high;
  }
  return parts;
}
