import { type Command, Option } from 'commander';
import { type CommandContext, subcommand, wholeNumber } from './subcommand.ts';

/** Flags of whatever runs a producer. */
export function addWatchOptions(command: Command): Command {
  return command
    .option('--inspect', 'show the producer in a page on this machine while it works')
    .addOption(new Option('--inspect-port <n>', 'of that page (default: a free one)').argParser(wholeNumber(1, 65_535)))
    .option('--record <file>', 'write what the page would show into a file, for kiel inspect');
}

export function addInspect(context: CommandContext): void {
  subcommand(context, 'inspect', 'Look at a producer: at a recording in a browser, or at one that runs from here.', [
    'kiel inspect session.ndjson',
    "kiel inspect 'http://127.0.0.1:41873/bT3…/'",
    "kiel inspect 'http://127.0.0.1:41873/bT3…/' --record session.ndjson",
  ])
    .argument('<what>', 'a recording, or the address that --inspect or producer.inspector() gave')
    .addOption(new Option('--port <n>', 'of the page (default: a free one)').argParser(wholeNumber(1, 65_535)))
    .option('--routine', 'for a producer that runs: also what happens all the time')
    .option('--record <file>', 'for a producer that runs: write a recording')
    .option('--json', 'for a producer that runs: print the messages as they come, one object a line')
    .action(async (what: string, flags) => {
      const { inspect } = await import('../commands/inspect.ts');
      context.setExitCode(await inspect(what, flags, context.terminal));
    });
}
