import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describeMetrics, type MetricGroup } from '@kiel/producer';
import { absent, otherwise } from './java-parity.ts';

interface JavaMetric {
  readonly group: string;
  readonly name: string;
}

const page = fileURLToPath(new URL('../../docs/guide/telemetry.md', import.meta.url));
const facts = new URL('../../packages/producer/test/telemetry/java-metrics.json', import.meta.url);
const begin = '<!-- metrics: made by tools/telemetry/table.ts -->';
const end = '<!-- end of metrics -->';

const headings: Readonly<Record<MetricGroup, string>> = {
  'producer-metrics': 'Of the producer: `snapshot.client`',
  'producer-node-metrics': 'Of each broker: `snapshot.nodes`',
  'producer-topic-metrics': 'Of each topic: `snapshot.topics`',
};

/** The tables of the guide: all metrics there are, and those of Java that are not. */
export function metricTables(): string {
  const java = JSON.parse(readFileSync(facts, 'utf8')) as JavaMetric[];
  const metrics = describeMetrics();
  let text = '';
  for (const [group, heading] of Object.entries(headings)) {
    text += `### ${heading}\n\n| metric | unit | what it is | in Java |\n| --- | --- | --- | --- |\n`;
    for (const metric of metrics.filter((each) => each.group === group)) {
      const isJavas = java.some((each) => each.group === group && each.name === metric.name);
      const help = metric.help.replace(/ Not in Java\.$/, '');
      const note = isJavas ? (otherwise[metric.name] ?? 'the same') : 'no';
      text += `| \`${metric.name}\` | ${metric.unit} | ${help} | ${note} |\n`;
    }
    text += '\n';
  }
  text += '### Of Java’s, those that are not here\n\n| metric | why |\n| --- | --- |\n';
  for (const [name, reason] of Object.entries(absent)) text += `| \`${name}\` | ${reason} |\n`;
  return text;
}

/** The page with its tables made anew. */
export function withTables(text: string): string {
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error('docs/guide/telemetry.md has no place for its tables');
  return `${text.slice(0, from + begin.length)}\n\n${metricTables()}\n${text.slice(to)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(page, withTables(readFileSync(page, 'utf8')));
}
