import { usage } from '../failure.ts';
import { toJson } from '../terminal/json.ts';

/** A row's fields: a JSON object, or CSV columns by their names. */
export type Fields = Record<string, unknown>;

/** What a row holds under `path` (`customer.id`, `items.0.sku`); undefined if it has no such field. */
export function fieldAt(row: unknown, path: string): unknown {
  if (isRecord(row) && Object.hasOwn(row, path)) return row[path];
  let at = row;
  for (const name of path.split('.')) {
    if (Array.isArray(at)) at = at[Number(name)];
    else if (isRecord(at) && Object.hasOwn(at, name)) at = at[name];
    else return undefined;
  }
  return at;
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field as text: strings as they are, all else as JSON. */
export function fieldText(value: unknown): string {
  return typeof value === 'string' ? value : toJson(value);
}

type Part = { readonly text: string } | { readonly path: string };

/** Text with fields in braces: `{country}-{customer.id}`. `{{` and `}}` stand for braces. */
export class Template {
  readonly source: string;
  readonly #parts: readonly Part[];

  /** @throws Failure, naming `flag`, if the braces do not match. */
  constructor(source: string, flag: string) {
    this.source = source;
    this.#parts = parse(source, flag);
  }

  get hasFields(): boolean {
    return this.#parts.some((part) => 'path' in part);
  }

  /**
   * @returns the text; null if the template is a single field and that is null.
   * @throws MissingField
   */
  render(row: unknown): string | null {
    const parts = this.#parts;
    if (parts.length === 1 && 'path' in parts[0]!) {
      const value = present(row, parts[0].path);
      return value === null ? null : fieldText(value);
    }
    let text = '';
    for (const part of parts) text += 'path' in part ? fieldText(present(row, part.path)) : part.text;
    return text;
  }
}

export class MissingField extends Error {
  override readonly name = 'MissingField';
}

function present(row: unknown, path: string): unknown {
  const value = fieldAt(row, path);
  if (value === undefined) throw new MissingField(`there is no field "${path}"`);
  return value;
}

function parse(source: string, flag: string): Part[] {
  const parts: Part[] = [];
  let text = '';
  for (let at = 0; at < source.length; at++) {
    const char = source[at]!;
    if ((char === '{' || char === '}') && source[at + 1] === char) {
      text += char;
      at++;
    } else if (char === '{') {
      const end = source.indexOf('}', at);
      const path = end === -1 ? '' : source.slice(at + 1, end).trim();
      if (path === '') throw unbalanced(source, flag, at);
      if (text !== '') parts.push({ text });
      text = '';
      parts.push({ path });
      at = end;
    } else if (char === '}') {
      throw unbalanced(source, flag, at);
    } else {
      text += char;
    }
  }
  if (text !== '') parts.push({ text });
  return parts;
}

function unbalanced(source: string, flag: string, at: number) {
  return usage(
    `${flag} ${source}: the brace at character ${at + 1} has no field name or no partner.`,
    'Write {field}, {field.inner}, or {{ and }} for braces that stay.',
  );
}
