import { fileURLToPath } from 'node:url';

/** What is built or downloaded once and can be deleted at any time. */
export const cacheFolder: string = fileURLToPath(new URL('.cache', import.meta.url));
export const peersFolder: string = fileURLToPath(new URL('peers', import.meta.url));
export const clientProgram: string = fileURLToPath(new URL('client/run.mjs', import.meta.url));
export const resultsFile: string = fileURLToPath(new URL('results.json', import.meta.url));
export const pageFile: string = fileURLToPath(new URL('../../docs/performance/index.md', import.meta.url));
