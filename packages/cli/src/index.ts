export { run } from './run.ts';
export { Output, processTerminal, type Terminal } from './terminal/output.ts';
