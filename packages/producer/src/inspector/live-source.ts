import type { IncomingMessage, ServerResponse } from 'node:http';
import { toError } from '../errors.ts';
import type { Feed } from './feed.ts';
import type { InspectorAction } from './feed-format.ts';
import { refuse, type ViewerSource } from './viewer-server.ts';

/** Viewers at once. Each costs a write of the same bytes a frame. */
const mostViewers = 16;
/** Bytes that a viewer may be behind; then it is let go, and comes again by itself if it still lives. */
const mostBehindBytes = 4_194_304;

/** What of a feed a stream needs. */
export type FeedLike = Pick<Feed, 'hello' | 'past' | 'listen' | 'note'>;

export type InspectorActions = Readonly<Partial<Record<InspectorAction, () => Promise<void>>>>;

/** A producer that runs, as a stream of server-sent events. */
export class LiveSource implements ViewerSource {
  readonly shows = 'live';
  readonly #feed: FeedLike;
  readonly #actions: InspectorActions;
  readonly #viewers = new Set<ServerResponse>();
  #onViewer: (() => void)[] = [];

  constructor(feed: FeedLike, actions: InspectorActions) {
    this.#feed = feed;
    this.#actions = actions;
  }

  get viewerCount(): number {
    return this.#viewers.size;
  }

  /** Resolves when a page is open, at once if one is. Whoever waits keeps the process alive. */
  async viewed(): Promise<void> {
    if (this.#viewers.size > 0) return;
    const held = setInterval(() => {}, 0x7fff_ffff);
    await new Promise<void>((resolve) => this.#onViewer.push(resolve));
    clearInterval(held);
  }

  /** Every page is told that it was all. */
  end(): void {
    for (const resolve of this.#onViewer) resolve();
    this.#onViewer = [];
    for (const response of this.#viewers) response.end();
  }

  answer(path: string, { method }: IncomingMessage, response: ServerResponse): boolean {
    if (path === '/events' && method === 'GET') this.#stream(response);
    else if (path === '/flush' && method === 'POST') this.#act('flush', response);
    else if (path === '/close' && method === 'POST') this.#act('close', response);
    else return false;
    return true;
  }

  #stream(response: ServerResponse): void {
    if (this.#viewers.size >= mostViewers) {
      refuse(response, 503, `${mostViewers} viewers are looking already.`);
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    response.socket?.setNoDelay(true);
    const { hello, past } = this.#feed;
    response.write(`retry: 1000\ndata: ${JSON.stringify(hello)}\n\ndata: ${past}\n\n`);
    this.#viewers.add(response);
    const end = this.#feed.listen((json) => {
      if (response.writableLength > mostBehindBytes) response.destroy();
      else response.write(`data: ${json}\n\n`);
    });
    response.on('close', () => {
      this.#viewers.delete(response);
      end();
    });
    for (const resolve of this.#onViewer) resolve();
    this.#onViewer = [];
  }

  #act(action: InspectorAction, response: ServerResponse): void {
    const work = this.#actions[action];
    if (work === undefined) {
      refuse(response, 403, `The inspector was opened without allow: ['${action}'].`);
      return;
    }
    this.#feed.note('action', `${action} was asked for in the viewer`);
    work().then(
      () => this.#feed.note('action', `${action} is done`),
      (thrown: unknown) => this.#feed.note('action', `${action} failed: ${toError(thrown).message}`),
    );
    response.writeHead(202).end();
  }
}
