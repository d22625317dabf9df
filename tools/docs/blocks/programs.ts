import { beginnings } from './beginnings.ts';
import { type Block, noteOf, notesOf } from './extract.ts';

/** A file made of one block, or of several that go on from each other. */
export interface Program {
  readonly page: string;
  /** Of the last block, which is where it is told about. */
  readonly line: number;
  readonly language: 'ts' | 'js' | 'sh';
  readonly fileName: string;
  readonly text: string;
  /** Why it is not run, or null. */
  readonly notRun: string | null;
  readonly isChecked: boolean;
  readonly block: Block;
}

const languages: Readonly<Record<string, Program['language']>> = {
  ts: 'ts',
  typescript: 'ts',
  js: 'js',
  javascript: 'js',
  sh: 'sh',
  bash: 'sh',
};

/** The programs of a page, in its order. A block that another goes on from is part of that one's program. */
export function programsOf(blocks: readonly Block[]): Program[] {
  const programs: Program[] = [];
  const shown = new Map<Program['language'], string>();
  for (const block of blocks) {
    const language = languages[block.language];
    if (language === undefined) continue;
    const continues = noteOf(block, 'continues') !== undefined;
    const with_ = (noteOf(block, 'with') ?? '').split(',').map((name) => name.trim());
    const begin = with_.filter(Boolean).map(beginning);
    const before = [...begin, ...notesOf(block, 'before')].join('\n');
    const own = [before, block.code].filter(Boolean).join('\n');
    const whole = continues ? `${shown.get(language)}\n${own}` : own;
    shown.set(language, whole);
    const text = [whole, ...notesOf(block, 'after')].join('\n');
    const file = noteOf(block, 'file');
    const goesOn = continues ? programs.findLastIndex((each) => each.language === language) : -1;
    if (goesOn >= 0) programs.splice(goesOn, 1);
    const unchecked = noteOf(block, 'not checked');
    programs.push({
      page: block.page,
      line: block.line,
      language,
      fileName: file ?? `line-${block.line}.${language}`,
      text: language === 'ts' ? `${text}\nexport {};\n` : `${text}\n`,
      notRun: noteOf(block, 'not run') ?? unchecked ?? (file === undefined ? null : 'a file of other blocks'),
      isChecked: unchecked === undefined,
      block,
    });
  }
  return programs;
}

function beginning(name: string): string {
  const text = beginnings[name];
  if (text === undefined) throw new Error(`no beginning is named "${name}"`);
  return text;
}
