import { apis } from '@kiel/codec';
import { FaultSyntaxError } from './action.ts';

const known: readonly string[] = apis.map(({ name }) => name);
const options = [
  'broker',
  'topic',
  'partition',
  'client',
  'times',
  'after',
  'probability',
  'fromMs',
  'untilMs',
  'then',
];

/** @throws FaultSyntaxError for what no request is called, since a rule about it would never act. */
export function checkApi(api: string): void {
  if (api === '*' || api === 'Connect' || known.includes(api)) return;
  throw new FaultSyntaxError(`there is no API called "${api}"${advice(api, [...known, 'Connect'])}`);
}

/** @throws FaultSyntaxError for an option that no rule has, since it would have no effect. */
export function checkRuleOptions(given: object): void {
  for (const name of Object.keys(given)) {
    if (!options.includes(name)) throw new FaultSyntaxError(`a rule has no option "${name}"${advice(name, options)}`);
  }
}

function advice(name: string, names: readonly string[]): string {
  const distances = names.map((each) => [each, editDistance(name.toLowerCase(), each.toLowerCase())] as const);
  const [nearest, distance] = distances.reduce((best, each) => (each[1] < best[1] ? each : best));
  return distance <= Math.max(2, name.length / 3) ? `; did you mean "${nearest}"?` : '';
}

/** How many letters to put in, take out or replace. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let column = 0; column < to.length; column++) {
      const replaced = row[column]! + (letter === to[column] ? 0 : 1);
      next.push(Math.min(replaced, row[column + 1]! + 1, next[column]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
