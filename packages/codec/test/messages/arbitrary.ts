import { type Field, fieldsOf, type Message, type VersionRange } from '@kiel/codec';
import fc from 'fast-check';

/** Values of one version of a message, drawn from its layout: extremes, nulls, non-ASCII text, unknown tags. */
export function arbitraryOf(message: Message<unknown, never>, version: number): fc.Arbitrary<Record<string, unknown>> {
  return structOf(fieldsOf(message), version, version >= message.firstFlexible, 0);
}

function structOf(
  fields: readonly Field[],
  version: number,
  isFlexible: boolean,
  depth: number,
): fc.Arbitrary<Record<string, unknown>> {
  const members: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of fields)
    if (isIn(field.versions, version)) members[field.name] = fieldOf(field, version, isFlexible, depth);
  if (isFlexible) members['unknownTaggedFields'] = unknownTags;
  return fc.record(members);
}

function isIn(range: VersionRange | null, version: number): boolean {
  return range !== null && version >= range.lowest && version <= range.highest;
}

function fieldOf(field: Field, version: number, isFlexible: boolean, depth: number): fc.Arbitrary<unknown> {
  const one = elementOf(field, version, isFlexible, depth);
  const value = field.isArray ? fc.array(one, { maxLength: depth === 0 ? 3 : 2 }) : one;
  return isIn(field.nullable, version) ? fc.option(value, { nil: null, freq: 3 }) : value;
}

const unknownTags = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  {
    weight: 1,
    arbitrary: fc
      .uniqueArray(fc.integer({ min: 100, max: 0xffffffff }), { maxLength: 3 })
      .chain((tags) =>
        fc.tuple(...tags.sort((a, b) => a - b).map((tag) => fc.record({ tag: fc.constant(tag), data: bytes(200) }))),
      ),
  },
);

function bytes(maxLength: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ maxLength });
}

/** Either side of 128 bytes, where the compact length grows, and of the lengths at which the fast paths change. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 70 }),
  fc.integer({ min: 0, max: 60 }).map((length) => 'x'.repeat(length)),
  fc.constantFrom('é'.repeat(63), 'é'.repeat(64), 'x'.repeat(127), `${'x'.repeat(126)}€`, '\u{1f600}', '\ufeffbom'),
);

function elementOf(field: Field, version: number, isFlexible: boolean, depth: number): fc.Arbitrary<unknown> {
  switch (field.type) {
    case 'struct':
      return structOf(field.fields, version, isFlexible, depth + 1);
    case 'bool':
      return fc.boolean();
    case 'int8':
      return fc.integer({ min: -128, max: 127 });
    case 'int16':
      return fc.integer({ min: -0x8000, max: 0x7fff });
    case 'uint16':
      return fc.integer({ min: 0, max: 0xffff });
    case 'int32':
      return fc.integer();
    case 'uint32':
      return fc.nat({ max: 0xffffffff });
    case 'int64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case 'float64':
      return fc.double();
    case 'uuid':
      return fc.uint8Array({ minLength: 16, maxLength: 16 }).map((id) => Buffer.from(id).toString('base64url'));
    case 'string':
      return text;
    default:
      return bytes(300);
  }
}
