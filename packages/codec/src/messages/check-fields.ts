import { CodecError } from '../errors.ts';
import { type Field, fieldsOf } from './layout.ts';
import type { Message } from './message.ts';

/**
 * Throws unless every name in an input is a field of the message in some version, at every depth: CodecError
 * `UNKNOWN_FIELD`, with the nearest right name.
 *
 * Encoding looks up the fields it knows and does not see others: asking for all names would double its time. The types
 * refuse a misspelled name where it is written; call this where they do not reach, as in JavaScript or for a value that
 * came from elsewhere. `toJson` and `fromJson` do so themselves.
 */
export function checkFields<Input>(message: Pick<Message<never, Input>, 'name' | 'layout'>, value: Input): void {
  const found = unknownField(fieldsOf(message), value, '');
  if (found !== null) throw found.placed({ messageName: message.name, path: found.path });
}

function unknownField(fields: readonly Field[], value: unknown, path: string): CodecError | null {
  // Whatever is no struct where one belongs is for the encoder to name.
  if (typeof value !== 'object' || value === null) return null;
  for (const [name, item] of Object.entries(value)) {
    if (name === 'unknownTaggedFields') continue;
    const field = fields.find((each) => each.name === name);
    const place = path === '' ? name : `${path}.${name}`;
    if (field === undefined && item !== undefined) return unknownName(fields, name, place);
    if (field?.type !== 'struct') continue;
    const found = Array.isArray(item) ? inElements(field.fields, item, place) : unknownField(field.fields, item, place);
    if (found !== null) return found;
  }
  return null;
}

function inElements(fields: readonly Field[], elements: readonly unknown[], path: string): CodecError | null {
  for (const [i, element] of elements.entries()) {
    const found = unknownField(fields, element, `${path}[${i}]`);
    if (found !== null) return found;
  }
  return null;
}

function unknownName(fields: readonly Field[], name: string, path: string): CodecError {
  const nearest = fields
    .map((field) => ({ name: field.name, distance: editDistance(field.name.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  const advice = nearest !== undefined && nearest.distance <= 2 ? `; did you mean ${nearest.name}?` : '';
  return new CodecError('UNKNOWN_FIELD', `no version has a field of this name${advice}`, { path });
}

/** How many letters have to be put in, taken out or replaced; names are short. */
function editDistance(from: string, to: string): number {
  // A name from elsewhere may be of any length: it is near to nothing then.
  if (Math.abs(from.length - to.length) > 2) return 3;
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
