import type { SideEntry, SideFault, SideFile } from './side-file.ts';

/** The text files that brokers keep beside their logs. */
export type CheckpointKind = 'leader epochs' | 'offsets' | 'partition metadata';

/** Which of them a file is, by its name; null for any other. */
export function checkpointKindOf(path: string): CheckpointKind | null {
  if (/(^|\/)leader-epoch-checkpoint$/.test(path)) return 'leader epochs';
  if (/(^|\/)(replication-offset|recovery-point-offset|log-start-offset|cleaner-offset)-checkpoint$/.test(path))
    return 'offsets';
  return /(^|\/)partition\.metadata$/.test(path) ? 'partition metadata' : null;
}

interface Line {
  readonly at: number;
  readonly text: string;
}

export function checkpointFile(bytes: Uint8Array, kind: CheckpointKind): SideFile {
  const lines = linesOf(bytes);
  return kind === 'partition metadata' ? partitionMetadata(lines) : checkpoint(lines, kind);
}

function linesOf(bytes: Uint8Array): Line[] {
  // Latin-1, so that places in the text are bytes; the text is shown as UTF-8.
  const lines: Line[] = [];
  let at = 0;
  for (const part of Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1').split('\n')) {
    lines.push({ at, text: Buffer.from(part, 'latin1').toString('utf8') });
    at += part.length + 1;
  }
  if (lines.at(-1)?.text === '') lines.pop();
  return lines;
}

/** Two lines with version and count, then an entry a line. */
function checkpoint(lines: readonly Line[], kind: Exclude<CheckpointKind, 'partition metadata'>): SideFile {
  const [version, size, ...rest] = lines;
  if (version === undefined || size === undefined) return broken(0, 'it has no version and count in its first lines');
  if (version.text !== '0') return broken(0, `a checkpoint of version ${shown(version.text)}, and only 0 is known`);
  if (!/^\d+$/.test(size.text)) return broken(size.at, `a count of ${shown(size.text)}`);
  const faults: SideFault[] = [];
  const entries: SideEntry[] = [];
  let epochBefore = -1;
  let offsetBefore = -1n;
  for (const { at, text } of rest) {
    const match = (kind === 'offsets' ? /^(\S+) (\d+) (-?\d+)$/ : /^(\d+) (\d+)$/).exec(text);
    if (match === null) {
      const form = kind === 'offsets' ? 'topic, partition, offset' : 'epoch, start offset';
      faults.push({ at, problem: `${shown(text)} is not: ${form}` });
      continue;
    }
    if (kind === 'offsets') {
      const fields = { topic: match[1]!, partition: Number(match[2]), offset: BigInt(match[3]!) };
      entries.push({ text: `${fields.topic}-${fields.partition}  offset ${fields.offset}`, fields });
      continue;
    }
    const epoch = Number(match[1]);
    const startOffset = BigInt(match[2]!);
    if (epoch <= epochBefore || startOffset < offsetBefore)
      faults.push({ at, problem: `epoch ${epoch} from offset ${startOffset} does not come after the one before it` });
    epochBefore = epoch;
    offsetBefore = startOffset;
    entries.push({ text: `leader epoch ${epoch}  from offset ${startOffset}`, fields: { epoch, startOffset } });
  }
  if (Number(size.text) !== rest.length)
    faults.push({ at: size.at, problem: `it says ${size.text} entries and has ${rest.length}` });
  return { entries, faults };
}

function partitionMetadata(lines: readonly Line[]): SideFile {
  const version = /^version: (\d+)$/.exec(lines[0]?.text ?? '')?.[1];
  const topicId = /^topic_id: ([0-9A-Za-z_-]{22})$/.exec(lines[1]?.text ?? '')?.[1];
  if (version === undefined) return broken(0, 'its first line is not: version: NUMBER');
  if (version !== '0') return broken(0, `partition metadata of version ${version}, and only 0 is known`);
  if (topicId === undefined) return broken(lines[1]?.at ?? 0, 'its second line is not: topic_id: UUID');
  return { entries: [{ text: `topic id ${topicId}`, fields: { version: 0, topicId } }], faults: [] };
}

function broken(at: number, problem: string): SideFile {
  return { entries: [], faults: [{ at, problem }] };
}

function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
