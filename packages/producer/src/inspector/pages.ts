import { readFile } from 'node:fs/promises';
import { KafkaError } from '../errors.ts';

export interface Page {
  readonly type: string;
  readonly bytes: Uint8Array;
}

const files = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/viewer.js': ['viewer.js', 'text/javascript; charset=utf-8'],
  '/icon.svg': ['icon.svg', 'image/svg+xml'],
  '/viewer.css': ['viewer.css', 'text/css; charset=utf-8'],
} as const;

/** The folder is at the same place from the sources and from what is built of them. */
const folder = new URL('../../page/', import.meta.url);

/**
 * The viewer as `npm run build` made it, by path.
 *
 * @param kind - what it shows: a producer that runs, or a recording.
 * @throws KafkaError `VIEWER_MISSING` where it was not built, or left out by a bundler.
 */
export async function loadPages(kind: 'live' | 'recording'): Promise<Map<string, Page>> {
  const pages = new Map<string, Page>();
  try {
    for (const [path, [name, type]] of Object.entries(files)) {
      pages.set(path, { type, bytes: await readFile(new URL(name, folder)) });
    }
  } catch (cause) {
    throw new KafkaError(
      'VIEWER_MISSING',
      `the viewer's page is not in ${decodeURIComponent(folder.pathname)}: run "npm run build", or copy the folder there if a bundler left it out`,
      { cause },
    );
  }
  const page = pages.get('/')!;
  const html = new TextDecoder().decode(page.bytes).replace('data-shows="live"', `data-shows="${kind}"`);
  pages.set('/', { ...page, bytes: new TextEncoder().encode(html) });
  return pages;
}
