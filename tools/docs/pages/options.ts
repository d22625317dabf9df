import { readFileSync } from 'node:fs';
import { readOptions } from '../../../packages/producer/src/options.ts';
import { type OptionFacts, optionFacts } from '../data/option-facts.ts';
import { code, names, table } from '../markdown.ts';

export interface DocumentedOption {
  readonly name: string;
  readonly type: string;
  readonly text: string;
}

const source = new URL('../../../packages/producer/src/options.ts', import.meta.url);

/** The options as the type declares them, in its order, with its own words. */
export function declaredOptions(): DocumentedOption[] {
  const text = readFileSync(source, 'utf8');
  const body = /export interface ProducerOptions \{\n([\s\S]*?)\n\}/.exec(text)?.[1] ?? '';
  const found = body.matchAll(/ {2}\/\*\*([\s\S]*?)\*\/\n {2}(\w+)\??: ([^\n]+);/g);
  return [...found].map(([, comment, name, type]) => ({
    name: name!,
    type: type!,
    text: comment!
      .split('\n')
      .map((line) => line.replace(/^\s*\*? ?/, '').trim())
      .filter(Boolean)
      .join(' ')
      .trim(),
  }));
}

/** The default as the code fills it in; null where it is made of something that cannot be printed. */
export function defaultOf(name: string): string | null {
  const settings: Record<string, unknown> = { ...readOptions({ brokers: 'localhost' }) };
  if (name === 'brokers' || !Object.hasOwn(settings, name)) return null;
  const value = settings[name];
  return typeof value === 'string' ? `'${value}'` : value === undefined ? null : String(value);
}

export function optionsPage(): string {
  const options = declaredOptions();
  const groups = Map.groupBy(options, ({ name }) => factsOf(name).group);
  const overview = table(
    ['option', 'default', 'what it is'],
    options.map(({ name, text }) => [
      `[${code(name)}](#${name.toLowerCase()})`,
      shownDefault(name, text),
      firstSentence(text),
    ]),
  );
  const sections = [...groups].map(([group, members]) => `## ${group}\n\n${members.map(section).join('\n\n')}`);
  return `${overview}\n\n${sections.join('\n\n')}\n`;
}

export function factsOf(name: string): OptionFacts {
  const facts = (optionFacts as Record<string, OptionFacts | undefined>)[name];
  if (facts === undefined) throw new Error(`option "${name}" has no entry in tools/docs/data/option-facts.ts`);
  return facts;
}

function section({ name, type, text }: DocumentedOption): string {
  const { unit, more, java, librdkafka, kafkajs } = factsOf(name);
  const about = [text, more].filter(Boolean).join(' ');
  const rows = [
    ['type', `${code(type)}${unit === undefined ? '' : ` (${unit})`}`],
    ['default', shownDefault(name, text)],
    ['Java', names(java)],
    ['librdkafka', names(librdkafka)],
    ['kafkajs', names(kafkajs)],
  ];
  return `### ${name}\n\n${about}\n\n${table(['', ''], rows)}`;
}

/** The value that the code fills in; where that is none, or depends on other options, in the words of the type. */
function shownDefault(name: string, text: string): string {
  if (name === 'brokers') return 'required';
  const said = /Default: (.*?)\.(?= [A-Z]|$)/.exec(text)?.[1];
  const value = defaultOf(name);
  if (value === null || value === 'null') return said ?? 'none';
  const condition = /^[^,;]*[,;] (.*)$/.exec(said?.replaceAll(/(?<=\d),(?=\d{3})/g, ' ') ?? '')?.[1];
  return condition === undefined ? code(value) : `${code(value)}; ${condition}`;
}

function firstSentence(text: string): string {
  const plain = text.replace(/ ?Default: .*$/, '');
  return /^.*?[^.]\.(?= [A-Z-]|$)/.exec(plain)?.[0] ?? plain;
}
