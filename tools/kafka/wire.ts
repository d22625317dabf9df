import { connect, type Socket } from 'node:net';

// Just enough of the protocol to ask a broker whether it is there and to create a topic. It is written apart from
// @kiel/codec on purpose: the tools that check the codec must not fail with it.

/** One connection that sends frames and hands out what comes back. */
export class RawConnection {
  readonly socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #closed: string | undefined;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => this.#end(error.code === 'ECONNRESET' ? 'reset' : 'error'));
    socket.on('end', () => this.#end('closed'));
    socket.on('close', () => this.#end('closed'));
  }

  static open(port: number, host = '127.0.0.1'): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host, noDelay: true });
      socket.setTimeout(5000, () => socket.destroy(new Error(`no connection to ${host}:${port} in time`)));
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.setTimeout(0);
        socket.off('error', reject);
        resolve(new RawConnection(socket));
      });
    });
  }

  /** How the broker ended the connection, or undefined while it is open. */
  get ending(): string | undefined {
    return this.#closed;
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The next frame without its length, or null when the connection ends or `timeoutMs` passes first. */
  async frame(timeoutMs = 5000): Promise<Buffer | null> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const length = this.#received.length >= 4 ? this.#received.readInt32BE(0) : -1;
      if (length >= 0 && this.#received.length >= 4 + length) {
        const frame = this.#received.subarray(4, 4 + length);
        this.#received = this.#received.subarray(4 + length);
        return frame;
      }
      const left = deadline - performance.now();
      if (this.#closed !== undefined || left <= 0) return null;
      await this.#change(left);
    }
  }

  /** Waits for the broker to end the connection; undefined if it has not within `timeoutMs`. */
  async ended(timeoutMs: number): Promise<string | undefined> {
    const deadline = performance.now() + timeoutMs;
    while (this.#closed === undefined && performance.now() < deadline) await this.#change(deadline - performance.now());
    return this.#closed;
  }

  /** Bytes that came and were not taken as a frame. */
  get leftOver(): Buffer {
    return this.#received;
  }

  close(): void {
    this.socket.destroy();
  }

  #end(how: string): void {
    this.#closed ??= how;
    this.#wake();
  }

  #change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, timeoutMs));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

const int16 = (value: number) => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const string = (value: string) => Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)]);

export const raw = { int8: (value: number) => Buffer.from([value & 0xff]), int16, int32, string };

/** Puts the length before a frame. */
export function framed(...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([int32(body.length), body]);
}

/** A request header of version 1 (`clientId` null by default) and the body after it. */
export function request(apiKey: number, version: number, correlationId: number, ...body: Uint8Array[]): Buffer {
  return framed(int16(apiKey), int16(version), int32(correlationId), int16(-1), ...body);
}

export interface TopicPicture {
  errorCode: number;
  name: string;
  partitions: { errorCode: number; partition: number; leader: number; replicas: number[]; isr: number[] }[];
}

export interface Picture {
  brokers: { id: number; host: string; port: number }[];
  topics: TopicPicture[];
}

/** Metadata v0, which every broker from 0.8 to 4.4 answers. No topic named means all topics. */
export async function askMetadata(port: number, topics: readonly string[] = []): Promise<Picture> {
  const connection = await RawConnection.open(port);
  try {
    connection.send(request(3, 0, 1, int32(topics.length), ...topics.map(string)));
    const frame = await connection.frame();
    if (frame === null) throw new Error(`port ${port}: no answer to Metadata`);
    return readMetadata(frame);
  } finally {
    connection.close();
  }
}

function readMetadata(frame: Buffer): Picture {
  let at = 4;
  const take = (size: number): number => {
    at += size;
    return at - size;
  };
  const int16 = () => frame.readInt16BE(take(2));
  const int32 = () => frame.readInt32BE(take(4));
  const string = () => {
    const length = int16();
    const start = take(length);
    return frame.toString('utf8', start, start + length);
  };
  const array = <T>(item: () => T): T[] => Array.from({ length: int32() }, item);
  const brokers = array(() => ({ id: int32(), host: string(), port: int32() }));
  const topics = array(() => ({
    errorCode: int16(),
    name: string(),
    partitions: array(() => ({
      errorCode: int16(),
      partition: int32(),
      leader: int32(),
      replicas: array(int32),
      isr: array(int32),
    })),
  }));
  return { brokers, topics };
}

/** CreateTopics in version 0 or 2 (the oldest that 4.x takes); the error code, and the text where there is one. */
export async function askCreateTopic(
  port: number,
  version: 0 | 2,
  topic: { name: string; partitions: number; replicationFactor: number; config: Readonly<Record<string, string>> },
): Promise<{ errorCode: number; message: string }> {
  const config = Object.entries(topic.config).map(([key, value]) => Buffer.concat([string(key), string(value)]));
  const connection = await RawConnection.open(port);
  try {
    connection.send(
      request(
        19,
        version,
        1,
        int32(1),
        string(topic.name),
        int32(topic.partitions),
        int16(topic.replicationFactor),
        int32(0),
        int32(config.length),
        ...config,
        int32(30_000),
        ...(version === 2 ? [Buffer.from([0])] : []),
      ),
    );
    const frame = await connection.frame(35_000);
    if (frame === null) throw new Error(`port ${port}: no answer to CreateTopics`);
    const start = (version === 2 ? 8 : 4) + 4;
    const nameEnd = start + 2 + frame.readInt16BE(start);
    const errorCode = frame.readInt16BE(nameEnd);
    const length = version === 2 ? frame.readInt16BE(nameEnd + 2) : -1;
    return { errorCode, message: length > 0 ? frame.toString('utf8', nameEnd + 4, nameEnd + 4 + length) : '' };
  } finally {
    connection.close();
  }
}
