import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** What a browser loads by itself: none of it may come from elsewhere. */
const loads = /<(?:script|link|img|iframe|source|video|audio)\b[^>]*?\b(?:src|href)="((?:https?:)?\/\/[^"]+)"/g;
const loadsInStyles = /(?:url\(\s*["']?|@import\s+["'])((?:https?:)?\/\/[^"')]+)/g;

/**
 * Looks at the built site: every link inside leads to a page and, with `#`, to a place in it; nothing is loaded from
 * another host.
 *
 * @returns what is wrong, a line each.
 */
export function checkSite(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  const pages = new Map(
    files.filter((name) => name.endsWith('.html')).map((name) => [name, readFileSync(name, 'utf8')]),
  );
  const ids = new Map([...pages].map(([name, html]) => [name, idsIn(html)]));
  const problems: string[] = [];
  for (const [name, html] of pages) {
    const here = relative(folder, name);
    for (const [, url] of html.matchAll(loads)) problems.push(`${here} loads ${url}`);
    for (const [, href] of html.matchAll(/<a\b[^>]*?\bhref="([^"]*)"/g)) {
      const problem = problemOf(unescaped(href!), name, folder, ids);
      if (problem !== null) problems.push(`${here}: ${problem}`);
    }
  }
  for (const name of files.filter((file) => file.endsWith('.css'))) {
    for (const [, url] of readFileSync(name, 'utf8').matchAll(loadsInStyles)) {
      problems.push(`${relative(folder, name)} loads ${url}`);
    }
  }
  return [...new Set(problems)];
}

function problemOf(
  href: string,
  from: string,
  folder: string,
  ids: ReadonlyMap<string, ReadonlySet<string>>,
): string | null {
  if (/^(?:[a-z]+:|\/\/)/.test(href)) return null;
  const [path = '', hash = ''] = href.split('#');
  let target = path === '' ? from : path.startsWith('/') ? join(folder, path) : join(dirname(from), path);
  if (existsSync(target) && statSync(target).isDirectory()) target = join(target, 'index.html');
  if (!existsSync(target)) return `the link ${href} leads nowhere`;
  const known = ids.get(target);
  if (hash === '' || known === undefined || known.has(decodeURIComponent(hash))) return null;
  return `the link ${href} leads to no heading`;
}

function idsIn(html: string): Set<string> {
  return new Set([...html.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => unescaped(id!)));
}

function unescaped(text: string): string {
  return text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'");
}
