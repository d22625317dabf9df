import { formatRange } from './definition.ts';
import type { Field, Model, Struct } from './model.ts';

const primitiveTypes: Record<string, string> = {
  bool: 'boolean',
  int64: 'bigint',
  uuid: 'string',
  string: 'string',
  bytes: 'Uint8Array',
  records: 'Uint8Array',
};

/** The two interfaces of a struct: what decoding gives, and what encoding takes. */
export function emitTypes(model: Model, struct: Struct): string {
  const fields = struct.fields.map((field) => `${comment(model, field)}  ${field.name}: ${typeOf(field, '')};\n`);
  const inputs = struct.fields.map((field) => {
    const optional = field.isRequired ? '' : '?';
    return `  ${field.name}${optional}: ${typeOf(field, 'Input')}${optional === '' ? '' : ' | undefined'};\n`;
  });
  if (model.flexible !== null) {
    fields.push('  unknownTaggedFields: readonly TaggedField[];\n');
    inputs.push('  unknownTaggedFields?: readonly TaggedField[] | undefined;\n');
  }
  return [emitInterface(struct.typeName, fields), emitInterface(`${struct.typeName}Input`, inputs)].join('\n');
}

function emitInterface(name: string, members: readonly string[]): string {
  // An interface without members would take any value at all.
  if (members.length === 0) return `export type ${name} = Record<string, never>;\n`;
  return `export interface ${name} {\n${members.join('')}}\n`;
}

function typeOf(field: Field, suffix: '' | 'Input'): string {
  const element =
    typeof field.type === 'string' ? (primitiveTypes[field.type] ?? 'number') : `${field.type.typeName}${suffix}`;
  const type = field.isArray ? `${suffix === '' ? '' : 'readonly '}${element}[]` : element;
  return field.nullable === null ? type : `${type} | null`;
}

function comment(model: Model, field: Field): string {
  const all = model.versions;
  const facts: string[] = [];
  const wire = `${field.isArray ? '[]' : ''}${typeof field.type === 'string' ? field.type : ''}`;
  if (typeof field.type === 'string' && field.type !== 'string' && field.type !== 'bool') facts.push(wire);
  if (field.versions.lowest > all.lowest || field.versions.highest < all.highest) {
    facts.push(`versions ${formatRange(field.versions, all)}`);
  }
  if (field.nullable !== null) {
    const range = formatRange(field.nullable, all);
    facts.push(range === formatRange(field.versions, all) ? 'nullable' : `nullable in ${range}`);
  }
  if (field.tagged !== null) facts.push(`tag ${field.tag}`);
  if (!field.isRequired && field.default.kind === 'null') facts.push('default null');
  if (!field.isRequired && field.default.kind === 'value') facts.push(`default ${field.default.code}`);
  if (field.ignorable) facts.push('ignorable');
  if (facts.length === 0) return '';
  const text = facts.join(', ');
  return `  /** ${text.charAt(0).toUpperCase()}${text.slice(1)}. */\n`;
}
