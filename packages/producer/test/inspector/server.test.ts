import { once } from 'node:events';
import { type IncomingHttpHeaders, type RequestOptions, request } from 'node:http';
import { connect } from 'node:net';
import { build } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildViewer } from '../../../../tools/viewer/build.ts';
import { ConfigError } from '../../src/index.ts';
import { type FeedLike, LiveSource } from '../../src/inspector/live-source.ts';
import { ViewerServer } from '../../src/inspector/viewer-server.ts';
import { start } from '../start.ts';

beforeAll(buildViewer);

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One request, as a browser or anybody else could send it. */
function ask(url: string, options: RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request(url, options, async (response) => {
      let body = '';
      for await (const chunk of response) body += String(chunk);
      resolve({ status: response.statusCode!, headers: response.headers, body });
    })
      .on('error', reject)
      .end();
  });
}

/** Messages of a stream until one satisfies; then it is let go. */
async function messagesUntil(url: string, isLast: (message: { kind: string }) => boolean): Promise<{ kind: string }[]> {
  const messages: { kind: string }[] = [];
  const response = await fetch(new URL('events', url));
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const parts = (text + chunk).split('\n');
    text = parts.pop()!;
    for (const part of parts) {
      if (!part.startsWith('data: ')) continue;
      messages.push(JSON.parse(part.slice(6)));
      if (isLast(messages.at(-1)!)) return messages;
    }
  }
  return messages;
}

describe('a page on this machine', () => {
  test('comes whole from the server, under a policy that lets nothing else in', async () => {
    await using it = await start();
    await using inspector = await it.producer.inspector();
    const page = await ask(inspector.url);
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    const policy = page.headers['content-security-policy']!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(page.headers).toMatchObject({
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    });
    for (const file of ['viewer.js', 'viewer.css', 'icon.svg']) {
      const answer = await ask(`${inspector.url}${file}`);
      expect([file, answer.status]).toEqual([file, 200]);
      // Nothing of what it is made of leads elsewhere.
      expect(
        answer.body.match(/https?:\/\/[^"'`\s)]+/g)?.filter((link) => !link.includes('www.w3.org/2000/svg')) ?? [],
      ).toEqual([]);
    }
  });

  test('is for nobody who does not know its token, and says nothing of it', async () => {
    await using it = await start();
    await using inspector = await it.producer.inspector({ allow: ['close'] });
    const { origin, pathname } = new URL(inspector.url);
    const token = pathname.slice(1, -1);
    expect(token.length).toBe(32);
    const wrong = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;
    for (const path of [
      '/',
      '/viewer.js',
      '/events',
      `/${wrong}/`,
      `/${wrong}/events`,
      `/${token.slice(1)}/`,
      `/x/${token}/`,
      '//',
      '/%00/',
      `/?${token}`,
    ]) {
      for (const method of ['GET', 'HEAD', 'POST']) {
        const answer = await ask(`${origin}${path}`, { method });
        expect([path, method, answer.status]).toEqual([path, method, 403]);
        expect(answer.body).not.toContain(token);
      }
    }
    await ask(`${origin}/${wrong}/close`, { method: 'POST' });
    expect(it.producer.state).toBe('idle');
    expect((await ask(`${origin}/${token}`)).status).toBe(308);
  });

  test('is not for a name that somebody else lets point here (DNS rebinding)', async () => {
    await using it = await start();
    await using inspector = await it.producer.inspector();
    const { port } = new URL(inspector.url);
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      '0.0.0.0',
    ]) {
      expect([host, (await ask(inspector.url, { headers: { host } })).status]).toEqual([host, 421]);
    }
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, 'localhost:8000', `[::1]:${port}`]) {
      expect([host, (await ask(inspector.url, { headers: { host } })).status]).toEqual([host, 200]);
    }
  });

  test('has buttons only where they were allowed, and only for pages of its own', async () => {
    await using it = await start();
    await using inspector = await it.producer.inspector({ allow: ['flush'] });
    const { origin } = new URL(inspector.url);
    const post = (path: string, headers = {}) => ask(`${inspector.url}${path}`, { method: 'POST', headers });
    expect(await post('close')).toMatchObject({
      status: 403,
      body: "The inspector was opened without allow: ['close'].\n",
    });
    expect(it.producer.state).toBe('idle');
    expect((await post('flush')).status).toBe(202);
    expect((await post('flush', { origin })).status).toBe(202);
    expect((await post('flush', { origin: 'https://evil.example' })).status).toBe(405);
    expect((await post('flush', { 'sec-fetch-site': 'cross-site' })).status).toBe(405);
    expect((await ask(`${inspector.url}flush`)).status).toBe(404);
    expect((await ask(`${inspector.url}flush`, { method: 'DELETE' })).status).toBe(405);
    expect((await ask(`${inspector.url}session`)).status).toBe(404);
    expect((await ask(`${inspector.url}../../package.json`)).status).toBe(403);
  });

  test('closes the producer where that was allowed', async () => {
    await using it = await start();
    await using inspector = await it.producer.inspector({ allow: ['close'] });
    expect((await ask(`${inspector.url}close`, { method: 'POST' })).status).toBe(202);
    await it.run(it.producer.close());
    expect(it.producer.state).toBe('closed');
  });

  test('shows several viewers the same, and each that comes later what was before', async () => {
    await using it = await start();
    await using inspector = await it.producer.inspector();
    const isClosed = (message: { kind: string }) =>
      JSON.stringify(message).includes('"to":"closed"') && message.kind === 'frame';
    const viewers = [messagesUntil(inspector.url, isClosed), messagesUntil(inspector.url, isClosed)];
    await inspector.viewed();
    await it.warm();
    while (inspector.viewerCount < 2) await new Promise((resolve) => setImmediate(resolve));
    await it.run(it.producer.close());
    const [first, second] = await Promise.all(viewers);
    expect(first!.slice(0, 2).map(({ kind }) => kind)).toEqual(['hello', 'past']);
    expect(first!.at(-1)).toEqual(second!.at(-1));
    const [, past] = await messagesUntil(inspector.url, ({ kind }) => kind === 'past');
    expect(JSON.stringify(past)).toContain('"to":"healing"');
    expect(JSON.stringify(past)).toContain('"to":"closed"');
  });

  test('keeps the last minute of a producer with many brokers and partitions as well', async () => {
    await using it = await start({ brokers: 30, topics: { orders: { partitions: 200 } } }, { lingerMs: 200 });
    await using inspector = await it.producer.inspector();
    await it.warm();
    for (let frame = 0; frame < 250; frame++) {
      for (let partition = 0; partition < 200; partition++) it.producer.produce('orders', frame, { partition });
      await it.mock.clock.advance(250);
    }
    const messages = await messagesUntil(inspector.url, ({ kind }) => kind === 'frame');
    const { frames } = messages[1] as unknown as { frames: { at: number; machines: { actor: string }[] }[] };
    expect(frames.at(-1)!.at - frames[0]!.at).toBeGreaterThan(55_000);
    expect(JSON.stringify(messages[1]).length).toBeLessThan(1_100_000);
    for (const { machines } of frames) expect(machines.map(({ actor }) => actor)).toContain('producer');
    // The present is told in full.
    expect((messages.at(-1) as unknown as { brokers: unknown[] }).brokers.length).toBe(30);
  });

  test('takes its observers out again when it is closed, and frees its port', async () => {
    await using it = await start();
    const inspector = await it.producer.inspector();
    const { port } = new URL(inspector.url);
    const timersWith = it.mock.clock.pendingTimers;
    const ended = messagesUntil(inspector.url, () => false);
    await inspector.viewed();
    await inspector.close();
    await inspector.close();
    await ended;
    expect(it.mock.clock.pendingTimers).toBe(timersWith - 1);
    const socket = connect({ port: Number(port), host: '127.0.0.1' });
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
    await it.run(it.producer.produce('orders', 'after it'));
    expect(it.values()).toEqual(['after it']);
  });
});

test.each([
  [{ port: -1 }, 'inspector.port'],
  [{ port: 70_000 }, 'inspector.port'],
  [{ host: '0.0.0.0' }, 'inspector.host'],
  [{ host: 'example.org' }, 'inspector.host'],
  [{ token: 'short' }, 'inspector.token'],
  [{ token: 'a/b'.repeat(10) }, 'inspector.token'],
  [{ allow: ['open'] }, 'inspector.allow'],
])('the option %j is refused by name', async (options, name) => {
  await using it = await start();
  const opening = it.producer.inspector(options as never);
  await expect(opening).rejects.toBeInstanceOf(ConfigError);
  await expect(opening).rejects.toThrow(name);
});

test('a port that is taken is told, and nothing is left open', async () => {
  await using it = await start();
  await using inspector = await it.producer.inspector({ token: 'a-token-of-my-own-choice' });
  expect(new URL(inspector.url).pathname).toBe('/a-token-of-my-own-choice/');
  const port = Number(new URL(inspector.url).port);
  await expect(it.producer.inspector({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('a viewer that does not read is let go instead of being kept in memory', async () => {
  const listeners = new Set<(json: string) => void>();
  const feed = {
    hello: { kind: 'hello' },
    past: '{"kind":"past","frames":[]}',
    note() {},
    listen(listener: (json: string) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  } as unknown as FeedLike;
  const source = new LiveSource(feed, {});
  await using server = await ViewerServer.start(source, {
    host: '127.0.0.1',
    port: 0,
    token: undefined,
    isBackground: false,
  });
  const { port, pathname } = new URL(server.url);
  const socket = connect({ port: Number(port), host: '127.0.0.1' });
  socket.write(`GET ${pathname}events HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  socket.pause();
  await source.viewed();
  const frame = JSON.stringify({ kind: 'frame', padding: 'x'.repeat(1_000_000) });
  let told = 0;
  while (listeners.size > 0 && told < 200) {
    told++;
    for (const listener of listeners) listener(frame);
    await new Promise((resolve) => setImmediate(resolve));
  }
  // What the system's own buffers take, and four megabytes here.
  expect(told).toBeLessThan(60);
  expect(source.viewerCount).toBe(0);
  socket.destroy();
});

test('seventeen viewers are one too many', async () => {
  await using it = await start();
  await using inspector = await it.producer.inspector();
  const cut = new AbortController();
  const open = () => fetch(new URL('events', inspector.url), { signal: cut.signal });
  const responses = await Promise.all(Array.from({ length: 16 }, open));
  expect(responses.every(({ status }) => status === 200)).toBe(true);
  expect((await open()).status).toBe(503);
  cut.abort();
});

test('a producer without an inspector loads nothing of it, and no web server', async () => {
  const { metafile } = await build({
    entryPoints: [new URL('../../src/index.ts', import.meta.url).pathname],
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    outdir: 'out',
    write: false,
    metafile: true,
    packages: 'external',
  });
  const main = Object.entries(metafile.outputs).find(([name]) => name.endsWith('index.js'))![1];
  const loaded = [main];
  for (const chunk of loaded) {
    for (const { path, kind } of chunk.imports) {
      const next = metafile.outputs[path];
      if (kind === 'import-statement' && next !== undefined && !loaded.includes(next)) loaded.push(next);
    }
  }
  const sources = loaded.flatMap(({ inputs }) => Object.keys(inputs));
  expect(sources.some((name) => name.endsWith('src/engine.ts'))).toBe(true);
  expect(sources.filter((name) => name.includes('/inspector/'))).toEqual([]);
  expect(loaded.flatMap(({ imports }) => imports.map(({ path }) => path))).not.toContain('node:http');
});
