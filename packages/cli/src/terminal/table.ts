import { stripVTControlCharacters } from 'node:util';

export interface Column {
  readonly title: string;
  /** Numbers read best at the right. */
  readonly align?: 'left' | 'right';
}

/** Lines of a table with the columns just as wide as they must be. Colours in cells do not disturb it. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[], indent = ''): string[] {
  const widths = columns.map((column, index) =>
    rows.reduce((width, row) => Math.max(width, displayWidth(row[index] ?? '')), displayWidth(column.title)),
  );
  const render = (cells: readonly string[]) =>
    (
      indent + columns.map((column, index) => pad(cells[index] ?? '', widths[index]!, column.align)).join('  ')
    ).trimEnd();
  const rule = (indent + widths.map((width) => '─'.repeat(width)).join('  ')).trimEnd();
  return [render(columns.map((column) => column.title)), rule, ...rows.map(render)];
}

function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return align === 'left' ? text + space : space + text;
}

const wide = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;
const graphemes = new Intl.Segmenter();

/** Columns a terminal gives to `text`. */
export function displayWidth(text: string): number {
  const plain = stripVTControlCharacters(text);
  if (/^[\x20-\x7e]*$/.test(plain)) return plain.length;
  let width = 0;
  for (const { segment } of graphemes.segment(plain)) {
    width += wide.test(segment) || /\p{Extended_Pictographic}/u.test(segment) ? 2 : 1;
  }
  return width;
}
