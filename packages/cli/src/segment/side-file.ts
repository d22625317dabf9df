/** The files that lie beside a log. */
export const sideKinds = ['index', 'timeindex', 'txnindex', 'snapshot', 'checkpoint'] as const;
export type SideKind = (typeof sideKinds)[number];

/** One entry of a file beside a log, for an eye and for a program. */
export interface SideEntry {
  readonly text: string;
  /** The fields by the names that Java's log dumper gives them. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Something in a file beside a log that is not right. */
export interface SideFault {
  /** Byte in the file. */
  readonly at: number;
  readonly problem: string;
}

/** What a file beside a log holds. */
export interface SideFile {
  readonly entries: readonly SideEntry[];
  readonly faults: readonly SideFault[];
}

/** A fault where entries of one size do not fill a file: it was cut, or is no such file. */
export function sizeFaults(bytes: Uint8Array, entryBytes: number): SideFault[] {
  const rest = bytes.length % entryBytes;
  if (rest === 0) return [];
  return [{ at: bytes.length - rest, problem: `${rest} bytes at the end are no whole entry of ${entryBytes}` }];
}
