import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Access, isLocalName, isOwnOrigin, pageHeaders } from './access.ts';
import { loadPages, type Page } from './pages.ts';

/** What a page can be given: a stream that goes on, or a file; and what it may ask for. */
export interface ViewerSource {
  readonly shows: 'live' | 'recording';
  /** Requests behind the token that are for no file of the page. @returns whether it was one of its own. */
  answer(path: string, request: IncomingMessage, response: ServerResponse): boolean;
}

export interface ViewerServerOptions {
  readonly host: string;
  readonly port: number;
  readonly token: string | undefined;
  /** Whether the process ends though the server listens. */
  readonly isBackground: boolean;
}

const mostFarewellMs = 500;

/** Serves the viewer on this machine to whoever knows the token. */
export class ViewerServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #access: Access;
  readonly #host: string;
  readonly #source: ViewerSource;
  readonly #pages: ReadonlyMap<string, Page>;

  constructor(
    pages: ReadonlyMap<string, Page>,
    source: ViewerSource,
    { host, token, isBackground }: ViewerServerOptions,
  ) {
    this.#pages = pages;
    this.#source = source;
    this.#host = host;
    this.#access = new Access(token);
    this.#server = createServer({ maxHeaderSize: 16_384, requestTimeout: 10_000 }, (request, response) =>
      this.#answer(request, response),
    );
    this.#server.maxConnections = 100;
    if (isBackground) {
      this.#server.unref();
      this.#server.on('connection', (socket) => socket.unref());
    }
  }

  static async start(source: ViewerSource, options: ViewerServerOptions): Promise<ViewerServer> {
    const viewer = new ViewerServer(await loadPages(source.shows), source, options);
    const server = viewer.#server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port, options.host, () => {
        server.off('error', reject);
        resolve();
      });
    });
    return viewer;
  }

  /** Where the page is, with the token: whoever has it may look, so it belongs into no log. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    const host = this.#host.includes(':') ? `[${this.#host}]` : this.#host;
    return `http://${host}:${port}/${this.#access.token}/`;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      // What was written last still goes out, but nobody is waited for who does not read. The timer keeps the process
      // alive meanwhile, which the sockets do not.
      const timer = setTimeout(() => this.#server.closeAllConnections(), mostFarewellMs);
      this.#server.close(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '' } = request;
    for (const [name, value] of Object.entries(pageHeaders)) response.setHeader(name, value);
    // Nothing that is asked for comes with a body.
    request.resume();
    if (!isLocalName(request.headers.host)) {
      refuse(response, 421, 'This page is at 127.0.0.1 or localhost only.');
      return;
    }
    const path = this.#access.pathBehind(url);
    if (path === null) {
      refuse(response, 403, 'The address of this page has a token in it: take the whole of it.');
      return;
    }
    if (path === '') {
      response.writeHead(308, { location: `/${this.#access.token}/` }).end();
      return;
    }
    const isReading = method === 'GET' || method === 'HEAD';
    if (!(isReading || (method === 'POST' && isOwnOrigin(request)))) {
      refuse(response, 405, 'Not allowed.');
      return;
    }
    const page = isReading ? this.#pages.get(path) : undefined;
    if (page !== undefined) {
      response.writeHead(200, { 'content-type': page.type, 'content-length': page.bytes.length });
      response.end(method === 'HEAD' ? undefined : page.bytes);
      return;
    }
    if (!this.#source.answer(path, request, response)) refuse(response, 404, 'There is nothing here.');
  }
}

export function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}
