import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { KafkaError, toError } from '../errors.ts';
import type { Feed } from './feed.ts';
import { feedFormat, type Hello } from './feed-format.ts';
import { refuse, type ViewerSource } from './viewer-server.ts';

/** A disk that is so far behind misses frames instead of taking memory. */
const mostBehindBytes = 8_388_608;

/** Writes what a feed tells into a file, a JSON object a line. Only the user may read it. */
export class Recorder implements AsyncDisposable {
  readonly path: string;
  readonly #file: WriteStream;
  #end: () => void = () => {};
  #failure: Error | null = null;
  #missed = 0;

  constructor(path: string, file: WriteStream) {
    this.path = path;
    this.#file = file;
  }

  /** @throws KafkaError `RECORDING_FAILED` when the file cannot be made. */
  static async start(path: string, feed: Feed): Promise<Recorder> {
    const file = createWriteStream(path, { mode: 0o600 });
    await new Promise<void>((resolve, reject) => {
      file.once('open', () => resolve());
      file.once('error', (cause) =>
        reject(new KafkaError('RECORDING_FAILED', `cannot record into ${path}: ${cause.message}`, { cause })),
      );
    });
    const recorder = new Recorder(path, file);
    file.on('error', (error) => {
      recorder.#failure ??= error;
      recorder.#end();
      feed.note('warning', `the recording has ended: ${error.message}`);
    });
    file.write(`${JSON.stringify(feed.hello)}\n`);
    recorder.#end = feed.listen((json) => {
      if (file.writableLength > mostBehindBytes) recorder.#missed++;
      else file.write(`${json}\n`);
    });
    return recorder;
  }

  /** Frames that the disk was too slow for. */
  get missedFrames(): number {
    return this.#missed;
  }

  /** Resolves when everything is in the file. @throws KafkaError `RECORDING_FAILED` */
  async close(): Promise<void> {
    this.#end();
    if (!this.#file.destroyed) await new Promise<void>((resolve) => this.#file.end(() => resolve()));
    if (this.#failure === null) return;
    throw new KafkaError('RECORDING_FAILED', `cannot record into ${this.path}: ${this.#failure.message}`, {
      cause: this.#failure,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** A file that a recorder has written. */
export class RecordedSource implements ViewerSource {
  readonly shows = 'recording';
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws KafkaError `NO_RECORDING` for a file that is none, or of a later format. */
  static async open(path: string): Promise<RecordedSource> {
    const hello = await firstLine(path);
    if (hello === null) {
      throw new KafkaError('NO_RECORDING', `${path} is no recording of a producer: it does not begin as one`);
    }
    if (hello.format > feedFormat) {
      throw new KafkaError('NO_RECORDING', `${path} was recorded by a later version, ${hello.version}: use that one`);
    }
    return new RecordedSource(path);
  }

  answer(path: string, { method }: IncomingMessage, response: ServerResponse): boolean {
    if (path !== '/session' || method !== 'GET') return false;
    stat(this.#path).then(
      ({ size }) => {
        response.writeHead(200, { 'content-type': 'application/x-ndjson', 'content-length': size });
        // It may grow while it is read: what was promised is sent, and no more.
        const file = createReadStream(this.#path, { end: Math.max(0, size - 1) });
        file.on('error', () => response.destroy());
        file.pipe(response);
        response.on('close', () => file.destroy());
      },
      (thrown: unknown) => refuse(response, 404, toError(thrown).message),
    );
    return true;
  }
}

async function firstLine(path: string): Promise<Hello | null> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(65_536), 0, 65_536, 0);
  const end = buffer.subarray(0, bytesRead).indexOf(10);
  try {
    const line = JSON.parse(buffer.toString('utf8', 0, end < 0 ? bytesRead : end)) as Hello | null;
    return line?.kind === 'hello' && typeof line.format === 'number' ? line : null;
  } catch {
    return null;
  }
}
