import { readFileSync, writeFileSync } from 'node:fs';

/** What V8's CPU profiler writes, as far as it is used here. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface Frame {
  readonly name: string;
  readonly where: string;
  micros: number;
  readonly children: Map<string, Frame>;
}

const width = 1200;
const rowHeight = 17;
const leastWidth = 1;
const colours = {
  producer: '#e8793a',
  codec: '#d9a441',
  xstate: '#8e6bbf',
  node: '#5b8db8',
  other: '#9aa5ab',
} as const;

/** Draws a CPU profile as a flame graph: the width of a bar is the time spent in it and in what it called. */
export function flameGraph(profileFile: string, svgFile: string): void {
  const root = treeOf(JSON.parse(readFileSync(profileFile, 'utf8')) as CpuProfile);
  const rows: string[] = [];
  const depth = draw(root, 0, 0, root.micros, rows);
  const height = (depth + 1) * rowHeight + 40;
  const legend = Object.entries(colours)
    .map(
      ([name, colour], i) =>
        `<rect x="${10 + i * 110}" y="8" width="12" height="12" fill="${colour}"/><text x="${26 + i * 110}" y="18">${name}</text>`,
    )
    .join('');
  writeFileSync(
    svgFile,
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="ui-monospace,monospace" font-size="11">\n` +
      `<rect width="${width}" height="${height}" fill="#fbfaf8"/>\n${legend}\n<g transform="translate(0 30)">\n${rows.join('\n')}\n</g>\n</svg>\n`,
  );
}

/** Joins the samples into one tree by name, idle time left out. */
function treeOf({ nodes, samples, timeDeltas }: CpuProfile): Frame {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parentOf = new Map<number, number>();
  for (const { id, children } of nodes) for (const child of children ?? []) parentOf.set(child, id);
  const root: Frame = { name: 'all', where: '', micros: 0, children: new Map() };
  samples.forEach((leaf, i) => {
    const path: { name: string; where: string }[] = [];
    for (let id: number | undefined = leaf; id !== undefined; id = parentOf.get(id)) {
      const { functionName, url, lineNumber } = byId.get(id)!.callFrame;
      if (functionName === '(root)') continue;
      path.push({ name: functionName || '(anonymous)', where: placeOf(url, lineNumber) });
    }
    if (path[0]?.name === '(idle)') return;
    const micros = Math.max(0, timeDeltas[i] ?? 0);
    root.micros += micros;
    let frame = root;
    for (const { name, where } of path.reverse()) {
      const key = `${name} ${where}`;
      let child = frame.children.get(key);
      if (child === undefined) {
        child = { name, where, micros: 0, children: new Map() };
        frame.children.set(key, child);
      }
      child.micros += micros;
      frame = child;
    }
  });
  return root;
}

/** `producer/accumulator.js:120`; nothing of where the repository lies on this machine. */
function placeOf(url: string, line: number): string {
  const own = /packages\/([^/]+)\/(?:dist|src)\/(.*)$/.exec(url);
  if (own !== null) return `${own[1]}/${own[2]}:${line + 1}`;
  const dependency = /node_modules\/(.*)$/.exec(url);
  if (dependency !== null) return `${dependency[1]}:${line + 1}`;
  if (url.startsWith('node:')) return `${url}:${line + 1}`;
  return url === '' ? '' : `bench/${url.split('/').pop()}:${line + 1}`;
}

function draw(frame: Frame, x: number, row: number, total: number, rows: string[]): number {
  const barWidth = (frame.micros / total) * width;
  if (barWidth < leastWidth) return row - 1;
  const percent = ((frame.micros / total) * 100).toFixed(1);
  const label = escaped(frame.name);
  const shown =
    barWidth > 40
      ? `<text x="${(x + 3).toFixed(1)}" y="${row * rowHeight + 12}">${label.slice(0, Math.floor(barWidth / 6.8))}</text>`
      : '';
  rows.push(
    `<g><title>${label} ${escaped(frame.where)}, ${percent} %</title><rect x="${x.toFixed(1)}" y="${row * rowHeight}" width="${Math.max(0.5, barWidth - 0.5).toFixed(1)}" height="${rowHeight - 1}" fill="${colourOf(frame)}"/>${shown}</g>`,
  );
  let deepest = row;
  let at = x;
  for (const child of [...frame.children.values()].sort((a, b) => b.micros - a.micros)) {
    deepest = Math.max(deepest, draw(child, at, row + 1, total, rows));
    at += (child.micros / total) * width;
  }
  return deepest;
}

function colourOf({ where, name }: Frame): string {
  if (where.startsWith('producer/')) return colours.producer;
  if (where.startsWith('codec/') || name.startsWith('wasm-')) return colours.codec;
  if (where.startsWith('xstate/')) return colours.xstate;
  return where.startsWith('node:') ? colours.node : colours.other;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
