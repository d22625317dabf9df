import Elk from 'elkjs/lib/elk.bundled.js';
import type { ELK, ElkExtendedEdge, ElkNode } from 'elkjs/lib/elk-api.js';
import { anyState, type Chart, type ChartEdge, type ChartState, type ChartTransition } from './chart.ts';
import type { DrawnChart, Layout, PlacedEdge, PlacedState, StateLine } from './layout-format.ts';

/** Widths of characters of the page's two fonts at their sizes: the page sets its text in the same monospace. */
const nameChar = 8.1;
const lineChar = 6.65;
const lineHeight = 15;

/** Its types know a default export that a CommonJS module does not have in Node. */
const elk: ELK = new (Elk as unknown as new () => ELK)();

export async function drawChart(chart: Chart): Promise<DrawnChart> {
  const brief = withoutDetails(chart);
  const layouts = [
    await place(chart, 'RIGHT'),
    await place(chart, 'DOWN'),
    await place(brief, 'RIGHT'),
    await place(brief, 'DOWN'),
  ];
  return { id: chart.id, layouts };
}

/** Names of states and events, for where there is little room. */
function withoutDetails(chart: Chart): Chart {
  return {
    ...chart,
    states: chart.states.map((state) => ({ ...state, entry: [], internal: [] })),
    edges: chart.edges.map((edge) => ({
      ...edge,
      transitions: edge.transitions.map((transition) => ({ ...transition, guard: null })),
    })),
  };
}

async function place(chart: Chart, direction: 'RIGHT' | 'DOWN'): Promise<Layout> {
  const wanted: ElkNode = {
    id: chart.id,
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': direction,
      'elk.edgeRouting': 'ORTHOGONAL',
      'elk.padding': '[top=14,left=14,bottom=14,right=14]',
      'elk.spacing.nodeNode': '26',
      'elk.spacing.edgeNode': '16',
      'elk.spacing.edgeEdge': '12',
      'elk.spacing.edgeLabel': '4',
      'elk.spacing.labelLabel': '2',
      'elk.layered.spacing.nodeNodeBetweenLayers': direction === 'RIGHT' ? '28' : '26',
      'elk.layered.spacing.edgeNodeBetweenLayers': '14',
      'elk.layered.spacing.edgeEdgeBetweenLayers': '12',
      'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
      'elk.layered.cycleBreaking.strategy': 'MODEL_ORDER',
      'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
      'elk.layered.thoroughness': '60',
      'elk.layered.feedbackEdges': 'false',
      'elk.edgeLabels.placement': 'CENTER',
    },
    children: chart.states.map((state) => ({ id: state.id, ...sizeOf(state), layoutOptions: {} })),
    edges: chart.edges.map((edge, index) => ({
      id: String(index),
      sources: [edge.from],
      targets: [edge.to],
      labels: [{ id: `${index}`, text: ' ', ...labelSize(edge) }],
    })),
  };
  const graph: ElkNode = await elk.layout(wanted);
  return {
    width: Math.ceil(graph.width!),
    height: Math.ceil(graph.height!),
    states: chart.states.map((state) => placedState(chart, state, graph.children!.find(({ id }) => id === state.id)!)),
    edges: chart.edges.map((edge, index) => placedEdge(edge, graph.edges![index]!)),
  };
}

function placedState(chart: Chart, state: ChartState, { x, y, width, height }: ElkNode): PlacedState {
  return {
    id: state.id,
    x: round(x!),
    y: round(y!),
    width: round(width!),
    height: round(height!),
    isFinal: state.isFinal,
    isInitial: state.id === chart.initial,
    lines: linesOf(state),
  };
}

function placedEdge(edge: ChartEdge, { sections, labels }: ElkExtendedEdge): PlacedEdge {
  const [{ startPoint, bendPoints = [], endPoint }] = sections as [NonNullable<typeof sections>[number]];
  const { x, y, width } = labels![0]!;
  let top = y!;
  return {
    from: edge.from,
    to: edge.to,
    points: [startPoint, ...bendPoints, endPoint].map((point) => [round(point.x), round(point.y)] as const),
    labels: edge.transitions.map((transition) => {
      const label = { key: transition.key, x: round(x!), y: round(top), width: round(width!), ...textOf(transition) };
      top += heightOf(transition);
      return label;
    }),
  };
}

function linesOf({ entry, internal }: ChartState): StateLine[] {
  const lines: StateLine[] = entry.length === 0 ? [] : [{ key: null, text: `entry / ${entry.join(', ')}` }];
  for (const { key, event, guard, actions } of internal) {
    lines.push({ key, text: `${event}${guard === null ? '' : ` [${guard}]`} / ${actions.join(', ')}` });
  }
  return lines.flatMap(({ key, text }) => wrapped(text).map((part) => ({ key, text: part })));
}

/** Entry actions are names in a row, which may be long. */
function wrapped(text: string): string[] {
  const most = 30;
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > most) {
      lines.push(line);
      line = `  ${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function sizeOf(state: ChartState): { width: number; height: number } {
  const lines = linesOf(state);
  const title = state.id === anyState ? 'any state' : state.id;
  const width = Math.max(title.length * nameChar + 34, ...lines.map(({ text }) => text.length * lineChar + 20));
  return { width: Math.ceil(width), height: 36 + (lines.length === 0 ? 0 : lines.length * lineHeight + 6) };
}

function labelSize({ transitions }: ChartEdge): { width: number; height: number } {
  const widths = transitions.map((transition) => {
    const { event, guard } = textOf(transition);
    return Math.max(event.length, guard === null ? 0 : guard.length + 2);
  });
  const height = transitions.reduce((sum, transition) => sum + heightOf(transition), 0);
  return { width: Math.ceil(Math.max(...widths) * lineChar + 10), height };
}

function heightOf({ guard }: ChartTransition): number {
  return (guard === null ? 1 : 2) * lineHeight;
}

function textOf({ event, guard }: ChartTransition): { event: string; guard: string | null } {
  return { event, guard };
}

function round(value: number): number {
  return Math.round(value * 2) / 2;
}
