import { run } from './run.ts';
import { processTerminal } from './terminal/output.ts';

process.exit(await run(process.argv.slice(2), processTerminal()));
