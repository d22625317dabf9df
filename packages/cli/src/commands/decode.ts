import { splitList } from '../config/java-settings.ts';
import { CaptureDecoder } from '../decode/capture-decoder.ts';
import { Conversation } from '../decode/conversation.ts';
import { messageFilter } from '../decode/filter.ts';
import { bytesFromText } from '../decode/hex.ts';
import { HEAD_BYTES, kindOf, kindOfPath, looksLikeText, packedAs } from '../decode/input-kind.ts';
import { type InputKind, inputKinds } from '../decode/input-kinds.ts';
import { MessagePrinter } from '../decode/message-printer.ts';
import { decodeFrames } from '../decode/single-frames.ts';
import { exitCodes, Failure, usage } from '../failure.ts';
import { ByteReader } from '../input/byte-reader.ts';
import { openChunks } from '../input/chunks.ts';
import { followFile } from '../input/follow.ts';
import { printSideFile } from '../segment/print-side-file.ts';
import { SegmentPrinter } from '../segment/segment-printer.ts';
import { Interrupt } from '../terminal/interrupt.ts';
import type { Terminal } from '../terminal/output.ts';
import { plural } from '../terminal/quantity.ts';

export interface DecodeFlags {
  as?: InputKind;
  text?: boolean;
  api?: string;
  apiVersion?: number;
  topic?: string;
  correlation?: string;
  responses?: string;
  port: string;
  tree?: boolean;
  records?: boolean;
  json?: boolean;
  follow?: boolean;
  showSecrets?: boolean;
}

const MAX_TEXT_BYTES = 256 * 1024 * 1024;

/** @returns 1 if anything was damaged, could not be read, or does not fit its index. */
export async function decode(file: string | undefined, flags: DecodeFlags, terminal: Terminal): Promise<number> {
  const filter = messageFilter(flags.as === 'response' ? {} : flags);
  using interrupt = new Interrupt(terminal, () => 'Stopping.');
  const path = file === '-' ? undefined : file;
  const chunks =
    flags.follow === true && path !== undefined
      ? followFile(path, interrupt.signal)
      : openChunks(path, terminal.stdin, interrupt.signal).chunks;
  // Checkpoints are text already, of digits that could be taken for hex.
  const isOwnText = flags.as === 'checkpoint' || (flags.as === undefined && kindOfPath(path) === 'checkpoint');
  const reader = await plainReader(new ByteReader(chunks), flags, isOwnText);
  const head = await reader.peek(HEAD_BYTES);
  if (head.length === 0) {
    if (interrupt.happened) return exitCodes.interrupted;
    throw new Failure('There is nothing to decode: the input is empty.');
  }
  const packed = packedAs(head);
  if (flags.as === undefined && packed !== null) {
    throw new Failure(`The input is compressed with ${packed}.`, { hint: `${packed} -dc FILE | kiel decode` });
  }
  const kind = flags.as ?? kindOf(head, path);
  if (kind === null) {
    throw new Failure('The bytes are no capture, no log segment, and no request that kiel knows.', {
      hint: `Say what they are: --as ${inputKinds.slice(1, -1).join(', ')}, or --as response --api NAME --api-version N.`,
    });
  }
  const printer = new MessagePrinter(flags, filter, terminal.out);
  switch (kind) {
    case 'capture':
      await decodeCapture(reader, flags, printer, terminal);
      break;
    case 'stream':
      await decodeStream(reader, flags, printer, terminal.stdin, interrupt.signal);
      break;
    case 'request':
    case 'response':
      await decodeFrames(reader, kind, flags, printer);
      break;
    case 'segment':
      return endOf(await new SegmentPrinter(path, flags, terminal.out).print(reader), interrupt);
    case 'index':
    case 'timeindex':
    case 'txnindex':
    case 'snapshot':
    case 'checkpoint':
      return endOf(await printSideFile(kind, reader, path, flags, terminal.out), interrupt);
  }
  return endOf(printer.faults, interrupt);
}

function endOf(faults: number, interrupt: Interrupt): number {
  if (interrupt.happened) return exitCodes.interrupted;
  return faults > 0 ? exitCodes.failed : exitCodes.done;
}

async function plainReader(reader: ByteReader, flags: DecodeFlags, isOwnText: boolean): Promise<ByteReader> {
  const isText = flags.text ?? (!isOwnText && looksLikeText(await reader.peek(HEAD_BYTES)));
  if (!isText) return reader;
  const text = await reader.take(MAX_TEXT_BYTES);
  if (text.length === MAX_TEXT_BYTES) throw usage('The text is longer than 256 MiB.', 'Give the bytes themselves.');
  const bytes = bytesFromText(Buffer.from(text.buffer, text.byteOffset, text.length).toString('latin1'));
  return new ByteReader(one(bytes));
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function decodeCapture(
  reader: ByteReader,
  flags: DecodeFlags,
  printer: MessagePrinter,
  { err }: Terminal,
): Promise<void> {
  const decoder = new CaptureDecoder(new Set(splitList(flags.port).map(portOf)));
  let failure: unknown = null;
  try {
    for await (const seen of decoder.decode(reader)) {
      await printer.print(seen);
      if (printer.isClosed) return;
    }
  } catch (error) {
    // What came before the damage is still worth its end.
    failure = error;
  }
  for (const seen of decoder.end()) await printer.print(seen);
  await printer.flush();
  const { packets, kafkaConnections, otherConnections, skipped } = decoder.counts;
  const others = [
    otherConnections > 0 ? `${plural(otherConnections, 'connection')} not Kafka's` : '',
    ...[...skipped].map(([why, count]) => `${plural(count, 'packet')} ${why}`),
  ].filter((part) => part !== '');
  const left = others.length === 0 ? '' : `; left out: ${others.join(', ')}`;
  err.line(
    `${plural(packets, 'packet')}, ${plural(kafkaConnections, 'connection')}, ${plural(printer.messages, 'message')}, ${plural(printer.faults, 'fault')}${left}`,
  );
  if (kafkaConnections === 0 && otherConnections > 0)
    err.line('No connection looks like Kafka: name the port of a broker with --port.');
  if (failure !== null) throw failure;
}

function portOf(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw usage(`--port ${text} is not a port.`);
  return port;
}

async function decodeStream(
  reader: ByteReader,
  flags: DecodeFlags,
  printer: MessagePrinter,
  stdin: NodeJS.ReadableStream,
  signal: AbortSignal,
): Promise<void> {
  const conversation = new Conversation({ connection: null, hasTime: false, fromStart: true });
  const feed = async (side: 'client' | 'server', chunks: AsyncIterable<Uint8Array>) => {
    for await (const chunk of chunks) {
      await printer.print(conversation.accept(side, chunk, 0));
      if (printer.isClosed) return;
    }
  };
  await feed('client', reader.rest());
  if (flags.responses !== undefined) {
    const responses = openChunks(flags.responses, stdin, signal);
    await feed('server', responses.chunks);
  }
  await printer.print(conversation.end(0));
  await printer.flush();
}
