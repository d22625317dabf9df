import { hexContext } from '../decode/hex.ts';
import { timeText } from '../decode/render.ts';
import type { ByteReader } from '../input/byte-reader.ts';
import { toJson } from '../terminal/json.ts';
import type { Output } from '../terminal/output.ts';
import { checkpointFile, checkpointKindOf } from './checkpoint-file.ts';
import {
  baseOffsetOf,
  OFFSET_ENTRY_BYTES,
  OffsetIndexCheck,
  readOffsetIndex,
  readTimeIndex,
  TIME_ENTRY_BYTES,
  TimeIndexCheck,
} from './index-file.ts';
import { producerSnapshotFile } from './producer-snapshot.ts';
import { type SideFile, type SideKind, sizeFaults } from './side-file.ts';
import { transactionIndexFile } from './transaction-index.ts';

const MAX_BYTES = 256 * 1024 * 1024;

/** Which a file is, by its name; null for any other. */
export function sideKindOf(path: string): SideKind | null {
  if (checkpointKindOf(path) !== null) return 'checkpoint';
  const ending = /\.(index|timeindex|txnindex|snapshot)(\.deleted)?$/.exec(path)?.[1];
  return (ending as SideKind | undefined) ?? null;
}

/** Prints the entries of a file beside a log, and what is wrong with them. @returns the number of faults. */
export async function printSideFile(
  kind: SideKind,
  reader: ByteReader,
  path: string | undefined,
  flags: { readonly json?: boolean },
  out: Output,
): Promise<number> {
  const bytes = await reader.take(MAX_BYTES);
  const { entries, faults } = parse(kind, bytes, path);
  for (const { text, fields } of entries) {
    await out.push(flags.json === true ? toJson(fields) : text);
    if (out.isClosed) return faults.length;
  }
  for (const { at, problem } of faults) {
    if (flags.json === true) {
      await out.push(toJson({ position: at, damage: problem }));
      continue;
    }
    await out.push(out.paint('red', `byte ${at}: ${problem}`));
    for (const line of hexContext(bytes, at)) await out.push(`    ${line}`);
  }
  if (flags.json !== true) await out.push(`${entries.length} ${entries.length === 1 ? 'entry' : 'entries'}`);
  await out.flush();
  return faults.length;
}

function parse(kind: SideKind, bytes: Uint8Array, path = ''): SideFile {
  switch (kind) {
    case 'index':
      return offsetIndexFile(bytes, path);
    case 'timeindex':
      return timeIndexFile(bytes, path);
    case 'txnindex':
      return transactionIndexFile(bytes);
    case 'snapshot':
      return producerSnapshotFile(bytes);
    case 'checkpoint':
      return checkpointFile(bytes, checkpointKindOf(path) ?? 'leader epochs');
  }
}

function offsetIndexFile(bytes: Uint8Array, path: string): SideFile {
  const entries = readOffsetIndex(bytes, baseOffsetOf(path));
  return {
    entries: entries.map((entry) => ({
      text: `offset ${entry.offset}  position ${entry.position}`,
      fields: { ...entry },
    })),
    faults: [...new OffsetIndexCheck(entries).order(), ...sizeFaults(bytes, OFFSET_ENTRY_BYTES)],
  };
}

function timeIndexFile(bytes: Uint8Array, path: string): SideFile {
  const entries = readTimeIndex(bytes, baseOffsetOf(path));
  return {
    entries: entries.map(({ timestampMs, offset }) => ({
      text: `${timeText(Number(timestampMs))}  ${timestampMs}  offset ${offset}`,
      fields: { timestamp: timestampMs, offset },
    })),
    faults: [...new TimeIndexCheck(entries).order(), ...sizeFaults(bytes, TIME_ENTRY_BYTES)],
  };
}
