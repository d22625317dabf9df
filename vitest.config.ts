import { defineConfig } from 'vitest/config';

/** Tests run the sources: no build in between. */
const conditions = ['@kiel/source', 'node', 'import', 'default'];
const shared = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
};
const test = {
  environment: 'node' as const,
  /** A guard against hanging, wide enough for a machine that is busy with other things. */
  testTimeout: 60_000,
  hookTimeout: 60_000,
  setupFiles: ['./tests/setup/machine-coverage.ts'],
  execArgv: ['--conditions=@kiel/source', '--unhandled-rejections=strict'],
};

export default defineConfig({
  ...shared,
  test: {
    globalSetup: ['./tests/setup/node-version.ts'],
    reporters: ['default', './tests/setup/summary-reporter.ts', './tests/security/secret-reporter.ts'],
    projects: [
      {
        ...shared,
        test: {
          ...test,
          name: 'unit',
          include: ['packages/*/test/**/*.test.ts', 'tools/bench/test/*.test.ts'],
          exclude: ['**/golden/**', '**/browser/**', '**/node_modules/**'],
        },
      },
      {
        ...shared,
        test: { ...test, name: 'golden', include: ['packages/*/test/golden/**/*.test.ts'], testTimeout: 120_000 },
      },
      {
        ...shared,
        test: {
          ...test,
          name: 'browser',
          include: ['packages/*/test/browser/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
      {
        ...shared,
        test: { ...test, name: 'docs', include: ['tests/docs/**/*.test.ts'], testTimeout: 120_000, maxConcurrency: 3 },
      },
      { ...shared, test: { ...test, name: 'chaos', include: ['tests/chaos/**/*.test.ts'], testTimeout: 600_000 } },
      {
        ...shared,
        test: {
          ...test,
          name: 'interop',
          globalSetup: ['./tests/interop/setup/shared-kafka.ts'],
          include: ['tests/interop/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        ...shared,
        test: {
          ...test,
          name: 'packages',
          globalSetup: ['./tests/packages/setup/packed.ts'],
          include: ['tests/packages/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        ...shared,
        test: {
          ...test,
          name: 'security',
          include: ['tests/security/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
