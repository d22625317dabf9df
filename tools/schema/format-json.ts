/** JSON with one line for everything that holds no list of objects, so that a field is a line and a diff says what changed. */
export function formatJson(value: unknown): string {
  return `${format(value, '')}\n`;
}

function format(value: unknown, indent: string): string {
  if (!holdsObjects(value)) return flat(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) return `[\n${value.map((item) => inner + format(item, inner)).join(',\n')}\n${indent}]`;
  const entries = Object.entries(value as object);
  // A struct field keeps its own facts on one line and only its fields below.
  const plain = entries
    .filter(([, item]) => !holdsObjects(item))
    .map(([key, item]) => `${JSON.stringify(key)}: ${flat(item)}`);
  const deep = entries
    .filter(([, item]) => holdsObjects(item))
    .map(([key, item]) => `${JSON.stringify(key)}: ${format(item, indent === '' ? inner : indent)}`);
  if (indent === '') return `{\n${[...plain, ...deep].map((line) => inner + line).join(',\n')}\n}`;
  return `{ ${[...plain, ...deep].join(', ')} }`;
}

function flat(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flat).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${flat(item)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

function holdsObjects(value: unknown): boolean {
  if (Array.isArray(value)) return value.some((item) => typeof item === 'object' && item !== null);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(holdsObjects);
}
