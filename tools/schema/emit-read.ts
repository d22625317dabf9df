import { contains, type Range } from './definition.ts';
import { conditionFor, type Field, type Model, type Primitive, presenceIn, type Struct, spansOf } from './model.ts';
import { defaultFunction, localName, readFunction } from './names.ts';

const lengthReaders = new Set<Primitive>(['string', 'bytes', 'records']);

/** The body of a struct's read function: a local a field, in the order of the wire, and one object at the end. */
export function emitRead(model: Model, struct: Struct): string {
  const lines: string[] = [];
  for (const field of struct.fields) lines.push(...emitField(struct, field));
  lines.push(...emitTags(model, struct));
  const names = struct.fields.map((field) =>
    localName(field) === field.name ? field.name : `${field.name}: ${localName(field)}`,
  );
  if (model.flexible !== null) names.push('unknownTaggedFields');
  const object = `{ ${names.join(', ')} }`;
  if (names.length === 0) lines.push('return {};');
  else if (object.length < 90) lines.push(`return ${object};`);
  else lines.push('return {', ...names.map((name) => `  ${name},`), '};');
  return lines.join('\n');
}

function emitField(struct: Struct, field: Field): string[] {
  const type = localType(field);
  const isTaggedSomewhere = field.tagged !== null;
  if (isTaggedSomewhere && !hasPlain(struct, field)) return [`let ${localName(field)}${type} = ${defaultCode(field)};`];
  if (field.isArray && field.type !== 'int32') return emitArray(struct, field);
  const value = chain(struct.versions, (version) =>
    presenceIn(field, version) === 'plain'
      ? readCode(field, field.type, version, isNullableIn(field, version))
      : defaultCode(field),
  );
  // An empty list alone does not tell the type of its elements.
  const needsType = isTaggedSomewhere || (field.isArray && value.endsWith('[]'));
  return [`${isTaggedSomewhere ? 'let' : 'const'} ${localName(field)}${needsType ? type : ''} = ${value};`];
}

function hasPlain(struct: Struct, field: Field): boolean {
  for (let v = struct.versions.lowest; v <= struct.versions.highest; v++)
    if (presenceIn(field, v) === 'plain') return true;
  return false;
}

function emitArray(struct: Struct, field: Field): string[] {
  const count = `${singular(field.name)}Count`;
  const absent = field.default.kind === 'null' ? '-1' : '0';
  const counts = chain(struct.versions, (version) =>
    presenceIn(field, version) === 'plain' ? countCode(field, version) : absent,
  );
  const declared = `const ${count} = ${counts};`;
  if (field.nullable === null) {
    return [
      declared,
      `${field.tagged === null ? 'const' : 'let'} ${localName(field)}${arrayType(field)} = new Array(${count});`,
      ...emitLoop(field, localName(field), count, struct.versions),
    ];
  }
  const loop = emitLoop(field, localName(field), count, struct.versions);
  return [
    declared,
    `let ${localName(field)}${arrayType(field)} | null = null;`,
    `if (${count} >= 0) {`,
    `  ${localName(field)} = new Array(${count});`,
    ...loop.map((line) => `  ${line}`),
    '}',
  ];
}

/** The count was checked against the bytes left and the limit, so room for all elements can be made at once. */
function emitLoop(field: Field, target: string, count: string, within: Range): string[] {
  const element = chain(clip(field.versions, within), (version) => readCode(field, field.type, version, false));
  return [`for (let i = 0; i < ${count}; i++) ${target}[i] = ${element};`];
}

function clip(range: Range, within: Range): Range {
  return { lowest: Math.max(range.lowest, within.lowest), highest: Math.min(range.highest, within.highest) };
}

function emitTags(model: Model, struct: Struct): string[] {
  if (model.flexible === null) return [];
  const flexible = conditionFor(model.flexible, struct.versions);
  const tagged = struct.fields.filter((field) => field.tagged !== null);
  if (model.flexible.lowest > struct.versions.highest) return ['const unknownTaggedFields = noTaggedFields;'];
  if (tagged.length === 0) {
    return [
      `const unknownTaggedFields = ${flexible === null ? 'r.taggedFields()' : `${flexible} ? r.taggedFields() : noTaggedFields`};`,
    ];
  }
  const within = clip(model.flexible, struct.versions);
  const body = [
    'const tagCount = r.taggedFieldCount();',
    'for (let i = 0; i < tagCount; i++) {',
    '  const tag = r.uvarint();',
    '  const end = r.beginTag();',
    '  switch (tag) {',
    ...tagged.flatMap((field) => emitTagCase(field, within).map((line) => `    ${line}`)),
    '    default:',
    '      unknownTaggedFields = r.unknownTag(unknownTaggedFields, tag, end);',
    '  }',
    '}',
  ];
  const head = 'let unknownTaggedFields = noTaggedFields;';
  return flexible === null ? [head, ...body] : [head, `if (${flexible}) {`, ...body.map((line) => `  ${line}`), '}'];
}

function emitTagCase(field: Field, within: Range): string[] {
  const lines = [`case ${field.tag}: {`];
  const condition = conditionFor(field.tagged!, within);
  if (condition !== null) lines.push(`  if (${negated(condition)}) throw tagNotInVersion(tag, version);`);
  const range = clip(field.tagged!, within);
  if (field.isArray && field.type !== 'int32') {
    const count = `${singular(field.name)}Count`;
    lines.push(
      `  const ${count} = ${chain(range, (version) => countCode(field, version))};`,
      `  const list${arrayType(field)} = new Array(${field.nullable === null ? count : `Math.max(${count}, 0)`});`,
      ...emitLoop(field, 'list', count, range).map((line) => `  ${line}`),
      field.nullable === null ? `  ${localName(field)} = list;` : `  ${localName(field)} = ${count} < 0 ? null : list;`,
    );
  } else {
    lines.push(`  ${localName(field)} = ${chain(range, (version) => readTaggedCode(field, version))};`);
  }
  lines.push('  r.endTag(tag, end);', '  break;', '}');
  return lines;
}

function negated(condition: string): string {
  return /^version >= \d+$/.test(condition) ? condition.replace('>=', '<') : `!(${condition})`;
}

/** A nullable struct has another mark in a tagged field than elsewhere. */
function readTaggedCode(field: Field, version: number): string {
  const nullable = isNullableIn(field, version);
  if (typeof field.type === 'string' || !nullable) return readCode(field, field.type, version, nullable);
  return `r.uvarint() === 0 ? null : ${readFunction(field.type)}(r, version)`;
}

function isNullableIn(field: Field, version: number): boolean {
  return contains(field.nullable, version);
}

/** One expression over versions: the newest case first, as comparisons. */
function chain(within: Range, codeFor: (version: number) => string): string {
  const spans = spansOf(within, codeFor);
  return spans
    .map((span, i) => (i === spans.length - 1 ? span.code : `version >= ${span.lowest} ? ${span.code} : `))
    .join('');
}

function readCode(field: Field, type: Primitive | Struct, version: number, nullable: boolean): string {
  if (typeof type !== 'string') {
    const read = `${readFunction(type)}(r, version)`;
    return nullable ? `r.int8() < 0 ? null : ${read}` : read;
  }
  if (field.isArray && type === 'int32') return `r.${int32ArrayMethod(field, version)}()`;
  if (!lengthReaders.has(type)) return `r.${type}()`;
  return `r.${methodName(type, contains(field.flexible, version), nullable)}()`;
}

/** `compactNullableString`, `byteArray` and so on. */
export function methodName(type: Primitive, compact: boolean, nullable: boolean): string {
  const base = type === 'string' ? 'String' : 'ByteArray';
  const name = `${compact ? 'Compact' : ''}${nullable ? 'Nullable' : ''}${base}`;
  return name.charAt(0).toLowerCase() + name.slice(1);
}

/** Lists of numbers, such as replicas, have methods of their own: Metadata has several a partition. */
export function int32ArrayMethod(field: Field, version: number): string {
  const compact = contains(field.flexible, version);
  if (!isNullableIn(field, version)) return compact ? 'compactInt32Array' : 'int32Array';
  return compact ? 'compactNullableInt32Array' : 'nullableInt32Array';
}

function countCode(field: Field, version: number): string {
  const compact = contains(field.flexible, version);
  const name = `${compact ? 'Compact' : ''}${isNullableIn(field, version) ? 'Nullable' : ''}ArrayLength`;
  return `r.${name.charAt(0).toLowerCase()}${name.slice(1)}(${leastSize(field, version)})`;
}

/** The fewest bytes one element of an array takes in a version. */
function leastSize(field: Field, version: number): number {
  return Math.max(1, sizeOfOne(field, field.type, version));
}

function sizeOfOne(field: Field, type: Primitive | Struct, version: number): number {
  const compact = contains(field.flexible, version);
  if (typeof type !== 'string') return sizeOfStruct(type, version);
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
    case 'int64':
    case 'float64':
      return 8;
    case 'uuid':
      return 16;
    case 'string':
      return compact ? 1 : 2;
    default:
      return compact ? 1 : 4;
  }
}

function sizeOfStruct(struct: Struct, version: number): number {
  let size = 0;
  let flexible = false;
  for (const field of struct.fields) {
    flexible ||= contains(field.flexible, version);
    if (presenceIn(field, version) !== 'plain') continue;
    if (field.isArray) size += contains(field.flexible, version) ? 1 : 4;
    else if (typeof field.type !== 'string' && isNullableIn(field, version)) size += 1;
    else size += sizeOfOne(field, field.type, version);
  }
  return flexible ? size + 1 : size;
}

export function defaultCode(field: Field): string {
  switch (field.default.kind) {
    case 'null':
      return 'null';
    case 'value':
      return field.default.code;
    case 'emptyArray':
      return '[]';
    case 'emptyBytes':
      return 'emptyBytes';
    case 'struct':
      return `${defaultFunction(field.type as Struct)}()`;
  }
}

/** A type for a local whose first value does not tell it. */
function localType(field: Field): string {
  if (field.isArray) return `${arrayType(field)}${field.nullable === null ? '' : ' | null'}`;
  const element = elementType(field);
  return `: ${element}${field.nullable === null ? '' : ' | null'}`;
}

function arrayType(field: Field): string {
  return `: ${elementType(field)}[]`;
}

function elementType(field: Field): string {
  if (typeof field.type !== 'string') return field.type.typeName;
  switch (field.type) {
    case 'bool':
      return 'boolean';
    case 'int64':
      return 'bigint';
    case 'uuid':
    case 'string':
      return 'string';
    case 'bytes':
    case 'records':
      return 'Uint8Array';
    default:
      return 'number';
  }
}

/** For names of locals only, so a clumsy result harms nobody. */
export function singular(name: string): string {
  if (name.endsWith('ies')) return `${name.slice(0, -3)}y`;
  if (/(ss|us|is)$/.test(name)) return name;
  if (/(sses|xes|ches)$/.test(name)) return name.slice(0, -2);
  return name.endsWith('s') ? name.slice(0, -1) : name;
}
