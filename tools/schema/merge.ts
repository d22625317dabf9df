import {
  anyVersion,
  contains,
  type Definition,
  type FieldDefinition,
  formatRange,
  parseRange,
  type Range,
  type StructDefinition,
} from './definition.ts';
import type { KafkaField, KafkaMessage, KafkaStruct } from './kafka-json.ts';

/** One release's definition of a message, and the versions for which it is the newest that has them. */
interface Source {
  readonly message: KafkaMessage;
  readonly versions: ReadonlySet<number>;
}

/** The fields of one struct in one source. */
interface FieldSource {
  readonly fields: readonly KafkaField[];
  readonly versions: ReadonlySet<number>;
}

/**
 * Makes one definition out of what several releases say about a message. Each version is taken as a whole from the
 * newest release that has it, so that every version is exactly what some release's classes read and write.
 *
 * @param releases - newest first.
 */
export function merge(releases: ReadonlyMap<string, KafkaMessage>): Definition | null {
  const sources: Source[] = [];
  const taken = new Set<number>();
  const ranges: Record<string, string> = {};
  for (const [release, message] of releases) {
    const range = parseRange(message.validVersions, anyVersion);
    if (range === null) continue;
    ranges[release] = message.validVersions;
    const versions = versionsOf(range).filter((version) => !taken.has(version));
    for (const version of versions) taken.add(version);
    sources.push({ message, versions: new Set(versions) });
  }
  if (sources.length === 0) return null;
  const newest = sources[0]!.message;
  const valid = toRange(taken, newest.name)!;
  const flexible = collect(sources, newest.name, ({ message }) => message.flexibleVersions ?? 'none');
  const formerName = sources.find(({ message }) => message.name !== newest.name)?.message.name;
  const structs = mergeStructs(sources, valid);
  return {
    name: newest.name,
    type: newest.type as Definition['type'],
    ...(newest.apiKey === undefined ? {} : { apiKey: newest.apiKey }),
    ...(formerName === undefined ? {} : { formerName }),
    validVersions: valid.lowest === valid.highest ? `${valid.lowest}` : `${valid.lowest}-${valid.highest}`,
    flexibleVersions: formatRange(flexible, valid),
    releases: Object.fromEntries(Object.entries(ranges).sort()),
    ...(newest.listeners === undefined ? {} : { listeners: newest.listeners }),
    ...(newest.latestVersionUnstable ? { latestVersionUnstable: true } : {}),
    fields: mergeFields(
      sources.map(({ message, versions }) => ({ fields: message.fields ?? [], versions })),
      valid,
      newest.name,
    ),
    ...(structs.length === 0 ? {} : { commonStructs: structs }),
  };
}

function mergeStructs(sources: readonly Source[], valid: Range): StructDefinition[] {
  const byName = new Map<string, { struct: KafkaStruct; versions: ReadonlySet<number> }[]>();
  for (const { message, versions } of sources) {
    for (const struct of message.commonStructs ?? []) {
      const known = byName.get(struct.name) ?? [];
      byName.set(struct.name, [...known, { struct, versions }]);
    }
  }
  return [...byName].map(([name, list]) => ({
    name,
    versions: formatRange(
      collect(list, name, ({ struct }) => struct.versions),
      valid,
    ),
    fields: mergeFields(
      list.map(({ struct, versions }) => ({ fields: struct.fields, versions })),
      valid,
      name,
    ),
  }));
}

function mergeFields(sources: readonly FieldSource[], valid: Range, path: string): FieldDefinition[] {
  const merged: FieldDefinition[] = [];
  for (const name of orderOfNames(sources.map(({ fields }) => fields.map((field) => field.name)))) {
    const field = mergeField(sources, name, valid, `${path}.${name}`);
    if (field !== null) merged.push(field);
  }
  return merged;
}

function mergeField(sources: readonly FieldSource[], name: string, valid: Range, path: string): FieldDefinition | null {
  const list: { field: KafkaField; versions: ReadonlySet<number> }[] = [];
  for (const { fields, versions } of sources) {
    const field = fields.find((candidate) => candidate.name === name);
    if (field !== undefined) list.push({ field, versions });
  }
  const versions = collect(list, path, ({ field }) => field.versions ?? field.taggedVersions ?? 'none');
  if (versions === null) return null;
  const nullable = collect(list, path, ({ field }) => field.nullableVersions ?? 'none');
  const tagged = collect(list, path, ({ field }) => field.taggedVersions ?? 'none');
  const newest = list[0]!.field;
  for (const { field } of list) {
    for (const key of ['type', 'tag', 'default', 'flexibleVersions'] as const) {
      if (String(field[key]) !== String(newest[key])) {
        console.warn(`${path}: ${key} is ${newest[key]} in the newest release, ${field[key]} in an older one`);
      }
    }
  }
  const children = list.filter(({ field }) => field.fields !== undefined);
  return {
    name: lowerFirst(name),
    type: newest.type,
    versions: formatRange(versions, valid),
    ...(nullable === null ? {} : { nullableVersions: formatRange(nullable, valid) }),
    ...(tagged === null ? {} : { taggedVersions: formatRange(tagged, valid), tag: newest.tag! }),
    // Java's generator takes JSON's null for no default at all; only the text "null" says that it is null.
    ...((newest.default ?? null) === null ? {} : { default: normalizeDefault(newest) }),
    ...(isIgnorable(list, path) ? { ignorable: true } : {}),
    ...(newest.flexibleVersions === undefined ? {} : { flexibleVersions: 'none' as const }),
    ...(newest.entityType === undefined ? {} : { entityType: newest.entityType }),
    ...(children.length === 0
      ? {}
      : {
          fields: mergeFields(
            children.map(({ field, versions }) => ({ fields: field.fields!, versions: presentIn(field, versions) })),
            valid,
            path,
          ),
        }),
  };
}

function presentIn(field: KafkaField, versions: ReadonlySet<number>): ReadonlySet<number> {
  const range = parseRange(field.versions ?? field.taggedVersions ?? 'none', anyVersion);
  return new Set([...versions].filter((version) => contains(range, version)));
}

/** Only versions that lack the field ask whether it may be left out, so the releases that have such versions decide. */
function isIgnorable(list: readonly { field: KafkaField; versions: ReadonlySet<number> }[], path: string): boolean {
  const asked = list.filter(({ field, versions }) => {
    return presentIn(field, versions).size < versions.size;
  });
  const answers = new Set((asked.length === 0 ? list.slice(0, 1) : asked).map(({ field }) => isTrue(field.ignorable)));
  if (answers.size > 1) console.warn(`${path}: releases differ on whether it is ignorable`);
  return answers.has(true);
}

function isTrue(value: boolean | string | undefined): boolean {
  return value === true || value === 'true';
}

/** Kafka's own JSON form lower-cases the first letter and no other. */
function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function normalizeDefault({ default: value, type, name }: KafkaField): string | number | boolean | null {
  if (value === 'null') return null;
  switch (type) {
    case 'string':
      return String(value);
    case 'bool':
      return value === true || value === 'true';
    case 'int64':
      return BigInt(value!.toString()).toString();
    case 'int8':
    case 'int16':
    case 'int32':
    case 'uint16':
    case 'uint32':
    case 'float64':
      return Number(value);
    default:
      throw new Error(`${name}: a default "${value}" for ${type}`);
  }
}

/** The versions in which a source's range holds, each source asked only for the versions it stands for. */
function collect<T extends { readonly versions: ReadonlySet<number> }>(
  sources: readonly T[],
  path: string,
  rangeOf: (source: T) => string,
): Range | null {
  const versions = new Set<number>();
  for (const source of sources) {
    const range = parseRange(rangeOf(source), anyVersion);
    for (const version of source.versions) if (contains(range, version)) versions.add(version);
  }
  return toRange(versions, path);
}

function versionsOf({ lowest, highest }: Range): number[] {
  return Array.from({ length: highest - lowest + 1 }, (_, i) => lowest + i);
}

function toRange(versions: ReadonlySet<number>, path: string): Range | null {
  if (versions.size === 0) return null;
  const range = { lowest: Math.min(...versions), highest: Math.max(...versions) };
  if (range.highest - range.lowest + 1 !== versions.size) {
    throw new Error(`${path}: versions ${[...versions].join(', ')} are not consecutive`);
  }
  return range;
}

/** All names in an order that every list agrees with; a name only an older list has goes before what follows it there. */
function orderOfNames(lists: readonly (readonly string[])[]): string[] {
  const order = [...lists[0]!];
  for (const list of lists.slice(1)) {
    let at = 0;
    for (const name of list) {
      const known = order.indexOf(name);
      if (known >= 0) at = known + 1;
      else order.splice(at++, 0, name);
    }
  }
  return order;
}
