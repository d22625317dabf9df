import type { Struct } from './model.ts';

/** Functions of a struct are private to their file, so the struct's full type name keeps them apart. */
export function readFunction(struct: Struct): string {
  return `read${struct.typeName}`;
}

export function writeFunction(struct: Struct): string {
  return `write${struct.typeName}`;
}

export function defaultFunction(struct: Struct): string {
  return `default${struct.typeName}`;
}

export function isDefaultFunction(struct: Struct): string {
  return `isDefault${struct.typeName}`;
}

const taken = new Set([
  'version',
  'r',
  'w',
  'm',
  'i',
  'tag',
  'end',
  'list',
  'unknown',
  'tagCount',
  'next',
  'default',
  'new',
  'delete',
  'class',
  'package',
  'interface',
]);

/** The local variable of a field: its name, unless the code around needs that name. */
export function localName(field: { readonly name: string }): string {
  return taken.has(field.name) ? `${field.name}Value` : field.name;
}
