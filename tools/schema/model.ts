import { anyVersion, contains, type Definition, type FieldDefinition, parseRange, type Range } from './definition.ts';

export const primitives = [
  'bool',
  'int8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'float64',
  'uuid',
  'string',
  'bytes',
  'records',
] as const;

export type Primitive = (typeof primitives)[number];

/** A definition with its ranges parsed, its structs found and its names made: what the emitters work from. */
export interface Model {
  readonly definition: Definition;
  readonly name: string;
  readonly versions: Range;
  readonly flexible: Range | null;
  readonly root: Struct;
  /** The root first, then every struct in the order of its first use. */
  readonly structs: readonly Struct[];
}

export interface Struct {
  /** Name of the TypeScript type: Kafka's own behind the message's, since messages share struct names. */
  readonly typeName: string;
  readonly versions: Range;
  readonly fields: readonly Field[];
  readonly isRoot: boolean;
}

export interface Field {
  readonly name: string;
  readonly type: Primitive | Struct;
  readonly isArray: boolean;
  /** Within the struct's versions. */
  readonly versions: Range;
  readonly nullable: Range | null;
  readonly tagged: Range | null;
  readonly tag: number;
  /** `null` for a field that keeps its old form always. */
  readonly flexible: Range | null;
  /** A TypeScript expression; null where the default is null. */
  readonly default: FieldDefault;
  readonly ignorable: boolean;
  /** The caller must give it: every version of its struct has it and Kafka states no default. */
  readonly isRequired: boolean;
}

export type FieldDefault =
  | { readonly kind: 'null' }
  | { readonly kind: 'value'; readonly code: string }
  | { readonly kind: 'emptyArray' }
  | { readonly kind: 'emptyBytes' }
  | { readonly kind: 'struct' };

export function makeModel(definition: Definition): Model {
  const versions = parseRange(definition.validVersions, anyVersion)!;
  const flexible = parseRange(definition.flexibleVersions, versions);
  const structs: Struct[] = [];
  const byName = new Map<string, Struct>();

  const structOf = (name: string, range: Range, inline: readonly FieldDefinition[] | undefined): Struct => {
    const known = byName.get(name);
    if (known !== undefined) return known;
    const common = definition.commonStructs?.find((struct) => struct.name === name);
    const fields = inline ?? common?.fields;
    if (fields === undefined) throw new Error(`${definition.name}: no struct ${name}`);
    const struct = { typeName: typeName(definition.name, name), versions: range, fields: [] as Field[], isRoot: false };
    const at = structs.push(struct);
    byName.set(name, struct);
    if (common !== undefined) struct.versions = parseRange(common.versions, versions)!;
    struct.fields.push(...fieldsOf(fields, struct.versions));
    return structs[at - 1]!;
  };

  const fieldsOf = (list: readonly FieldDefinition[], within: Range): Field[] => {
    const fields: Field[] = [];
    for (const field of list) {
      const range = parseRange(field.versions, within);
      if (range === null) continue;
      const isArray = field.type.startsWith('[]');
      const name = isArray ? field.type.slice(2) : field.type;
      const type = isPrimitive(name) ? name : structOf(name, range, field.fields);
      const nullable = parseRange(field.nullableVersions ?? 'none', range);
      const tagged = parseRange(field.taggedVersions ?? 'none', range);
      fields.push({
        name: field.name,
        type,
        isArray,
        versions: range,
        nullable,
        tagged,
        tag: field.tag ?? -1,
        flexible: field.flexibleVersions === 'none' ? null : flexible,
        default: defaultOf(field, type, isArray),
        ignorable: field.ignorable ?? false,
        isRequired:
          field.default === undefined &&
          tagged === null &&
          field.ignorable !== true &&
          range.lowest === within.lowest &&
          range.highest === within.highest,
      });
    }
    return fields;
  };

  const root = { typeName: definition.name, versions, fields: [] as Field[], isRoot: true };
  structs.push(root);
  root.fields.push(...fieldsOf(definition.fields, versions));
  return { definition, name: definition.name, versions, flexible, root, structs };
}

export function isPrimitive(name: string): name is Primitive {
  return (primitives as readonly string[]).includes(name);
}

/** `MetadataRequestTopic` and not `MetadataRequestMetadataRequestTopic`. */
function typeName(message: string, struct: string): string {
  return struct.startsWith(message) ? struct : `${message}${struct}`;
}

function defaultOf(field: FieldDefinition, type: Primitive | Struct, isArray: boolean): FieldDefault {
  if (field.default === null) return { kind: 'null' };
  if (isArray) return { kind: 'emptyArray' };
  if (typeof type !== 'string') return { kind: 'struct' };
  switch (type) {
    case 'bytes':
    case 'records':
      return { kind: 'emptyBytes' };
    case 'string':
      return { kind: 'value', code: quote(String(field.default ?? '')) };
    case 'bool':
      return { kind: 'value', code: String(field.default ?? false) };
    case 'uuid':
      return { kind: 'value', code: 'zeroUuid' };
    case 'int64':
      return { kind: 'value', code: `${field.default ?? 0}n` };
    default:
      return { kind: 'value', code: String(field.default ?? 0) };
  }
}

export function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** Part of a field's life: consecutive versions in which the same code reads or writes it. */
export interface Span {
  readonly lowest: number;
  readonly highest: number;
  readonly code: string;
}

/** Splits `within` where the code for a version changes, newest first. */
export function spansOf(within: Range, codeFor: (version: number) => string): Span[] {
  const spans: { lowest: number; highest: number; code: string }[] = [];
  for (let version = within.highest; version >= within.lowest; version--) {
    const code = codeFor(version);
    const last = spans.at(-1);
    if (last?.code === code) last.lowest = version;
    else spans.push({ lowest: version, highest: version, code });
  }
  return spans;
}

/** How a version of a field is on the wire. */
export type Presence = 'absent' | 'tagged' | 'plain';

export function presenceIn(field: Field, version: number): Presence {
  if (!contains(field.versions, version)) return 'absent';
  return contains(field.tagged, version) ? 'tagged' : 'plain';
}

/** A condition on `version` that holds in `range`, for a version known to be in `within`; null when it always holds. */
export function conditionFor(range: Range, within: Range): string | null {
  const fromStart = range.lowest <= within.lowest;
  const toEnd = range.highest >= within.highest;
  if (fromStart && toEnd) return null;
  if (toEnd) return `version >= ${range.lowest}`;
  if (fromStart) return `version <= ${range.highest}`;
  if (range.lowest === range.highest) return `version === ${range.lowest}`;
  return `version >= ${range.lowest} && version <= ${range.highest}`;
}

export function kebabCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .toLowerCase();
}
