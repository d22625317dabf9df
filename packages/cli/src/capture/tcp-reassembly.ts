import type { TcpSegment } from './tcp-packet.ts';

export type Side = 'client' | 'server';

export interface Connection {
  /** Counted from 1 in the order of their first packets. */
  readonly id: number;
  readonly client: string;
  readonly server: string;
  readonly clientPort: number;
  readonly serverPort: number;
  /** False where its opening was not captured, so that who is the client was guessed. */
  readonly sawOpening: boolean;
}

export interface StreamPiece {
  readonly connection: Connection;
  /** Who sent it. */
  readonly side: Side;
  readonly timestampMs: number;
  /** In order, each byte once. */
  readonly bytes: Uint8Array;
  /** Bytes that were sent before these and never captured. */
  readonly missingBytes: number;
}

/** Bytes kept for later while an earlier segment is missing; beyond this the hole is taken for lost. */
const MAX_PENDING_BYTES = 4 * 1024 * 1024;
const MAX_PENDING_SEGMENTS = 512;
/** A hole that so many segments of the other side acknowledge was not lost on the way, but by the capture. */
const ACKS_OVER_A_HOLE = 3;

class Direction {
  /** Of its first byte that was captured. */
  first: number | null = null;
  next: number | null = null;
  pending: TcpSegment[] = [];
  pendingBytes = 0;
  /** Acknowledgements of bytes that are missing here. */
  acksOverHole = 0;
}

interface Flow {
  readonly connection: Connection;
  readonly client: Direction;
  readonly server: Direction;
  /** Null as long as its opening was not seen. */
  initialSequence: number | null;
}

/**
 * Puts the segments of every TCP connection back in order: repeated bytes once, early ones later, and lost
 * ones named. Sequence numbers wrap; ports are used again.
 */
export class TcpReassembler {
  readonly #flows = new Map<string, Flow>();
  readonly #isServerPort: (port: number) => boolean;
  #count = 0;

  /** @param isServerPort - tells the broker's side where no opening was captured. */
  constructor(isServerPort: (port: number) => boolean) {
    this.#isServerPort = isServerPort;
  }

  accept(segment: TcpSegment): StreamPiece[] {
    const flow = this.#flowOf(segment);
    if (flow === null) return [];
    const side: Side = segment.source === flow.connection.client ? 'client' : 'server';
    const direction = flow[side];
    if (segment.isSyn) direction.next ??= (segment.sequence + 1) >>> 0;
    const lost = segment.isAck ? this.#acknowledge(flow, side, segment) : [];
    if (segment.payloadBytes === 0) return lost;
    const data = segment.isSyn ? { ...segment, sequence: (segment.sequence + 1) >>> 0 } : segment;
    direction.next ??= data.sequence;
    direction.first ??= data.sequence;
    this.#keep(direction, data);
    return [...lost, ...this.#drain(flow.connection, side, direction, false)];
  }

  /** What the other side has received cannot come any more, where the capture lacks it. */
  #acknowledge(flow: Flow, side: Side, { acknowledged }: TcpSegment): StreamPiece[] {
    const otherSide = side === 'client' ? 'server' : 'client';
    const other = flow[otherSide];
    const first = other.pending[0];
    if (first === undefined || distance(first.sequence, acknowledged) <= 0) return [];
    // More than one, since captures of several processors hold packets a little out of order.
    if (++other.acksOverHole < ACKS_OVER_A_HOLE) return [];
    return this.#drain(flow.connection, otherSide, other, true);
  }

  /** Everything that still waits for lost segments. */
  end(): StreamPiece[] {
    return [...this.#flows.values()].flatMap((flow) => [
      ...this.#drain(flow.connection, 'client', flow.client, true),
      ...this.#drain(flow.connection, 'server', flow.server, true),
    ]);
  }

  #flowOf(segment: TcpSegment): Flow | null {
    const key =
      segment.source < segment.target ? `${segment.source}>${segment.target}` : `${segment.target}>${segment.source}`;
    const known = this.#flows.get(key);
    const opens = segment.isSyn && !segment.isAck;
    const isRepeatedOpening = known !== undefined && known.initialSequence === segment.sequence;
    if (known !== undefined && (!opens || isRepeatedOpening)) return known;
    if (known !== undefined && isLateOpening(known, segment)) {
      known.initialSequence = segment.sequence;
      return known;
    }
    if (known === undefined && segment.payloadBytes === 0 && !segment.isSyn) return null;
    const flow = this.#open(segment, opens);
    this.#flows.set(key, flow);
    return flow;
  }

  #open(segment: TcpSegment, opens: boolean): Flow {
    const fromClient = segment.isSyn ? !segment.isAck : !this.#looksLikeServer(segment);
    const [client, server] = fromClient ? [segment.source, segment.target] : [segment.target, segment.source];
    const ports = [segment.sourcePort, segment.targetPort] as const;
    const [clientPort, serverPort] = fromClient ? ports : ([ports[1], ports[0]] as const);
    return {
      connection: { id: ++this.#count, client, server, clientPort, serverPort, sawOpening: segment.isSyn },
      client: new Direction(),
      server: new Direction(),
      initialSequence: opens ? segment.sequence : null,
    };
  }

  #looksLikeServer({ sourcePort, targetPort }: TcpSegment): boolean {
    const source = this.#isServerPort(sourcePort);
    // Ports given out to clients are high ones.
    return source === this.#isServerPort(targetPort) ? sourcePort < targetPort : source;
  }

  #keep(direction: Direction, segment: TcpSegment): void {
    const { pending } = direction;
    let at = pending.length;
    while (at > 0 && distance(pending[at - 1]!.sequence, segment.sequence) < 0) at--;
    pending.splice(at, 0, segment);
    direction.pendingBytes += segment.payload.length;
  }

  #drain(connection: Connection, side: Side, direction: Direction, isLast: boolean): StreamPiece[] {
    const pieces: StreamPiece[] = [];
    while (direction.pending.length > 0) {
      const segment = direction.pending[0]!;
      const ahead = distance(direction.next!, segment.sequence);
      const isOver = direction.pendingBytes > MAX_PENDING_BYTES || direction.pending.length > MAX_PENDING_SEGMENTS;
      if (ahead > 0 && !isLast && !isOver) break;
      direction.pending.shift();
      direction.acksOverHole = 0;
      direction.pendingBytes -= segment.payload.length;
      const missingBytes = Math.max(0, ahead);
      const repeated = Math.max(0, -ahead);
      const timestampMs = segment.timestampMs;
      const bytes = segment.payload.subarray(repeated);
      if (bytes.length > 0) pieces.push({ connection, side, timestampMs, bytes, missingBytes });
      const captured = Math.max(0, segment.payload.length - repeated);
      // What the capture cut off is missing before whatever comes next: `next` does not move over it.
      if (captured > 0 || missingBytes > 0) {
        direction.next = (segment.sequence + segment.payload.length) >>> 0;
      }
    }
    return pieces;
  }
}

/** The opening of a connection whose next packets were captured before it, as happens with several processors. */
function isLateOpening({ connection, client, initialSequence }: Flow, { source, sequence }: TcpSegment): boolean {
  const begin = (sequence + 1) >>> 0;
  return initialSequence === null && source === connection.client && (client.first ?? begin) === begin;
}

/** From `from` to `to`, in the ring of sequence numbers: negative if `to` lies before. */
function distance(from: number, to: number): number {
  return (to - from) | 0;
}
