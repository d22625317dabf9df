import { readPackets } from '../capture/capture-file.ts';
import { type Skipped, tcpSegmentOf } from '../capture/tcp-packet.ts';
import { type Side, type StreamPiece, TcpReassembler } from '../capture/tcp-reassembly.ts';
import type { ByteReader } from '../input/byte-reader.ts';
import { Conversation, isNamedRequest, looksLikeRequest, type Seen } from './conversation.ts';

export interface CaptureCounts {
  packets: number;
  kafkaConnections: number;
  otherConnections: number;
  readonly skipped: Map<Skipped, number>;
}

/** Pieces of a connection that may not be Kafka's, kept until one tells. */
interface Undecided {
  readonly pieces: StreamPiece[];
}

interface Decided {
  readonly conversation: Conversation;
  /** Who calls whom was guessed wrongly. */
  readonly isSwapped: boolean;
}

const PIECES_TO_DECIDE = 8;
const LARGEST_FIRST_REQUEST = 100 * 1024 * 1024;

/** Everything Kafka said in a capture. Connections to ports that are not a broker's count if they look like Kafka. */
export class CaptureDecoder {
  readonly counts: CaptureCounts = { packets: 0, kafkaConnections: 0, otherConnections: 0, skipped: new Map() };
  readonly #isBrokerPort: (port: number) => boolean;
  readonly #reassembler: TcpReassembler;
  readonly #connections = new Map<number, Undecided | Decided | 'other'>();
  #lastMs = 0;

  constructor(brokerPorts: ReadonlySet<number>) {
    this.#isBrokerPort = (port) => brokerPorts.has(port);
    this.#reassembler = new TcpReassembler(this.#isBrokerPort);
  }

  async *decode(reader: ByteReader): AsyncGenerator<Seen[]> {
    for await (const packet of readPackets(reader)) {
      this.counts.packets++;
      this.#lastMs = packet.timestampMs;
      const segment = tcpSegmentOf(packet);
      if (typeof segment === 'string') {
        this.counts.skipped.set(segment, (this.counts.skipped.get(segment) ?? 0) + 1);
        continue;
      }
      for (const piece of this.#reassembler.accept(segment)) {
        const seen = this.#take(piece);
        if (seen.length > 0) yield seen;
      }
    }
  }

  /** What only the end of the capture tells: lost segments, frames that never ended. */
  *end(): Generator<Seen[]> {
    for (const piece of this.#reassembler.end()) yield this.#take(piece);
    for (const state of this.#connections.values()) {
      if (state !== 'other' && 'conversation' in state) yield state.conversation.end(this.#lastMs);
    }
  }

  #take(piece: StreamPiece): Seen[] {
    const { id } = piece.connection;
    const state = this.#connections.get(id) ?? this.#open(piece);
    if (state === 'other') return [];
    if ('conversation' in state) return feed(state, piece);
    state.pieces.push(piece);
    return this.#decide(state, piece);
  }

  #open({ connection }: StreamPiece): Undecided | Decided {
    const state = this.#isBrokerPort(connection.serverPort) ? this.#decided(connection, false) : { pieces: [] };
    this.#connections.set(connection.id, state);
    return state;
  }

  #decide(state: Undecided, { connection }: StreamPiece): Seen[] {
    const isLast = state.pieces.length >= PIECES_TO_DECIDE;
    const side = connection.sawOpening ? openerOf(state.pieces) : callerOf(state.pieces, isLast);
    if (side === 'client' || side === 'server') {
      const decided = this.#decided(connection, side === 'server');
      this.#connections.set(connection.id, decided);
      return state.pieces.flatMap((piece) => feed(decided, piece));
    }
    if (isLast || side === 'nobody') {
      this.#connections.set(connection.id, 'other');
      this.counts.otherConnections++;
    }
    return [];
  }

  #decided(connection: StreamPiece['connection'], isSwapped: boolean): Decided {
    this.counts.kafkaConnections++;
    const { id, client, server, sawOpening } = connection;
    const ends = isSwapped ? { id, client: server, server: client } : { id, client, server };
    return { isSwapped, conversation: new Conversation({ connection: ends, hasTime: true, fromStart: sawOpening }) };
  }
}

function feed({ conversation, isSwapped }: Decided, piece: StreamPiece): Seen[] {
  const side: Side = isSwapped ? (piece.side === 'client' ? 'server' : 'client') : piece.side;
  return conversation.accept(side, piece.bytes, piece.timestampMs, piece.missingBytes);
}

const BYTES_TO_DECIDE = 12;

/** The client, if the first that it sent is a request; `null` if that is too little to tell. */
function openerOf(pieces: readonly StreamPiece[]): 'client' | 'nobody' | null {
  const sent = Buffer.concat(pieces.filter(({ side }) => side === 'client').map(({ bytes }) => bytes));
  if (sent.length < BYTES_TO_DECIDE) return null;
  return opensRequest(sent, looksLikeRequest) ? 'client' : 'nobody';
}

/**
 * Who sends requests, in a connection that was captured from its middle on. That it is not who the ports make the client
 * is believed once that one has sent something else, or there is no more time.
 */
function callerOf(pieces: readonly StreamPiece[], isLast: boolean): Side | null {
  for (const looksRight of isLast ? [isNamedRequest, looksLikeRequest] : [isNamedRequest]) {
    const callers = new Set(pieces.filter(({ bytes }) => opensRequest(bytes, looksRight)).map(({ side }) => side));
    if (callers.has('client')) return 'client';
    if (callers.has('server') && (isLast || pieces.some(({ side }) => side === 'client'))) return 'server';
  }
  return null;
}

function opensRequest(bytes: Uint8Array, looksRight: (head: Uint8Array) => boolean): boolean {
  if (bytes.length < BYTES_TO_DECIDE) return false;
  const size = new DataView(bytes.buffer, bytes.byteOffset).getInt32(0);
  return size >= 8 && size <= LARGEST_FIRST_REQUEST && looksRight(bytes.subarray(4));
}
