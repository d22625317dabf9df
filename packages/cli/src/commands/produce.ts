import { type ConnectionFlags, connectionFrom } from '../config/connection-options.ts';
import { exitCodes } from '../failure.ts';
import { openChunks } from '../input/chunks.ts';
import { readEntries } from '../input/records.ts';
import { type ShapeFlags, shapeFrom } from '../input/shape.ts';
import { type ProducerFlags, producerOptions } from '../sending/producer-flags.ts';
import { checkWatchFlags, ProducerWatch, type WatchFlags } from '../sending/producer-watch.ts';
import { failureLines, RefusedLines, sendInput } from '../sending/send-input.ts';
import { SendSession } from '../sending/send-session.ts';
import { Interrupt } from '../terminal/interrupt.ts';
import { toJson } from '../terminal/json.ts';
import type { Output, Terminal } from '../terminal/output.ts';
import { ProgressLine } from '../terminal/progress.ts';
import { bytes, count, duration, plural } from '../terminal/quantity.ts';
import { ClusterClient } from '../wire/cluster-client.ts';

export interface ProduceFlags extends ConnectionFlags, ShapeFlags, ProducerFlags, WatchFlags {
  topic: string;
  transaction?: string;
  json?: boolean;
  quiet?: boolean;
}

const FIRST_CONTACT_S = 10;

/** @returns 0 only if every record was stored. */
export async function produce(file: string | undefined, flags: ProduceFlags, terminal: Terminal): Promise<number> {
  const shape = shapeFrom(flags);
  checkWatchFlags(flags);
  const connection = connectionFrom(flags, terminal.env, (text) => terminal.err.line(text));
  const { out, err } = terminal;
  let session: SendSession | undefined;
  using interrupt = new Interrupt(terminal, () => {
    const waiting = session === undefined ? 0 : session.accepted - session.stored - session.failed;
    return `Stopping after ${plural(waiting, 'record')} under way; Ctrl-C again quits at once.`;
  });
  const source = openChunks(file, terminal.stdin, interrupt.signal);
  await using sending = new SendSession(connection, flags.topic, {
    ...producerOptions(flags),
    ...(flags.transaction === undefined ? {} : { transactionalId: flags.transaction }),
  });
  session = sending;
  await using _watch = await ProducerWatch.open(sending.producer, flags, terminal);
  const partitions = await firstContact(flags, connection, interrupt.signal);
  sending.start();
  if (flags.transaction !== undefined) await sending.producer.begin();
  let readBytes = 0;
  const counted = async function* () {
    for await (const chunk of source.chunks) {
      readBytes += chunk.length;
      yield chunk;
    }
  };
  const progress = new ProgressLine(
    err,
    () => ({
      fraction: source.totalBytes === null || source.totalBytes === 0 ? null : readBytes / source.totalBytes,
      text: progressText(sending, err),
    }),
    flags.quiet !== true,
  );
  const unit = shape.format.startsWith('binary') ? 'block' : 'line';
  const refused = new RefusedLines(unit, (text) => progress.note(err.paint('yellow', text)));
  sending.onNotStored = (number, error) => refused.notStored(number, error.code);
  let inputFailure: unknown;
  let last = 0;
  try {
    last = await sendInput(readEntries(counted(), shape, interrupt.signal), sending, refused, partitions);
  } catch (error) {
    // What was read before the input failed is still sent.
    inputFailure = error;
  }
  const isTakenBack =
    flags.transaction !== undefined &&
    (await endTransaction(sending, refused.count > 0 || inputFailure !== undefined || interrupt.happened));
  await sending.finish();
  progress.stop();
  for (const warning of new Set(sending.warnings)) err.line(err.paint('yellow', warning));
  for (const line of failureLines(sending)) err.line(err.paint('red', line));
  if (interrupt.happened && last > 0 && !isTakenBack) err.line(whereItStopped(unit, last, file));
  else if (sending.accepted === 0 && sending.failed > 0) err.line(`Reading stopped at ${unit} ${last}.`);
  if (isTakenBack) err.line(err.paint('red', 'The transaction was taken back: nothing of it counts.'));
  if (flags.json === true) out.line(summaryJson(sending, refused, isTakenBack, last));
  else if (flags.quiet !== true && !isTakenBack) out.line(summaryText(sending, refused, partitions));
  if (inputFailure !== undefined) throw inputFailure;
  if (interrupt.happened) return exitCodes.interrupted;
  if (isTakenBack) return exitCodes.failed;
  const isAllStored = sending.stored === sending.accepted && sending.failed === 0 && refused.count === 0;
  return isAllStored ? exitCodes.done : exitCodes.failed;
}

/** @returns whether everything was taken back, because something is missing. @throws TransactionError */
async function endTransaction(session: SendSession, isIncomplete: boolean): Promise<boolean> {
  await session.settle();
  if (isIncomplete || session.failed > 0) {
    await session.producer.abort();
    return true;
  }
  await session.producer.commit();
  return false;
}

/**
 * Asks for the topic before anything is read, so that a wrong address or topic is told in seconds.
 * @returns its partitions.
 */
async function firstContact(
  flags: ProduceFlags,
  connection: ReturnType<typeof connectionFrom>,
  signal: AbortSignal,
): Promise<number> {
  const client = await ClusterClient.connect(connection, 1000 * (flags.timeout ?? FIRST_CONTACT_S), signal);
  try {
    const topic = await client.topic(flags.topic, { create: true, signal });
    return topic.partitions.length;
  } finally {
    client.close();
  }
}

export function progressText(session: SendSession, err: Output): string {
  const seconds = Math.max(0.001, session.elapsedMs / 1000);
  const { state } = session.producer;
  const colour = state === 'healing' ? 'yellow' : state === 'flushing' ? 'green' : 'gray';
  return [
    plural(session.stored, 'record'),
    `${count(Math.round(session.stored / seconds))}/s`,
    err.paint(colour, state),
    session.failed > 0 ? err.paint('red', `${count(session.failed)} failed`) : '',
    `${count(session.producer.unsettledCount)} under way`,
  ]
    .filter((part) => part !== '')
    .join('  ');
}

/** What a second call has to leave out, so that nothing is sent twice. */
function whereItStopped(unit: string, last: number, file: string | undefined): string {
  const next =
    unit === 'line' && file !== undefined && file !== '-' ? `: tail -n +${last + 1} ${file} has the rest` : '';
  return `Reading stopped after ${unit} ${last}${next}.`;
}

function summaryText(session: SendSession, refused: RefusedLines, partitions: number): string {
  const { topic, stored, batches, payloadBytes, elapsedMs, failed } = session;
  const seconds = Math.max(0.001, elapsedMs / 1000);
  const place = `topic ${topic} (${plural(partitions, 'partition')})`;
  const speed = `${count(Math.round(stored / seconds))}/s, ${bytes(payloadBytes / seconds)}/s`;
  const parts = [
    `${plural(stored, 'record')} stored in ${place} in ${duration(elapsedMs)}: ${speed}, ${count(batches)} ${batches === 1 ? 'batch' : 'batches'}`,
    failed > 0 ? `${count(failed)} NOT stored` : '',
    refused.count > 0 ? `${count(refused.count)} refused` : '',
  ];
  return parts.filter((part) => part !== '').join('; ') + '.';
}

function summaryJson(session: SendSession, refused: RefusedLines, isTakenBack: boolean, readTo: number): string {
  const { topic, accepted, stored, failed, batches, payloadBytes, elapsedMs } = session;
  return toJson({
    topic,
    accepted,
    stored: isTakenBack ? 0 : stored,
    ...(isTakenBack ? { takenBack: stored } : {}),
    failed,
    refused: refused.count,
    readTo,
    batches,
    payloadBytes,
    elapsedMs: Math.round(elapsedMs),
    partitions: [...session.partitions]
      .sort(([a], [b]) => a - b)
      .map(([partition, { count: records, firstOffset, lastOffset }]) => ({
        partition,
        records,
        firstOffset,
        lastOffset,
      })),
    failures: [...session.failures].map(([code, tally]) => ({
      code,
      count: tally.count,
      possiblyStored: tally.possiblyStored,
      message: tally.example.message,
    })),
    msInState: Object.fromEntries([...session.msInState].map(([state, ms]) => [state, Math.round(ms)])),
  });
}
