import { timeText } from '../decode/render.ts';
import type { ByteReader } from '../input/byte-reader.ts';
import type { Output } from '../terminal/output.ts';
import { baseOffsetOf, OffsetIndexCheck, readOffsetIndex, readTimeIndex, TimeIndexCheck } from './index-file.ts';

const MAX_INDEX_BYTES = 256 * 1024 * 1024;

/** Prints the entries of an index by itself. @returns the number of faults: entries out of order. */
export async function printIndex(reader: ByteReader, path: string | undefined, out: Output): Promise<number> {
  const bytes = await reader.take(MAX_INDEX_BYTES);
  const baseOffset = baseOffsetOf(path);
  const isTime = /\.timeindex/.test(path ?? '');
  if (isTime) {
    const entries = readTimeIndex(bytes, baseOffset);
    for (const { timestampMs, offset } of entries)
      await out.push(`${timeText(Number(timestampMs))}  ${timestampMs}  offset ${offset}`);
    return report(new TimeIndexCheck(entries).order(), entries.length, out);
  }
  const entries = readOffsetIndex(bytes, baseOffset);
  for (const { offset, position } of entries) await out.push(`offset ${offset}  position ${position}`);
  return report(new OffsetIndexCheck(entries).order(), entries.length, out);
}

async function report(
  faults: readonly { at: number; problem: string }[],
  entries: number,
  out: Output,
): Promise<number> {
  for (const { at, problem } of faults) await out.push(out.paint('red', `byte ${at}: ${problem}`));
  await out.push(`${entries} entries`);
  await out.flush();
  return faults.length;
}
