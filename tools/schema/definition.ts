/**
 * One message as `packages/codec/schema/*.json` holds it: the facts of Kafka's own definition, merged over
 * releases. Version ranges are written as Kafka writes them: `3+`, `0-8`, `7`.
 */
export interface Definition {
  readonly name: string;
  readonly type: 'request' | 'response' | 'header' | 'data' | 'coordinator-key' | 'coordinator-value' | 'metadata';
  readonly apiKey?: number;
  readonly validVersions: string;
  readonly flexibleVersions: string;
  /** Which versions each release knows. */
  readonly releases: Readonly<Record<string, string>>;
  /** Who serves it: `broker`, `controller`. */
  readonly listeners?: readonly string[];
  /** The newest version may still change. */
  readonly latestVersionUnstable?: boolean;
  /** The name that an older release had for it. */
  readonly formerName?: string;
  readonly fields: readonly FieldDefinition[];
  /** Structs that several fields share. */
  readonly commonStructs?: readonly StructDefinition[];
}

export interface StructDefinition {
  readonly name: string;
  readonly versions: string;
  readonly fields: readonly FieldDefinition[];
}

export interface FieldDefinition {
  readonly name: string;
  /** A primitive, a struct's name, or either with `[]` in front. */
  readonly type: string;
  readonly versions: string;
  readonly nullableVersions?: string;
  readonly taggedVersions?: string;
  readonly tag?: number;
  /** Present only where Kafka's definition states one. An int64 stands as text. */
  readonly default?: string | number | boolean | null;
  /** In a version without this field a set value is left out without an error. */
  readonly ignorable?: boolean;
  /** `none` for the one field that keeps its old form in flexible versions. */
  readonly flexibleVersions?: 'none';
  readonly entityType?: string;
  readonly fields?: readonly FieldDefinition[];
}

/** A set of consecutive versions. */
export interface Range {
  readonly lowest: number;
  readonly highest: number;
}

/** `null` is the empty set. */
export function parseRange(text: string, within: Range): Range | null {
  if (text === 'none') return null;
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text);
  if (match === null) throw new Error(`"${text}" is no version range`);
  const lowest = Math.max(Number(match[1]), within.lowest);
  const top = match[2] === '+' ? within.highest : Number(match[3] ?? match[1]);
  const highest = Math.min(top, within.highest);
  return lowest <= highest ? { lowest, highest } : null;
}

/** Writes a range as open-ended when it reaches the last version, as Kafka's definitions do. */
export function formatRange(range: Range | null, within: Range): string {
  if (range === null) return 'none';
  if (range.highest === within.highest) return `${range.lowest}+`;
  return range.lowest === range.highest ? `${range.lowest}` : `${range.lowest}-${range.highest}`;
}

export function contains(range: Range | null, version: number): boolean {
  return range !== null && version >= range.lowest && version <= range.highest;
}

export const anyVersion: Range = { lowest: 0, highest: 32767 };
