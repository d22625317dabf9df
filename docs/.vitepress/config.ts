import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitepress';

const docs = new URL('../', import.meta.url);
const machines: Record<string, string> = JSON.parse(read('generated/machines.json'));

function read(path: string): string {
  return readFileSync(new URL(path, docs), 'utf8');
}

interface Item {
  text: string;
  link?: string;
  items?: Item[];
  collapsed?: boolean;
}

/** A page that is there: some are written by other parts of the build, and a reader of the sources may lack them. */
function page(text: string, link: string): Item[] {
  return existsSync(new URL(`.${link}.md`, docs)) ? [{ text, link }] : [];
}

function decisions(): Item[] {
  const folder = new URL('design/decisions/', docs);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => ({ text: name.slice(0, -3).replaceAll('-', ' '), link: `/design/decisions/${name.slice(0, -3)}` }));
}

function api(): Item[] {
  const path = 'reference/api/typedoc-sidebar.json';
  return existsSync(new URL(path, docs)) ? JSON.parse(read(path)) : [];
}

const guide: Item[] = [
  {
    text: 'Begin',
    items: [...page('Start in five minutes', '/start'), ...page('A transactional service', '/guide/service')],
  },
  {
    text: 'Concepts',
    items: [
      ...page('States you can see', '/concepts/states'),
      ...page('What is guaranteed', '/concepts/guarantees'),
      ...page('Delivery, and how it was tried', '/guide/delivery'),
      ...page('Beside other clients', '/guide/comparison'),
    ],
  },
  {
    text: 'Guides',
    items: [
      ...page('Records', '/guide/records'),
      ...page('Backpressure', '/guide/backpressure'),
      ...page('Transactions', '/guide/transactions'),
      ...page('Graceful shutdown', '/guide/shutdown'),
      ...page('The machine in your own app', '/guide/xstate'),
      ...page('Security', '/guide/security'),
      ...page('Security recipes', '/guide/clouds'),
      ...page('Proxies and tunnels', '/guide/proxies'),
      ...page('Containers', '/guide/containers'),
      ...page('Serverless', '/guide/serverless'),
      ...page('Modules and TypeScript', '/guide/modules'),
    ],
  },
  {
    text: 'In operation',
    items: [
      ...page('Metrics, traces, logs', '/guide/telemetry'),
      ...page('Watch it live', '/guide/inspect'),
      ...page('Tuning', '/guide/tuning'),
      ...page('Troubleshooting', '/guide/troubleshooting'),
    ],
  },
  {
    text: 'Testing and tools',
    items: [
      ...page('The mock cluster', '/guide/mock-cluster'),
      ...page('With your test runner', '/guide/testing'),
      ...page('The command', '/guide/command'),
      ...page('Decoding captures', '/guide/captures'),
      ...page('Writing a tool on the codec', '/guide/codec-tools'),
    ],
  },
];

const migrate: Item[] = [
  {
    text: 'Coming from',
    items: [
      ...page('kafkajs', '/migrate/kafkajs'),
      ...page('node-rdkafka, confluent-kafka-javascript', '/migrate/librdkafka'),
      ...page('@platformatic/kafka', '/migrate/platformatic'),
      ...page('kiel for Python', '/migrate/python-kiel'),
      ...page('Keys in the same partitions', '/migrate/partitioners'),
    ],
  },
];

const reference: Item[] = [
  {
    text: 'Reference',
    items: [
      ...page('Options', '/reference/options'),
      ...page('Errors', '/reference/errors/index'),
      ...page('How errors are treated', '/reference/error-treatment'),
      ...page('Kafka versions', '/reference/kafka-versions'),
      ...page('KIPs', '/reference/kips'),
      ...page('Versions and upgrades', '/reference/versioning'),
      ...page('Glossary', '/reference/glossary'),
    ],
  },
  { text: 'API', items: api() },
  {
    text: 'Performance',
    items: [
      ...page('Measured', '/performance/index'),
      ...page('The codec', '/performance/codec'),
      ...page('What was tried', '/performance/log'),
    ],
  },
  {
    text: 'Design',
    items: [
      ...page('Decisions', '/design/decisions'),
      ...page('Dependencies', '/design/dependencies'),
      { text: 'By area', collapsed: true, items: decisions() },
    ],
  },
];

const base = process.env.KIEL_DOCS_BASE ?? '/';

/** Pages of wide tables and pictures: these have the place of the outline too. */
const wide = /^(?:performance\/|concepts\/states|reference\/(?:kafka-versions|kips|error-treatment))/;

export default defineConfig({
  title: 'kiel',
  description: 'Kafka for TypeScript: plain data, explicit states',
  lang: 'en',
  base,
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: `${base}mark.svg` }]],
  transformPageData(page) {
    if (wide.test(page.relativePath)) page.frontmatter.aside = false;
  },
  srcExclude: ['generated/**', 'node_modules/**', '**/README.md'],
  markdown: {
    config(md) {
      // Two braces in code are two braces, not a place for Vue to fill.
      md.renderer.rules.code_inline = (tokens, index) =>
        `<code v-pre>${md.utils.escapeHtml(tokens[index]!.content)}</code>`;
      const fence = md.renderer.rules.fence!;
      md.renderer.rules.fence = (tokens, index, options, env, self) => {
        const { info, content } = tokens[index]!;
        if (info.trim() !== 'mermaid') return fence(tokens, index, options, env, self);
        const picture = machines[content.trim()];
        if (picture === undefined) throw new Error(`no machine looks like this:\n${content}`);
        return `<div class="machine-frame">${picture}</div>`;
      };
    },
    anchor: { level: [1, 2, 3, 4] },
  },
  themeConfig: {
    logo: '/mark.svg',
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'Guides', link: '/guide/service', activeMatch: '/(guide|concepts)/' },
      { text: 'Reference', link: '/reference/options', activeMatch: '/(reference|performance|design)/' },
      { text: 'Migrate', link: '/migrate/kafkajs', activeMatch: '/migrate/' },
    ],
    sidebar: {
      '/migrate/': migrate,
      '/reference/': reference,
      '/performance/': reference,
      '/design/': reference,
      '/': guide,
    },
    outline: { level: [2, 3] },
    search: {
      provider: 'local',
      options: {
        miniSearch: {
          // Who looks for a word wants the guide first, and then the type that has it.
          searchOptions: { boostDocument: (id: string) => (/\/(?:api|decisions)\//.test(id) ? 0.2 : 1) },
        },
      },
    },
    footer: { message: 'MIT licence' },
  },
});
