/** One series of Prometheus' text format. */
export interface Series {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly series: Series[];
}

const nameForm = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelForm = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * Reads text format 0.0.4 and takes nothing that Prometheus would not: every line ends, a family stands together, HELP
 * and TYPE come once and before its series, and no series comes twice.
 */
export function readExposition(text: string): Family[] {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  let help: { name: string; text: string } | null = null;
  let current: Family | null = null;
  for (const line of text.slice(0, -1).split('\n')) {
    const helped = /^# HELP (\S+) (.*)$/.exec(line);
    const typed = /^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/.exec(line);
    if (helped !== null) {
      if (help !== null) throw new Error(`HELP without TYPE: ${line}`);
      help = { name: helped[1]!, text: unescaped(helped[2]!, false) };
    } else if (typed !== null) {
      const name = typed[1]!;
      if (help?.name !== name) throw new Error(`TYPE without HELP: ${line}`);
      if (!nameForm.test(name) || families.has(name)) throw new Error(`a bad name, or one that comes twice: ${line}`);
      current = { name, type: typed[2]!, help: help.text, series: [] };
      families.set(name, current);
      help = null;
    } else {
      const series = readSeries(line);
      if (current === null || series.name !== current.name) throw new Error(`out of its family: ${line}`);
      const identity = `${series.name} ${JSON.stringify([...series.labels].sort())}`;
      if (seen.has(identity)) throw new Error(`twice: ${line}`);
      seen.add(identity);
      current.series.push(series);
    }
  }
  return [...families.values()];
}

function readSeries(line: string): Series {
  const opened = /^([a-zA-Z_:][a-zA-Z0-9_:]*)\{/.exec(line);
  if (opened === null) throw new Error(`no series: ${line}`);
  const labels = new Map<string, string>();
  let at = opened[0].length;
  while (line[at] !== '}') {
    const label = /^([^=]+)="((?:[^"\\]|\\[\\"n])*)"/.exec(line.slice(at));
    if (label === null || !labelForm.test(label[1]!)) throw new Error(`a bad label: ${line}`);
    if (labels.has(label[1]!)) throw new Error(`a label twice: ${line}`);
    labels.set(label[1]!, unescaped(label[2]!, true));
    at += label[0].length;
    if (line[at] === ',') at++;
    else if (line[at] !== '}') throw new Error(`no end of labels: ${line}`);
  }
  const number = /^ (NaN|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(line.slice(at + 1));
  if (number === null) throw new Error(`no number: ${line}`);
  const value = number[1] === '+Inf' ? Infinity : number[1] === '-Inf' ? -Infinity : Number(number[1]);
  return { name: opened[1]!, labels, value };
}

function unescaped(text: string, withQuotes: boolean): string {
  return text.replace(/\\(.)/g, (whole, char: string) => {
    if (char === 'n') return '\n';
    if (char === '\\' || (withQuotes && char === '"')) return char;
    throw new Error(`a bad escape: ${whole}`);
  });
}
