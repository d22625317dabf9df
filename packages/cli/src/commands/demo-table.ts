import type { RoundTripCheck } from '../sending/round-trip.ts';
import type { SendSession } from '../sending/send-session.ts';
import { toJson } from '../terminal/json.ts';
import type { Output } from '../terminal/output.ts';
import { bytes, count, duration } from '../terminal/quantity.ts';
import { tableLines } from '../terminal/table.ts';

export interface DemoResult {
  readonly session: SendSession;
  readonly check: RoundTripCheck;
  /** End offsets of the partitions when all was written. */
  readonly ends: ReadonlyMap<number, bigint>;
  readonly faults: readonly string[];
  readonly refused: number;
  readonly wallMs: number;
}

export function demoLines({ session, check, ends, faults, refused, wallMs }: DemoResult, out: Output): string[] {
  const partitions = [...ends]
    .sort(([a], [b]) => a - b)
    .map(([partition, end]) => {
      const tally = session.partitions.get(partition);
      const offsets = tally === undefined ? '–' : `${tally.firstOffset}–${tally.lastOffset}`;
      return [String(partition), count(tally?.count ?? 0), offsets, String(end)];
    });
  const columns = [
    { title: 'partition', align: 'right' },
    { title: 'records', align: 'right' },
    { title: 'offsets', align: 'right' },
    { title: 'end', align: 'right' },
  ] as const;
  const states = [...session.msInState].map(([state, ms]) => `${state} ${duration(ms)}`);
  const facts: [string, string][] = [
    [
      'records',
      `${count(session.stored)} stored, ${count(check.readCount)} read back${refused > 0 ? `, ${count(refused)} refused` : ''}`,
    ],
    ['batches', count(session.batches)],
    ['bytes', `${bytes(check.readBytes)} of keys and values`],
    ['states', states.join(' · ')],
    ['wall time', duration(wallMs)],
  ];
  const verdict =
    faults.length === 0
      ? out.paint('green', '✔ every record came back once, unchanged, and in the order of its key')
      : out.paint(
          'red',
          `✘ ${count(faults.length)} ${faults.length === 1 ? 'thing is' : 'things are'} not as they should be`,
        );
  return [
    '',
    ...tableLines(columns, partitions),
    '',
    ...facts.map(([name, text]) => `${out.paint('gray', name.padEnd(10))}${text}`),
    '',
    verdict,
  ];
}

export function demoJson({ session, check, ends, faults, refused, wallMs }: DemoResult): string {
  return toJson({
    ok: faults.length === 0 && refused === 0,
    topic: session.topic,
    sent: check.sentCount,
    stored: session.stored,
    readBack: check.readCount,
    refused,
    batches: session.batches,
    payloadBytes: check.readBytes,
    partitions: [...ends].map(([partition, endOffset]) => {
      const { count: records = 0, firstOffset = null, lastOffset = null } = session.partitions.get(partition) ?? {};
      return { partition, records, firstOffset, lastOffset, endOffset };
    }),
    msInState: Object.fromEntries(session.msInState),
    wallMs,
    faults,
  });
}
