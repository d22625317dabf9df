import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Terminal } from '../terminal/output.ts';

export type SetExitCode = (code: number) => void;

/** What the definition of a command needs. */
export interface CommandContext {
  readonly program: Command;
  readonly terminal: Terminal;
  readonly setExitCode: SetExitCode;
}

export function subcommand(
  { program }: CommandContext,
  name: string,
  description: string,
  examples: readonly string[],
): Command {
  return program
    .command(name)
    .description(description)
    .showHelpAfterError(`(kiel ${name.split(' ')[0]} --help shows what it takes)`)
    .addHelpText('after', '\nExamples:\n' + examples.map((example) => `  $ ${example}`).join('\n'));
}

export function wholeNumber(least: number, most: number = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const value = Number(text.replaceAll('_', ''));
    if (text.trim() === '' || !Number.isInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(
        most === Number.MAX_SAFE_INTEGER
          ? `It must be a whole number from ${least} on.`
          : `It must be a whole number from ${least} to ${most}.`,
      );
    }
    return value;
  };
}

const compressionChoices = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

export function compressionOption(): Option {
  return new Option('--compression <name>', 'how batches are compressed')
    .choices(compressionChoices)
    .env('KIEL_COMPRESSION');
}

export function acksOption(): Option {
  return new Option('--acks <n>', 'all: every in-sync replica; 1: the leader; 0: nobody is asked').choices([
    'all',
    '-1',
    '1',
    '0',
  ]);
}
