import { charts } from 'kiel:charts';
import type { Layout, PlacedEdge } from '../../../tools/viewer/layout-format.ts';
import type { Step } from '../src/inspector/feed-format.ts';
import { el, setAttribute, svg } from './dom.ts';
import { toneOf } from './tones.ts';

/** How long a transition stays lit after it was taken. */
const litMs = 1400;
/** Below this, text is too small to read: the chart gets scroll bars of its own instead. */
const leastScale = 0.7;

/** A machine as its definition says, with the state it is in and the way it came. */
export class StatechartView {
  readonly #host: HTMLElement;
  readonly #mostHeight: number;
  #machine: string | null = null;
  #state = '';
  #layout: Layout | null = null;
  #states = new Map<string, SVGGElement>();
  #parts = new Map<string, SVGElement[]>();
  #lit = new Map<Element, number>();

  constructor(host: HTMLElement, mostHeight: number) {
    this.#host = host;
    this.#mostHeight = mostHeight;
    new ResizeObserver(() => this.#draw(false)).observe(host);
  }

  show(machine: string, state: string): void {
    const isOther = machine !== this.#machine;
    this.#machine = machine;
    this.#state = state;
    if (isOther) {
      this.#layout = null;
      this.#draw(true);
    } else this.#light();
  }

  /** Steps that this machine took. */
  flash(steps: readonly Step[], nowMs: number): void {
    for (const step of steps) {
      for (const part of this.#parts.get(step.key) ?? []) this.#lightUp(part, nowMs);
      const state = this.#states.get(step.to);
      if (state !== undefined && step.to !== this.#state) this.#lightUp(state, nowMs);
    }
  }

  /** What was lit long enough goes out. */
  fade(nowMs: number): void {
    for (const [part, untilMs] of this.#lit) {
      if (untilMs > nowMs) continue;
      this.#lit.delete(part);
      part.classList.remove('lit');
    }
  }

  #lightUp(part: Element, nowMs: number): void {
    // Taken out and put in again, so that an animation that runs begins anew.
    if (this.#lit.has(part)) part.classList.remove('lit');
    this.#lit.set(part, nowMs + litMs);
    requestAnimationFrame(() => {
      if (this.#lit.has(part)) part.classList.add('lit');
    });
  }

  #draw(isOther: boolean): void {
    const chart = charts.find(({ id }) => id === this.#machine);
    if (chart === undefined) {
      // A recording of another version may know machines that this page does not.
      this.#host.replaceChildren(el('p', { class: 'note' }, `The state is ${this.#state}; there is no chart of it.`));
      return;
    }
    const width = this.#host.clientWidth;
    if (width === 0) return;
    const layout = best(chart.layouts, width, this.#mostHeight);
    const scale = Math.min(1, Math.max(leastScale, width / layout.width));
    const drawn = this.#host.querySelector('svg');
    if (isOther || layout !== this.#layout) this.#build(chart.id, layout);
    const root = this.#host.querySelector('svg') ?? drawn;
    root?.setAttribute('width', String(Math.floor(layout.width * scale)));
    root?.setAttribute('height', String(Math.floor(layout.height * scale)));
    this.#light();
  }

  #build(machine: string, layout: Layout): void {
    this.#layout = layout;
    this.#states = new Map();
    this.#parts = new Map();
    this.#lit = new Map();
    const root = svg('svg', { viewBox: `0 0 ${layout.width} ${layout.height}`, role: 'img' });
    // Two charts on one page may be of the same machine.
    const marker = `tip-${this.#host.id}-${machine}`;
    root.append(
      svg('defs', {}, tip(marker)),
      ...layout.edges.map((edge) => this.#edge(edge, marker)),
      ...layout.states.map((state) => {
        const lines = state.lines.map(({ key, text }, index) => {
          const line = svg('text', { class: 'line', x: state.x + 10, y: state.y + 43 + index * 15 }, text);
          if (key !== null) this.#part(key, line);
          return line;
        });
        const { x, y, width, height, id } = state;
        const group = svg(
          'g',
          { class: `node${id === '*' ? ' any' : ''}`, 'data-state': id, 'data-tone': toneOf(machine, id) },
          svg('rect', { x, y, width, height, rx: 9 }),
          svg('rect', { class: 'glow', x, y, width, height, rx: 9 }),
          ...(state.isFinal
            ? [svg('rect', { class: 'inner', x: x + 3, y: y + 3, width: width - 6, height: height - 6, rx: 7 })]
            : []),
          ...(state.isInitial ? [svg('circle', { class: 'initial', cx: x + 13, cy: y + 18, r: 3.5 })] : []),
          svg(
            'text',
            { class: 'name', x: x + (state.isInitial ? 23 : id === '*' ? 10 : 14), y: y + 23 },
            id === '*' ? 'any state' : id,
          ),
          ...lines,
        );
        this.#states.set(id, group);
        return group;
      }),
    );
    this.#host.replaceChildren(root);
  }

  #edge(edge: PlacedEdge, marker: string): SVGGElement {
    const path = svg('path', { d: rounded(edge.points), 'marker-end': `url(#${marker})` });
    const group = svg('g', { class: 'edge' }, path);
    for (const { key, x, y, event, guard } of edge.labels) {
      const label = svg('text', { class: 'event', x: x + 5, y: y + 11 }, event);
      if (guard !== null) label.append(svg('tspan', { class: 'guard', x: x + 5, dy: 15 }, `[${guard}]`));
      group.append(label);
      this.#part(key, label);
      this.#part(key, group);
    }
    return group;
  }

  #part(key: string, part: SVGElement): void {
    this.#parts.set(key, [...(this.#parts.get(key) ?? []), part]);
  }

  #light(): void {
    for (const [id, group] of this.#states) group.classList.toggle('on', id === this.#state);
    const root = this.#host.querySelector('svg');
    const label = `Statechart of the machine ${this.#machine}; its state is ${this.#state}`;
    if (root !== null) setAttribute(root, 'aria-label', label);
    setAttribute(this.#host, 'data-current', this.#state);
  }
}

/** The one whose text comes out largest; of those that fit as they are, the one that says most. */
function best(layouts: readonly Layout[], width: number, height: number): Layout {
  const scaleOf = (layout: Layout) => Math.min(1, width / layout.width) * (layout.height <= height ? 1 : 0.9);
  return layouts.reduce((found, layout) => (scaleOf(layout) > scaleOf(found) + 0.05 ? layout : found));
}

function tip(id: string): SVGMarkerElement {
  return svg(
    'marker',
    {
      id,
      class: 'tip',
      viewBox: '0 0 8 8',
      refX: 7,
      refY: 4,
      markerWidth: 8,
      markerHeight: 8,
      markerUnits: 'userSpaceOnUse',
      orient: 'auto',
    },
    svg('path', { d: 'M0 0.5 8 4 0 7.5z' }),
  );
}

/** A line with right angles, its corners made round. */
function rounded(points: PlacedEdge['points']): string {
  const radius = 7;
  const [first, ...rest] = points;
  let path = `M${first![0]} ${first![1]}`;
  rest.forEach(([x, y], index) => {
    const next = rest[index + 1];
    if (next === undefined) {
      path += `L${x} ${y}`;
      return;
    }
    const before = index === 0 ? first! : rest[index - 1]!;
    const enter = towards([x, y], before, radius);
    const leave = towards([x, y], next, radius);
    path += `L${enter[0]} ${enter[1]}Q${x} ${y} ${leave[0]} ${leave[1]}`;
  });
  return path;
}

function towards(
  from: readonly [number, number],
  to: readonly [number, number],
  most: number,
): readonly [number, number] {
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
  const share = length === 0 ? 0 : Math.min(most, length / 2) / length;
  return [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
}
