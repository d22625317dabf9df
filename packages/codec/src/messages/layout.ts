import { CodecError } from '../errors.ts';
import type { Reader } from '../wire/reader.ts';
import type { Message } from './message.ts';

/** Consecutive versions, both ends included; an open end is Infinity. */
export interface VersionRange {
  readonly lowest: number;
  readonly highest: number;
}

/** One field of a message or of a struct in it, in the order of the wire. */
export interface Field {
  readonly name: string;
  /** `int32`, `string` and so on, or `struct`. */
  readonly type: string;
  readonly isArray: boolean;
  readonly versions: VersionRange;
  /** The versions in which it may be null. */
  readonly nullable: VersionRange | null;
  /** The versions in which it is tagged, and its tag; -1 for none. */
  readonly tagged: VersionRange | null;
  readonly tag: number;
  /** Keeps the form of old versions in flexible ones: the client id of RequestHeader. */
  readonly isInflexible: boolean;
  /** Of a struct. */
  readonly fields: readonly Field[];
}

/** The fields of a message, for tools that go through messages without knowing them. */
export function fieldsOf(message: Pick<Message, 'layout'>): readonly Field[] {
  const root: Field[] = [];
  const open: Field[][] = [root];
  for (const line of message.layout.split('\n')) {
    const words = line.trim().split(' ');
    if (words[0] === '') continue;
    if (words[0] === '}') {
      open.pop();
      continue;
    }
    const fields: Field[] = [];
    open.at(-1)!.push(parseField(words, fields));
    if (words.at(-1) === '{') open.push(fields);
  }
  return root;
}

function parseField(words: readonly string[], fields: readonly Field[]): Field {
  const [name, type] = words as [string, string, string];
  const nullAt = words.indexOf('null', 3);
  const tagAt = words.indexOf('tag', 3);
  return {
    name,
    type: type.replace('[]', ''),
    isArray: type.startsWith('[]'),
    versions: parseRange(words[2]!),
    nullable: nullAt < 0 ? null : parseRange(words[nullAt + 1]!),
    tagged: tagAt < 0 ? null : parseRange(words[tagAt + 2]!),
    tag: tagAt < 0 ? -1 : Number(words[tagAt + 1]),
    isInflexible: words.includes('inflexible', 3),
    fields,
  };
}

function parseRange(text: string): VersionRange {
  const [low, high] = text.split(/[-+]/);
  const lowest = Number(low);
  return { lowest, highest: text.endsWith('+') ? Number.POSITIVE_INFINITY : Number(high ?? low) };
}

export function isIn(range: VersionRange | null, version: number): boolean {
  return range !== null && version >= range.lowest && version <= range.highest;
}

/**
 * Where a failing read failed: walks the bytes again by the layout and returns the path of the field at which the
 * fault lies. Slow, and only ever done for an error.
 */
export function pathOfOffset(
  message: Pick<Message, 'layout' | 'firstFlexible'>,
  version: number,
  r: Reader,
  offset: number = Number.POSITIVE_INFINITY,
): string {
  const walk: Walk = { r, version, offset, isFlexible: version >= message.firstFlexible, path: '' };
  try {
    walkStruct(walk, fieldsOf(message), '');
    return '';
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return walk.path;
  }
}

interface Walk {
  readonly r: Reader;
  readonly version: number;
  readonly offset: number;
  readonly isFlexible: boolean;
  path: string;
}

/** Ends the walk once it has passed the fault, wherever a generated reader was stricter than the walk is. */
function stopPastFault({ r, offset }: Walk): void {
  if (r.pos > offset) throw new CodecError('TRUNCATED', 'found');
}

function walkStruct(walk: Walk, fields: readonly Field[], base: string): void {
  const { r, version } = walk;
  const prefix = base === '' ? '' : `${base}.`;
  for (const field of fields) {
    if (!isIn(field.versions, version) || isIn(field.tagged, version)) continue;
    walkField(walk, field, prefix + field.name);
  }
  if (!walk.isFlexible) return;
  walk.path = `${prefix}unknownTaggedFields`;
  const count = r.taggedFieldCount();
  stopPastFault(walk);
  for (let i = 0; i < count; i++) {
    walk.path = `${prefix}unknownTaggedFields[${i}]`;
    const tag = r.uvarint();
    const end = r.beginTag();
    const known = fields.find((field) => field.tag === tag);
    if (known === undefined) {
      r.raw(end - r.pos);
      continue;
    }
    walk.path = prefix + known.name;
    if (!isIn(known.tagged, version)) throw new CodecError('INVALID_TAG', 'not in this version');
    walkField(walk, known, prefix + known.name);
    walk.path = prefix + known.name;
    r.endTag(tag, end);
  }
}

function walkField(walk: Walk, field: Field, path: string): void {
  walk.path = path;
  const isNullable = isIn(field.nullable, walk.version);
  if (!field.isArray) {
    if (field.type === 'struct' && isNullable && readsNull(walk, field)) return;
    walkValue(walk, field, path, isNullable);
    stopPastFault(walk);
    return;
  }
  const { r } = walk;
  const length = walk.isFlexible ? r.compactNullableArrayLength(1) : r.nullableArrayLength(1);
  stopPastFault(walk);
  if (length < 0 && !isNullable) throw new CodecError('NOT_NULLABLE', 'null');
  for (let i = 0; i < length; i++) {
    walk.path = `${path}[${i}]`;
    walkValue(walk, field, walk.path, false);
    stopPastFault(walk);
  }
}

/** Whether a nullable struct is null; the mark is another one in a tagged field. */
function readsNull({ r, version }: Walk, field: Field): boolean {
  return isIn(field.tagged, version) ? r.uvarint() === 0 : r.int8() < 0;
}

function walkValue(walk: Walk, field: Field, path: string, isNullable: boolean): void {
  const { r } = walk;
  const isCompact = walk.isFlexible && !field.isInflexible;
  switch (field.type) {
    case 'struct':
      walkStruct(walk, field.fields, path);
      return;
    case 'string':
      if (isCompact) isNullable ? r.compactNullableString() : r.compactString();
      else isNullable ? r.nullableString() : r.string();
      return;
    case 'bytes':
    case 'records':
      if (isCompact) isNullable ? r.compactNullableByteArray() : r.compactByteArray();
      else isNullable ? r.nullableByteArray() : r.byteArray();
      return;
    default:
      r.take(sizeOfFixed(field.type));
  }
}

function sizeOfFixed(type: string): number {
  switch (type) {
    case 'bool':
    case 'int8':
      return 1;
    case 'int16':
    case 'uint16':
      return 2;
    case 'int32':
    case 'uint32':
      return 4;
    case 'uuid':
      return 16;
    default:
      return 8;
  }
}
