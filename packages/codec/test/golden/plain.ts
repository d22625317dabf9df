import type { Field } from '@kiel/codec';
import type { Json, JsonObject } from './vectors.ts';

// Between the codec's values and Java's JSON, apart from the codec's own JSON form, which is tested against both.

type Value = Record<string, unknown>;

const isIn = (range: Field['versions'] | null, version: number) =>
  range !== null && version >= range.lowest && version <= range.highest;

/**
 * What Java's JSON should say of a decoded value. Java leaves out a tagged field that has its default, so such a field
 * counts only where `java` has it; a value in it that Java does not see would come out in the bytes.
 */
export function plainOf(value: Value, fields: readonly Field[], version: number, java: JsonObject): JsonObject {
  const result: JsonObject = {};
  for (const field of fields) {
    if (!isIn(field.versions, version)) continue;
    const theirs = java[field.name];
    if (theirs === undefined && isIn(field.tagged, version)) continue;
    const mine = value[field.name];
    if (field.isArray && Array.isArray(mine)) {
      const elements = Array.isArray(theirs) ? theirs : [];
      result[field.name] = mine.map((element, i) => plainElement(element, field, version, elements[i] ?? {}));
    } else {
      result[field.name] = plainElement(mine, field, version, theirs ?? {});
    }
  }
  const unknown = value['unknownTaggedFields'] as { tag: number; data: Uint8Array }[] | undefined;
  if (unknown !== undefined && unknown.length > 0) {
    result['unknownTaggedFields'] = unknown.map(({ tag, data }) => ({ tag, data: base64(data) }));
  }
  return result;
}

function plainElement(value: unknown, field: Field, version: number, java: Json): Json {
  if (value === null) return null;
  if (field.type === 'struct') return plainOf(value as Value, field.fields, version, java as JsonObject);
  if (value instanceof Uint8Array) return base64(value);
  if (typeof value === 'bigint') return value.toString();
  // Numbers that JSON lacks are text in Java's.
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value as Json;
}

/** An input for `encode` that says only what Java's JSON says, so that the defaults are the codec's. */
export function inputOf(json: JsonObject, fields: readonly Field[]): Value {
  const result: Value = {};
  for (const [name, node] of Object.entries(json)) {
    if (name === 'unknownTaggedFields') {
      const unknown = node as { tag: number; data: string }[];
      result[name] = unknown.map(({ tag, data }) => ({ tag, data: new Uint8Array(Buffer.from(data, 'base64')) }));
      continue;
    }
    const field = fields.find((candidate) => candidate.name === name);
    if (field === undefined) throw new Error(`Java has a field ${name} that the codec lacks`);
    result[name] = Array.isArray(node)
      ? node.map((element) => inputElement(element, field))
      : inputElement(node, field);
  }
  return result;
}

function inputElement(node: Json, field: Field): unknown {
  if (node === null) return null;
  switch (field.type) {
    case 'struct':
      return inputOf(node as JsonObject, field.fields);
    case 'int64':
      return BigInt(node as string);
    case 'float64':
      return Number(node);
    case 'bytes':
    case 'records':
      return new Uint8Array(Buffer.from(node as string, 'base64'));
    default:
      return node;
  }
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
