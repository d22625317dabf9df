import { createRequire } from 'node:module';
import type { MachineGraph } from '../../machines/graph.ts';

/** What is used of elkjs, which the documentation has for itself. */
interface Elk {
  layout(graph: ElkNode): Promise<ElkNode>;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

interface ElkLabel {
  text: string;
  width: number;
  height: number;
  x?: number;
  y?: number;
}

interface ElkNode {
  id: string;
  width?: number;
  height?: number;
  x?: number;
  y?: number;
  layoutOptions?: Record<string, string>;
  children?: ElkNode[];
  edges?: {
    id: string;
    sources: string[];
    targets: string[];
    labels: ElkLabel[];
    sections?: { startPoint: Point; endPoint: Point; bendPoints?: Point[] }[];
  }[];
}

const ANY = 'any state';
const START = '●';
const LINE = 15;
const docs = createRequire(new URL('../../../docs/package.json', import.meta.url));

/** A picture of a machine, coloured by the page's own style (`.machine` in the theme). */
export async function svgOf(graph: MachineGraph): Promise<string> {
  const ElkConstructor = docs('elkjs') as new () => Elk;
  const laidOut = await new ElkConstructor().layout(toElk(graph));
  const { width = 0, height = 0 } = laidOut;
  const parts = [
    `<svg class="machine" viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(height)}" width="${Math.ceil(width)}" style="--natural-width:${Math.ceil(width)}px" role="img" aria-label="States of the ${graph.id} machine">`,
    `<defs><marker id="arrow-${graph.id}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0 8 4 0 8z"/></marker></defs>`,
  ];
  for (const { sections = [], labels } of laidOut.edges ?? []) {
    for (const { startPoint, endPoint, bendPoints = [] } of sections) {
      const d = rounded([startPoint, ...bendPoints, endPoint]);
      parts.push(`<path class="edge" d="${d}" marker-end="url(#arrow-${graph.id})"/>`);
    }
    for (const { text, x = 0, y = 0, width: labelWidth } of labels) {
      const lines = text.split('\n');
      for (const [i, line] of lines.entries()) {
        parts.push(
          `<text class="label" x="${round(x + labelWidth / 2)}" y="${round(y + 11 + i * LINE)}">${escaped(line)}</text>`,
        );
      }
    }
  }
  for (const node of laidOut.children ?? []) parts.push(drawNode(graph, node));
  return `${parts.join('')}</svg>`;
}

function drawNode(graph: MachineGraph, { id, x = 0, y = 0, width = 0, height = 0 }: ElkNode): string {
  if (id === START) return `<circle class="start" cx="${round(x + width / 2)}" cy="${round(y + height / 2)}" r="5"/>`;
  const isFinal = graph.states.some(({ name, isFinal: final }) => name === id && final);
  const kind = id === ANY ? 'any' : isFinal ? 'state final' : 'state';
  const box = `x="${round(x)}" y="${round(y)}" width="${width}" height="${height}" rx="8"`;
  const inner = isFinal
    ? `<rect class="inner" x="${round(x + 3)}" y="${round(y + 3)}" width="${width - 6}" height="${height - 6}" rx="6"/>`
    : '';
  const text = `<text class="name" x="${round(x + width / 2)}" y="${round(y + height / 2 + 5)}">${escaped(id)}</text>`;
  return `<g class="${kind}"><rect ${box}/>${inner}${text}</g>`;
}

function toElk(graph: MachineGraph): ElkNode {
  const box = (id: string): ElkNode => ({ id, width: Math.ceil(id.length * 8 + 28), height: 36 });
  const hasAny = graph.edges.some(({ from }) => from === null);
  return {
    id: graph.id,
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': 'DOWN',
      'elk.edgeRouting': 'ORTHOGONAL',
      'elk.layered.spacing.nodeNodeBetweenLayers': '34',
      'elk.layered.spacing.edgeNodeBetweenLayers': '14',
      'elk.spacing.nodeNode': '36',
      'elk.spacing.edgeNode': '18',
      'elk.spacing.edgeEdge': '14',
      'elk.spacing.edgeLabel': '4',
      'elk.spacing.labelNode': '6',
      'elk.padding': '[top=8,left=8,bottom=8,right=8]',
      'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
      'elk.layered.cycleBreaking.strategy': 'MODEL_ORDER',
    },
    children: [
      { id: START, width: 10, height: 10 },
      ...graph.states.map(({ name }) => box(name)),
      ...(hasAny ? [box(ANY)] : []),
    ],
    edges: [
      { id: 'start', sources: [START], targets: [graph.initial], labels: [] },
      ...graph.edges.map(({ from, to, labels }, i) => ({
        id: `e${i}`,
        sources: [from ?? ANY],
        targets: [to],
        labels: [
          {
            text: labels.join('\n'),
            width: Math.ceil(Math.max(...labels.map((label) => label.length)) * 6.4 + 8),
            height: labels.length * LINE,
          },
        ],
      })),
    ],
  };
}

/** Straight lines with their corners taken off. */
function rounded(points: readonly Point[]): string {
  const last = points.length - 1;
  let d = `M${round(points[0]!.x)} ${round(points[0]!.y)}`;
  for (let i = 1; i < last; i++) {
    const corner = points[i]!;
    const before = toward(corner, points[i - 1]!);
    const after = toward(corner, points[i + 1]!);
    d += `L${round(before.x)} ${round(before.y)}Q${round(corner.x)} ${round(corner.y)} ${round(after.x)} ${round(after.y)}`;
  }
  return `${d}L${round(points[last]!.x)} ${round(points[last]!.y)}`;
}

function toward(from: Point, to: Point): Point {
  const distance = Math.hypot(to.x - from.x, to.y - from.y);
  const step = Math.min(7, distance / 2);
  if (distance === 0) return from;
  return { x: from.x + ((to.x - from.x) * step) / distance, y: from.y + ((to.y - from.y) * step) / distance };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
