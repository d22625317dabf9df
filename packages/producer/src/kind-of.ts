/** What a value of the wrong kind is, for the error about it; never the value itself. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value !== 'object') return typeof value;
  const name = value.constructor?.name;
  return name === undefined || name === 'Object' ? 'an object' : name;
}
