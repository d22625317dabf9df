/**
 * Code blocks of a page, with what HTML comments right above a block say of it. Readers do not see the comments:
 *
 * - `<!-- with: producer -->`: a named beginning from `beginnings.ts` comes first; several are separated by commas.
 * - `<!-- before … -->`, `<!-- after … -->`: code that comes first, or last.
 * - `<!-- continues -->`: the block goes on from the one before, in one file with it.
 * - `<!-- file: NAME -->`: saved under that name beside the page's other blocks, for them to import; not run itself.
 * - `<!-- not run: WHY -->`: the types are checked, and no more.
 * - `<!-- not checked: WHY -->`: only read as far as its syntax.
 * - `<!-- stores: TOPIC N -->`: the cluster holds N records of the topic afterwards.
 * - `<!-- prints: TEXT -->`: the output has this text; may be repeated.
 * - `<!-- fails: TEXT -->`: it ends with an error that has this text.
 * - `<!-- signal: SIGTERM after TEXT -->`: is sent when the output has the text.
 * - `<!-- runner: vitest -->`, `<!-- runner: node-test -->`: run by a test runner.
 * - `<!-- cluster: {"brokers":3} -->`: options of the cluster at `localhost:9092`.
 */
export interface Block {
  /** Path from the repository's root. */
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly code: string;
  readonly notes: readonly Note[];
}

export interface Note {
  readonly name: string;
  readonly text: string;
}

const noteNames = [
  'with',
  'before',
  'after',
  'continues',
  'file',
  'not run',
  'not checked',
  'stores',
  'prints',
  'fails',
  'signal',
  'runner',
  'cluster',
];
const note = new RegExp(`^(${noteNames.join('|')})(?:[:\\n ]([\\s\\S]*))?$`);

export function blocksOf(page: string, text: string): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  let notes: Note[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    const fence = /^(\s*)(`{3,})\s*([\w-]*)/.exec(line);
    if (fence !== null) {
      const [, indent, ticks, language] = fence;
      const from = i + 1;
      do i++;
      while (i < lines.length && lines[i]!.trim() !== ticks);
      const code = lines.slice(from, i).map((each) => (each.startsWith(indent!) ? each.slice(indent!.length) : each));
      blocks.push({ page, line: from, language: language!, code: code.join('\n'), notes });
      notes = [];
      continue;
    }
    if (line.startsWith('<!--')) {
      const from = i;
      while (i < lines.length && !lines[i]!.includes('-->')) i++;
      const body = lines
        .slice(from, i + 1)
        .join('\n')
        .replace(/^<!--\s*/, '')
        .replace(/\s*-->.*$/s, '');
      const found = note.exec(body);
      if (found !== null) notes.push({ name: found[1]!, text: (found[2] ?? '').trim() });
      continue;
    }
    // A note is about the block right below it.
    if (line.trim() !== '') notes = [];
  }
  return blocks;
}

export function noteOf(block: Block, name: string): string | undefined {
  return block.notes.find((each) => each.name === name)?.text;
}

export function notesOf(block: Block, name: string): string[] {
  return block.notes.filter((each) => each.name === name).map(({ text }) => text);
}
