import { ConfigError } from '../errors.ts';
import type { EngineView } from './engine-view.ts';
import { Feed } from './feed.ts';
import type { InspectorAction } from './feed-format.ts';
import { type InspectorActions, LiveSource } from './live-source.ts';
import { RecordedSource, Recorder } from './recording.ts';
import { ViewerServer } from './viewer-server.ts';

export interface InspectorOptions {
  /** Default: a free one. */
  port?: number;
  /** An address of this machine alone: `127.0.0.1`, `::1` or `localhost`. Default: `127.0.0.1`. */
  host?: string;
  /** What the address of the page holds, and whoever looks must know. Default: 24 random bytes. */
  token?: string;
  /** Buttons that the page has. Default: none, it only looks. */
  allow?: readonly InspectorAction[];
  /** A file that takes what the page shows, for `kiel inspect FILE`. */
  record?: string;
}

/** A page that shows a producer while it works. It does not keep the process alive. */
export interface Inspector extends AsyncDisposable {
  /** With the token in it: who has it, may look. */
  readonly url: string;
  /** Pages that are open. */
  readonly viewerCount: number;
  /** Resolves when a page is open, at once if one is; also when it is closed. Keeps the process alive so long. */
  viewed(): Promise<void>;
  /** Lets every page go, and ends the recording. The producer is not touched. */
  close(): Promise<void>;
}

/** A recording that goes on until it is closed. */
export interface Recording extends AsyncDisposable {
  readonly path: string;
  /** Resolves when everything is in the file. */
  close(): Promise<void>;
}

const loopback = ['127.0.0.1', '::1', 'localhost'];
/** Of a token that is given: a guess shall be hopeless. */
const leastTokenLength = 16;

/** Behind `producer.inspector()`, which imports this only when it is called. */
export async function openInspector(
  view: EngineView,
  actions: Required<InspectorActions>,
  options: InspectorOptions = {},
): Promise<Inspector> {
  const { port, host, token, allow, record } = checked(options);
  const feed = new Feed(view, allow);
  const allowed = Object.fromEntries(allow.map((action) => [action, actions[action]]));
  const source = new LiveSource(feed, allowed);
  let recorder: Recorder | null = null;
  try {
    if (record !== undefined) recorder = await Recorder.start(record, feed);
    const server = await ViewerServer.start(source, { host, port, token, isBackground: true });
    const close = async () => {
      feed.close();
      source.end();
      await server.close();
      await recorder?.close();
    };
    return {
      url: server.url,
      get viewerCount() {
        return source.viewerCount;
      },
      viewed: () => source.viewed(),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    feed.close();
    await recorder?.close();
    throw error;
  }
}

/** Behind `producer.record()`. */
export async function openRecording(view: EngineView, path: string): Promise<Recording> {
  const feed = new Feed(view, []);
  try {
    const recorder = await Recorder.start(path, feed);
    const close = async () => {
      feed.close();
      await recorder.close();
    };
    return { path, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    feed.close();
    throw error;
  }
}

/**
 * Serves a recording, until it is closed.
 *
 * @throws KafkaError `NO_RECORDING` for a file that is none.
 */
export async function openRecorded(
  path: string,
  options: Pick<InspectorOptions, 'port' | 'host' | 'token'> = {},
): Promise<Pick<Inspector, 'url' | 'close' | typeof Symbol.asyncDispose>> {
  const { port, host, token } = checked(options);
  return await ViewerServer.start(await RecordedSource.open(path), { host, port, token, isBackground: false });
}

function checked(options: InspectorOptions) {
  const { port = 0, host = '127.0.0.1', token, allow = [], record } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new ConfigError('inspector.port', `must be a port, or 0 for a free one, got ${String(port)}`);
  }
  if (!loopback.includes(host)) {
    throw new ConfigError('inspector.host', `must be of this machine: ${loopback.join(', ')}; use an SSH tunnel`);
  }
  if (token !== undefined && !/^[\w-]+$/.test(token)) {
    throw new ConfigError('inspector.token', 'must be of letters, digits, - and _');
  }
  if (token !== undefined && token.length < leastTokenLength) {
    throw new ConfigError('inspector.token', `must have at least ${leastTokenLength} characters`);
  }
  if (!Array.isArray(allow) || allow.some((action) => action !== 'flush' && action !== 'close')) {
    throw new ConfigError('inspector.allow', 'must be a list of "flush" and "close"');
  }
  return { port, host, token, allow: allow as readonly InspectorAction[], record };
}
