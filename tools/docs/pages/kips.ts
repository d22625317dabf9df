import { type Kip, kips } from '../data/kips.ts';
import { table } from '../markdown.ts';

const words: Readonly<Record<Kip['status'], string>> = {
  yes: 'yes',
  part: 'in part',
  codec: 'codec only',
  mock: 'mock cluster only',
  no: 'no',
};

export function kipTable(): string {
  return table(
    ['KIP', 'about', 'here', 'what is done'],
    kips
      .toSorted((a, b) => a.number - b.number)
      .map(({ number, title, status, what }) => [String(number), title, words[status], what]),
  );
}
