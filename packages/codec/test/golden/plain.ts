import type { Field } from '@kiel/codec';
import type { Json, JsonObject, Vector } from './vectors.ts';

// Between the codec's values and Java's JSON, apart from the codec's own JSON form, which is tested against both.

type Value = Record<string, unknown>;

const isIn = (range: Field['versions'] | null, version: number) =>
  range !== null && version >= range.lowest && version <= range.highest;

/** A decoded value as Java's JSON has it, with all fields of this version. */
export function plainOf(value: Value, fields: readonly Field[], version: number): JsonObject {
  const result: JsonObject = {};
  for (const field of fields) {
    if (!isIn(field.versions, version)) continue;
    const mine = value[field.name];
    const isList = field.isArray && Array.isArray(mine);
    const plain = (element: unknown) => plainElement(element, field, version);
    result[field.name] = isList ? mine.map(plain) : plain(mine);
  }
  const unknown = value['unknownTaggedFields'] as { tag: number; data: Uint8Array }[] | undefined;
  if (unknown !== undefined && unknown.length > 0) {
    result['unknownTaggedFields'] = unknown.map(({ tag, data }) => ({ tag, data: base64(data) }));
  }
  return result;
}

function plainElement(value: unknown, field: Field, version: number): Json {
  if (value === null) return null;
  if (field.type === 'struct') return plainOf(value as Value, field.fields, version);
  if (value instanceof Uint8Array) return base64(value);
  if (typeof value === 'bigint') return value.toString();
  // Numbers that JSON lacks are text in Java's.
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value as Json;
}

/** Java's JSON of a vector with what it leaves out put back. */
export function completed({ json, omitted = {} }: Pick<Vector, 'json' | 'omitted'>): JsonObject {
  const whole = structuredClone(json);
  for (const [path, value] of Object.entries(omitted)) {
    const steps = path.split(/[.[\]]+/);
    const last = steps.pop() ?? '';
    let place = whole as Record<string, Json>;
    for (const step of steps) place = place[step] as JsonObject;
    place[last] = value;
  }
  return whole;
}

/** Java writes a negative zero as a number; the codec's JSON has it as text, since `JSON.stringify` drops its sign. */
export function asCodecJson(node: Json): Json {
  if (Object.is(node, -0)) return '-0';
  if (Array.isArray(node)) return node.map(asCodecJson);
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, asCodecJson(value)]));
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
