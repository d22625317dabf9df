import { defineConfig } from 'vitest/config';

const conditions = ['@kiel/source', 'node', 'import', 'default'];
const address = process.env['KIEL_DOCS_ADDRESS'] ?? '';

/** For blocks of pages that are run by vitest: the sources, and the address of the cluster they are given. */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  plugins: [
    { name: 'kiel-docs-address', enforce: 'pre', transform: (text) => text.replaceAll('localhost:9092', address) },
  ],
  test: { include: ['**/*.ts'], watch: false },
});
