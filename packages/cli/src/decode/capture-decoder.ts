import { readPackets } from '../capture/capture-file.ts';
import { type Skipped, tcpSegmentOf } from '../capture/tcp-packet.ts';
import { type Side, type StreamPiece, TcpReassembler } from '../capture/tcp-reassembly.ts';
import type { ByteReader } from '../input/byte-reader.ts';
import { Conversation, looksLikeRequest, type Seen } from './conversation.ts';

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
    const caller = state.pieces.find(({ bytes }) => opensRequest(bytes));
    if (caller !== undefined && (caller.side === 'client' || !connection.sawOpening)) {
      const decided = this.#decided(connection, caller.side === 'server');
      this.#connections.set(connection.id, decided);
      return state.pieces.flatMap((piece) => feed(decided, piece));
    }
    if (state.pieces.length >= PIECES_TO_DECIDE || connection.sawOpening) {
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

function opensRequest(bytes: Uint8Array): boolean {
  if (bytes.length < 12) return false;
  const size = new DataView(bytes.buffer, bytes.byteOffset).getInt32(0);
  return size >= 8 && size <= LARGEST_FIRST_REQUEST && looksLikeRequest(bytes.subarray(4));
}
