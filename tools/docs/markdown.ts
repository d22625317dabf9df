/** Text that may stand in a table's cell. */
export function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [
    `| ${head.join(' | ')} |`,
    `| ${head.map(() => '---').join(' | ')} |`,
    ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`),
  ].join('\n');
}

/** As inline code, whatever it holds. */
export function code(text: string): string {
  const fence = text.includes('`') ? '``' : '`';
  return text === '' ? '' : `${fence}${text}${fence}`;
}

/** Names that are separated by commas, each as code: what stands in brackets is left as text. */
export function names(text: string | undefined): string {
  if (text === undefined) return '—';
  return text
    .split(', ')
    .map((name) => {
      const [, bare = name, remark = ''] = /^([^ ]+)( \(.*\))?$/.exec(name) ?? [];
      return bare.startsWith('(') ? name : `${code(bare)}${remark}`;
    })
    .join(', ');
}
