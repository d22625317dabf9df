import { contains, type Range } from './definition.ts';
import { defaultCode, int32ArrayMethod, methodName } from './emit-read.ts';
import { conditionFor, type Field, type Model, presenceIn, type Struct, spansOf } from './model.ts';
import { isDefaultFunction, localName, writeFunction } from './names.ts';

/** The body of a struct's write function: the fields in the order of the wire, then the tagged ones. */
export function emitWrite(model: Model, struct: Struct): string {
  const lines: string[] = [];
  if (!struct.fields.some((field) => field.isRequired)) lines.push('checkObject(m);');
  for (const field of struct.fields) lines.push(...emitField(struct, field));
  lines.push(...emitTags(model, struct));
  return lines.join('\n');
}

function emitField(struct: Struct, field: Field): string[] {
  const name = localName(field);
  const spans = spansOf(struct.versions, (version) => writeCode(field, version));
  const declared = field.isRequired
    ? `const ${name === field.name ? `{ ${name} }` : `{ ${field.name}: ${name} }`} = m;`
    : `const { ${field.name === name ? name : `${field.name}: ${name}`} = ${defaultCode(field)} } = m;`;

  if (!isPlainSomewhere(struct, field)) return emitAbsentTagged(struct, field);
  if (field.isRequired && !field.isArray && spans.length === 1) {
    return [spans[0]!.code.replaceAll(localMark, `m.${field.name}`)];
  }
  return [declared, ...emitCases(struct.versions, spans).map((line) => line.replaceAll(localMark, name))];
}

function isPlainSomewhere(struct: Struct, field: Field): boolean {
  for (let version = struct.versions.lowest; version <= struct.versions.highest; version++) {
    if (presenceIn(field, version) === 'plain') return true;
  }
  return false;
}

/** Stands for the field's value until it is known whether a local holds it. */
const localMark = '\u0001';

/** `if (version >= 9) a; else if (version >= 3) b;` out of spans; a case with several statements gets braces. */
function emitCases(
  within: Range,
  spans: readonly { lowest: number; highest: number; code: string }[],
): readonly string[] {
  // Statements that all cases share come once, after the choice.
  const parts = spans.map(({ code }) => code.split('\n'));
  const tails = new Set(
    parts.filter(([first]) => first !== '' && !first!.startsWith('if')).map((lines) => lines.slice(1).join('\n')),
  );
  const shared =
    tails.size === 1 && spans.every(({ code }) => code !== '' && !code.startsWith('if')) ? [...tails][0]! : null;
  const lines: string[] = [];
  let opened = false;
  for (let i = 0; i < spans.length; i++) {
    const span = spans[i]!;
    const code = shared === null ? span.code : parts[i]![0]!;
    if (code === '') continue;
    // Every newer version has been dealt with unless its case was empty.
    const isLast = i === spans.length - 1;
    const skippedNewer = spans.slice(0, i).some((other) => other.code === '');
    const range = skippedNewer ? span : { lowest: span.lowest, highest: within.highest };
    const condition = isLast && !skippedNewer && opened ? null : conditionFor(range, within);
    const head = `${opened ? 'else ' : ''}${condition === null ? '' : `if (${condition}) `}`;
    // An inner `if` would take the next `else` for its own.
    const needsBraces = code.includes('\n') || (code.startsWith('if') && condition !== null);
    if (needsBraces) lines.push(`${head}{`, ...code.split('\n').map((line) => `  ${line}`), '}');
    else lines.push(`${head}${code}`);
    opened = true;
  }
  if (shared !== null && shared !== '') lines.push(...shared.split('\n'));
  return joinIf(joinElse(lines));
}

/** A condition with nothing but another inside becomes one. */
function joinIf(lines: readonly string[]): readonly string[] {
  const [outer, inner, close] = lines;
  if (lines.length !== 3 || close !== '}' || !outer!.startsWith('if (') || !inner!.startsWith('  if (')) return lines;
  const condition = outer!.slice(4, -3);
  const [, test, rest] = /^ {2}if \((.*)\) (throw .*)$/.exec(inner!)!;
  return [`if (${condition} && ${test!.includes('||') ? `(${test})` : test}) ${rest}`];
}

/** `}` and a following `else` share a line. */
function joinElse(lines: readonly string[]): string[] {
  const joined: string[] = [];
  for (const line of lines) {
    if (line.startsWith('else ') && joined.at(-1) === '}') joined[joined.length - 1] = `} ${line}`;
    else joined.push(line);
  }
  if (joined.length > 0 && joined[0] === '{') return joined.slice(1, -1).map((line) => line.slice(2));
  return joined;
}

function writeCode(field: Field, version: number): string {
  const presence = presenceIn(field, version);
  if (presence === 'tagged') return '';
  if (presence === 'absent') {
    if (field.ignorable) return '';
    return `if (${isSet(field, localMark)}) throw notInVersion('${field.name}', version);`;
  }
  return valueCode(field, version, localMark);
}

/** Statements that write a present value. */
function valueCode(field: Field, version: number, name: string): string {
  const nullable = contains(field.nullable, version);
  const compact = contains(field.flexible, version);
  // TypeScript cannot know that this version has no null; the writer refuses one.
  const value = field.nullable !== null && !nullable ? `${name}!` : name;
  if (field.isArray && field.type === 'int32') return `w.${int32ArrayMethod(field, version)}(${value});`;
  if (field.isArray) {
    const method = `${compact ? 'Compact' : ''}${nullable ? 'Nullable' : ''}ArrayLength`;
    const length = `w.${method.charAt(0).toLowerCase()}${method.slice(1)}(${value});`;
    const loop = `for (let i = 0; i < ${value}.length; i++) ${elementCode(field, version, `${value}[i]!`)}`;
    return `${length}\n${nullable ? `if (${name} !== null) {\n  ${loop}\n}` : loop}`;
  }
  if (typeof field.type !== 'string') {
    const write = `${writeFunction(field.type)}(w, version, ${value});`;
    return nullable ? `w.int8(${name} === null ? -1 : 1);\nif (${name} !== null) ${write}` : write;
  }
  return elementCode(field, version, value, nullable);
}

/** A nullable struct has another mark in a tagged field than elsewhere. */
function taggedValueCode(field: Field, version: number): string {
  const code = valueCode(field, version, localMark);
  return code.replace(`w.int8(${localMark} === null ? -1 : 1);`, `w.uvarint(${localMark} === null ? 0 : 1);`);
}

function elementCode(field: Field, version: number, value: string, nullable = false): string {
  if (typeof field.type !== 'string') return `${writeFunction(field.type)}(w, version, ${value});`;
  switch (field.type) {
    case 'string':
    case 'bytes':
    case 'records':
      return `w.${methodName(field.type, contains(field.flexible, version), nullable)}(${value});`;
    default:
      return `w.${field.type}(${value});`;
  }
}

/** A condition: the value differs from the default, so that leaving it out would lose it. */
function isSet(field: Field, value: string): string {
  if (field.default.kind === 'null') return `${value} !== null`;
  switch (field.default.kind) {
    case 'value':
      return `${value} !== ${field.default.code}`;
    case 'struct':
      return `!${isDefaultFunction(field.type as Struct)}(${value})`;
    default:
      // What has no length is no list either: writing it then says so.
      return field.nullable === null ? `${value}.length !== 0` : `${value} === null || ${value}.length !== 0`;
  }
}

/** A field that is tagged wherever it is present: only its absence is dealt with here. */
function emitAbsentTagged(struct: Struct, field: Field): string[] {
  const absent = { lowest: struct.versions.lowest, highest: field.versions.lowest - 1 };
  if (field.ignorable || absent.highest < absent.lowest) return [];
  const condition = conditionFor(absent, struct.versions);
  return [`if (${condition} && ${isSetInMessage(field)}) throw notInVersion('${field.name}', version);`];
}

/** As `isSet`, for a value still in the message, where undefined stands for the default. */
function isSetInMessage(field: Field): string {
  const value = `m.${field.name}`;
  const set = isSet(field, value);
  return `${value} !== undefined && ${set.includes('||') ? `(${set})` : set}`;
}

function emitTags(model: Model, struct: Struct): string[] {
  if (model.flexible === null) return [];
  const within = { lowest: Math.max(model.flexible.lowest, struct.versions.lowest), highest: struct.versions.highest };
  const refuse = 'refuseTaggedFields(unknownTaggedFields, version);';
  const declared = 'const { unknownTaggedFields = noTaggedFields } = m;';
  if (within.lowest > within.highest) return [declared, refuse];
  const condition = conditionFor(within, struct.versions);
  const tagged = struct.fields.filter((field) => field.tagged !== null);
  if (tagged.length === 0) {
    const write = 'w.taggedFields(unknownTaggedFields);';
    if (condition === null) return [declared, write];
    return [declared, `if (${condition}) ${write}`, `else ${refuse}`];
  }
  const body = emitKnownTags(tagged, within);
  if (condition === null) return [declared, ...body];
  return [declared, `if (${condition}) {`, ...body.map((line) => `  ${line}`), '} else {', `  ${refuse}`, '}'];
}

function emitKnownTags(fields: readonly Field[], within: Range): string[] {
  const tagged = fields.toSorted((a, b) => a.tag - b.tag);
  const lines: string[] = [];
  for (const field of tagged) {
    const condition = conditionFor(field.tagged!, within);
    const parts = condition === null ? [] : [condition];
    lines.push(`const ${hasName(field)} = ${[...parts, isSetInMessage(field)].join(' && ')};`);
  }
  const count = ['unknownTaggedFields.length', ...tagged.map((field) => `Number(${hasName(field)})`)].join(' + ');
  lines.push(`w.uvarint(${count});`);
  const plain = tagged.length === 1 ? 'const' : 'let';
  tagged.forEach((field, i) => {
    const range = { lowest: Math.max(field.tagged!.lowest, within.lowest), highest: within.highest };
    const spans = spansOf(range, (version) => taggedValueCode(field, version));
    if (spans.length !== 1) throw new Error(`${field.name}: a tagged field changes its form`);
    const condition = conditionFor(field.tagged!, within);
    const advance = `w.unknownTags(unknownTaggedFields, ${i === 0 ? '0' : 'next'}, ${field.tag});`;
    lines.push(
      condition === null
        ? `${i === 0 ? `${plain} next` : 'next'} = ${advance}`
        : `${i === 0 ? `${plain} next` : 'next'} = ${condition} ? ${advance.slice(0, -1)} : ${i === 0 ? '0' : 'next'};`,
      `if (${hasName(field)}) {`,
      `  const start = w.beginTag(${field.tag});`,
      `  const ${localName(field)} = m.${field.name}${field.nullable === null ? '!' : ' ?? null'};`,
      ...spans[0]!.code
        .replaceAll(localMark, localName(field))
        .split('\n')
        .map((line) => `  ${line}`),
      '  w.endTag(start);',
      '}',
    );
  });
  lines.push('w.unknownTags(unknownTaggedFields, next);');
  return lines;
}

function hasName(field: Field): string {
  return `has${field.name.charAt(0).toUpperCase()}${field.name.slice(1)}`;
}

/** Structs whose default or equality with it the code needs, directly or through one another. */
export function structsWithDefault(model: Model): Set<Struct> {
  const found = new Set<Struct>();
  const visit = (struct: Struct): void => {
    for (const field of struct.fields) {
      if (typeof field.type === 'string' || field.isArray || field.default.kind !== 'struct') continue;
      if (found.has(field.type)) continue;
      if (found.has(struct) || needsDefault(struct, field)) {
        found.add(field.type);
        visit(field.type);
      }
    }
  };
  for (const struct of model.structs) visit(struct);
  return found;
}

/** A struct that some version lacks or tags has to be made from nothing. */
function needsDefault(struct: Struct, field: Field): boolean {
  return (
    !field.isRequired ||
    field.tagged !== null ||
    field.versions.lowest > struct.versions.lowest ||
    field.versions.highest < struct.versions.highest
  );
}

export function emitIsDefault(model: Model, struct: Struct): string {
  const parts = struct.fields.map((field) => {
    const value = `m.${field.name}`;
    const isSame =
      field.default.kind === 'value'
        ? `${value} === ${field.default.code}`
        : field.default.kind === 'null'
          ? `${value} === null`
          : field.default.kind === 'struct'
            ? `${isDefaultFunction(field.type as Struct)}(${value})`
            : `${value}${field.nullable === null ? '' : '?'}.length === 0`;
    return field.isRequired ? isSame : `(${value} === undefined || ${isSame})`;
  });
  if (model.flexible !== null)
    parts.push('(m.unknownTaggedFields === undefined || m.unknownTaggedFields.length === 0)');
  return parts.join(' &&\n');
}

export function emitDefault(model: Model, struct: Struct): string {
  const members = struct.fields.map((field) => `${field.name}: ${defaultCode(field)}`);
  if (model.flexible !== null) members.push('unknownTaggedFields: noTaggedFields');
  const object = `{ ${members.join(', ')} }`;
  if (object.length < 90) return `return ${object};`;
  return `return {\n${members.map((member) => `  ${member},`).join('\n')}\n};`;
}
